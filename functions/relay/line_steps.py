"""What is to be done about a due line, given what stands of it in Odoo."""

from dataclasses import dataclass, replace
from typing import Literal

from functions.relay.prepared_lines import ComputedRating
from fusion_billing.decimals import ZERO
from fusion_billing.odoo.errors import LineInvoiced, OrderCancelled, OrderRenewed, PermanentError, RecordNotFound
from fusion_billing.odoo.order_line_reading import OdooLine
from fusion_billing.odoo.write_and_verify import FailedLine, RequestedLine
from fusion_billing.odoo_lines.external_id import moved_suffix
from fusion_billing.odoo_lines.order_line import OrderLine

Kind = Literal["write", "retire", "retired", "nothing"]


@dataclass(frozen=True, slots=True)
class Step:
    """What to do: `write` the line, `retire` a former one, or note without a call that nothing is left.

    `suffix` ends the external id of the line that follows a former one.
    """

    kind: Kind
    computed_rating: ComputedRating
    wanted: RequestedLine
    held: OdooLine | None
    suffix: str = ""


def step_of(
    one: ComputedRating, wanted: RequestedLine, held: OdooLine | None, fault: PermanentError | None
) -> Step | FailedLine:
    """Return the next step for a line.

    `held` is how it stands in Odoo, `fault` what is wrong with the order it stands on or goes onto.
    """
    is_known = held is not None or not one.line.is_unresolved or bool(wanted.lookup_orders)
    if wanted.is_invoiced(held):
        return FailedLine(LineInvoiced("Odoo has invoiced this line already", name="qty_invoiced"), held, is_known)
    suffix = _moved(one, wanted, held)
    is_over = held is None or isinstance(fault, OrderCancelled | RecordNotFound | OrderRenewed)
    if suffix is not None and is_over:  # what is left on such an order is never invoiced
        return Step("retired", one, wanted, held, suffix)
    if fault is not None:
        return FailedLine(fault, held, is_known)
    if suffix is not None and held is not None:
        return Step("retire", one, _zero(wanted, held), held, suffix)
    kind: Kind = "nothing" if held is None and wanted.line.kind == "nothing" else "write"
    return Step(kind, one, wanted, held)


def _moved(one: ComputedRating, wanted: RequestedLine, held: OdooLine | None) -> str | None:
    """Return the new line's suffix where the line's order or product is another now; None where it isn't."""
    other_product = held is not None and held.product != wanted.line.product
    if not one.is_elsewhere and not other_product:
        return None
    return moved_suffix(
        one.line.suffix,
        product=one.line_item.product if other_product else None,
        order=one.line_item.order if one.is_elsewhere else None,
    )


def _zero(wanted: RequestedLine, held: OdooLine) -> RequestedLine:
    """Return the former line as it shall be: of a quantity of zero, otherwise as it was."""
    line = wanted.line
    former = OrderLine(
        external_id=line.external_id,
        order=held.order,
        product=held.product,
        quantity=ZERO,
        price=ZERO,
        name=held.name or line.name,
        amount=ZERO,
        digits=line.digits,
        kind="nothing",
    )
    return replace(wanted, line=former, fallback=None, uses_fallback=False)
