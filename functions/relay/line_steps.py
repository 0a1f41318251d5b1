"""What to do about a due line, given the line that Odoo has."""

from dataclasses import dataclass, replace
from typing import Literal

from functions.relay.prepared_lines import PreparedLine
from fusion_billing.decimals import ZERO
from fusion_billing.odoo.errors import LineInvoiced, OrderCancelled, OrderRenewed, PermanentError, RecordNotFound
from fusion_billing.odoo.order_line_reading import OdooLine
from fusion_billing.odoo.write_and_verify import FailedLine, RequestedLine
from fusion_billing.odoo_lines.external_id import moved_suffix
from fusion_billing.odoo_lines.order_line import OrderLine

Kind = Literal["write", "retire", "retired", "nothing"]


@dataclass(frozen=True, slots=True)
class Step:
    """The next step for a line.

    `write` the line, or `retire` a former one by a quantity of zero; `retired` and `nothing` need no call,
    since nothing is left of the former line, or there is nothing to bill. `suffix` ends the external ID of the line
    that follows a former one.
    """

    kind: Kind
    prepared: PreparedLine
    requested: RequestedLine
    odoo_line: OdooLine | None
    suffix: str = ""


def step_of(
    prepared: PreparedLine, requested: RequestedLine, odoo_line: OdooLine | None, fault: PermanentError | None
) -> Step | FailedLine:
    """Return the next step for a line.

    Args:
        odoo_line: The line that Odoo has, None if it has none.
        fault: What is wrong with the order that the line is on, or goes onto.
    """
    is_known = odoo_line is not None or not prepared.stored.is_unresolved or bool(requested.lookup_orders)
    if requested.is_invoiced(odoo_line):
        error = LineInvoiced("Odoo has invoiced this line already", name="qty_invoiced")
        return FailedLine(error, odoo_line, is_known)
    suffix = _suffix_after_move(prepared, requested, odoo_line)
    is_over = odoo_line is None or isinstance(fault, OrderCancelled | RecordNotFound | OrderRenewed)
    if suffix is not None and is_over:  # Odoo never invoices what is left on such an order
        return Step("retired", prepared, requested, odoo_line, suffix)
    if fault is not None:
        return FailedLine(fault, odoo_line, is_known)
    if suffix is not None and odoo_line is not None:
        return Step("retire", prepared, _emptied(requested, odoo_line), odoo_line, suffix)
    kind: Kind = "nothing" if odoo_line is None and requested.line.kind == "nothing" else "write"
    return Step(kind, prepared, requested, odoo_line)


def _suffix_after_move(prepared: PreparedLine, requested: RequestedLine, odoo_line: OdooLine | None) -> str | None:
    """Return the new line's suffix if the order or the product of the line changed, else None."""
    has_other_product = odoo_line is not None and odoo_line.product != requested.line.product
    if not prepared.is_elsewhere and not has_other_product:
        return None
    return moved_suffix(
        prepared.stored.suffix,
        product=prepared.line_item.product if has_other_product else None,
        order=prepared.line_item.order if prepared.is_elsewhere else None,
    )


def _emptied(requested: RequestedLine, odoo_line: OdooLine) -> RequestedLine:
    """Return the former line with a quantity of zero, otherwise as it is in Odoo."""
    line = requested.line
    former = OrderLine(
        external_id=line.external_id,
        order=odoo_line.order,
        product=odoo_line.product,
        quantity=ZERO,
        price=ZERO,
        name=odoo_line.name or line.name,
        amount=ZERO,
        digits=line.digits,
        kind="nothing",
    )
    return replace(requested, line=former, fallback=None, uses_fallback=False)
