"""An order line on its way to Odoo: the request, one attempt to write it, and the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from fusion_billing.decimals import ZERO
from fusion_billing.odoo.errors import DiscountMismatch, LineMismatch, OdooError, OrderMismatch, ProductMismatch
from fusion_billing.odoo.order_line_reading import OdooLine
from fusion_billing.odoo.taxed_lines import may_hide_a_tax
from fusion_billing.odoo_lines.order_line import COLUMNS, OrderLine


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """A line to write.

    Attributes:
        line: The line as it should be.
        fallback: The same amount as quantity 1 without a discount, for when `line` does not come out right.
        known_id: The ID of the line in Odoo, if known.
        lookup_orders: The orders to search for its external ID, if `known_id` may be wrong.
        uses_fallback: Whether only the fallback came out right before.
        acknowledged: The amount that was last verified.
    """

    line: OrderLine
    fallback: OrderLine | None = None
    known_id: int | None = None
    lookup_orders: frozenset[int] = frozenset()
    uses_fallback: bool = False
    acknowledged: Decimal | None = None

    def is_invoiced(self, odoo_line: OdooLine | None) -> bool:
        """Return whether Odoo has invoiced what this line was written for."""
        return odoo_line is not None and odoo_line.invoiced != ZERO


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A line that was written and verified.

    Attributes:
        quantity, price, subtotal, discount: As read back from Odoo.
        invoiced: The quantity that was invoiced before the line was written.
        line: The line that was sent.
        uses_fallback: Whether the fallback was sent.
    """

    id: int
    quantity: Decimal
    price: Decimal
    subtotal: Decimal
    invoiced: Decimal
    line: OrderLine
    uses_fallback: bool = False
    discount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class FailedLine:
    """A line that was not written as requested.

    Attributes:
        error: The reason.
        odoo_line: The line in Odoo now, None if there is none. Meaningful only if `is_known`.
        is_known: Whether the state in Odoo is known.
        needs_operator: Whether a wrong line is left in Odoo that could not be rolled back.
    """

    error: OdooError
    odoo_line: OdooLine | None = None
    is_known: bool = False
    needs_operator: bool = False


WriteResult = WrittenLine | FailedLine


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to write a line.

    Attributes:
        requested: The request.
        before: The line in Odoo before the attempt, None if it is new.
        line: The line that is sent.
        no_discount: Whether the discount is written as 0.
        delivered: Whether the delivered quantity is written.
        taxed: Whether the price was chosen by the taxes of the line.
        sequence: The position on the order, if it is written.
    """

    requested: RequestedLine
    before: OdooLine | None
    line: OrderLine
    no_discount: bool = False
    delivered: bool = False
    taxed: bool = False
    sequence: int | None = None

    @property
    def invoiced_before(self) -> Decimal:
        """Return the quantity that was invoiced before the attempt."""
        return self.before.invoiced if self.before is not None else ZERO


def columns_of(attempt: Attempt) -> tuple[str, ...]:
    """Return the columns of `load` that an attempt needs."""
    more = (
        ("discount", attempt.no_discount),
        ("qty_delivered", attempt.delivered),
        ("sequence", attempt.sequence is not None),
        ("analytic_distribution", bool(attempt.line.analytic)),
    )
    return (*COLUMNS, *(name for name, is_needed in more if is_needed))


def row_of(attempt: Attempt, columns: Sequence[str]) -> list[str]:
    """Return the row of `load` for an attempt, with these columns."""
    row = attempt.line.row()
    more = {
        "discount": "0",
        "qty_delivered": row[COLUMNS.index("product_uom_qty")],
        "sequence": str(attempt.sequence),
        "analytic_distribution": attempt.line.analytic,
    }
    return [*row, *(more[name] for name in columns[len(COLUMNS) :])]


def taxable_id(attempt: Attempt, result: WriteResult) -> int | None:
    """Return the ID of a line whose taxes may explain why its subtotal differs; None if they can't."""
    if attempt.taxed:
        return None
    if isinstance(result, WrittenLine):
        return result.id if may_hide_a_tax(attempt.line) else None
    has_other_cause = isinstance(result.error, DiscountMismatch | OrderMismatch | ProductMismatch)
    if not isinstance(result.error, LineMismatch) or has_other_cause or result.odoo_line is None:
        return None
    return result.odoo_line.id
