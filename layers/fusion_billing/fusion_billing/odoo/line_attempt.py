"""A line on its way to Odoo: what is asked for, what one attempt sends, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from fusion_billing.decimals import ZERO
from fusion_billing.odoo.errors import DiscountMismatch, LineMismatch, OdooError, OrderMismatch, ProductMismatch
from fusion_billing.odoo.order_line_reading import OdooLine
from fusion_billing.odoo.taxed_lines import may_hide_a_tax
from fusion_billing.odoo_lines.order_line import COLUMNS, Line


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """A line to be put there: as it shall be, and plainly (quantity 1, no discount) if need be.

    `known_id` is its id where known, `look_up_on` the orders to look for its external id on where that may be
    wrong. `is_plain` says that it came out plainly alone before, `acknowledged` what was last verified of it.
    """

    line: Line
    plainly: Line | None = None
    known_id: int | None = None
    look_up_on: frozenset[int] = frozenset()
    is_plain: bool = False
    acknowledged: Decimal | None = None

    def is_invoiced(self, held: OdooLine | None) -> bool:
        """Tell whether Odoo has invoiced what this line was written for."""
        return held is not None and held.invoiced != ZERO


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A line as Odoo holds it now, read back; `line` is what was sent, `invoiced` the quantity before it."""

    id: int
    quantity: Decimal
    price: Decimal
    subtotal: Decimal
    invoiced: Decimal
    line: Line
    is_plain: bool = False
    discount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class FailedLine:
    """Why a line is not there as it should be.

    `is_known` says that `held` is what stands in Odoo now (None: nothing); without it, nobody knows.
    `needs_operator` says that something wrong stands there and could not be taken back.
    """

    error: OdooError
    held: OdooLine | None = None
    is_known: bool = False
    needs_operator: bool = False


WriteResult = WrittenLine | FailedLine


@dataclass(frozen=True, slots=True)
class Attempt:
    """A line on its way: what was there before, what is sent, and with which columns beside the usual."""

    wanted: RequestedLine
    before: OdooLine | None
    line: Line
    no_discount: bool = False
    delivered: bool = False
    taxed: bool = False
    sequence: int | None = None


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
    """Return the row of `load` for an attempt, in these columns."""
    row = attempt.line.row()
    more = {
        "discount": "0",
        "qty_delivered": row[COLUMNS.index("product_uom_qty")],
        "sequence": str(attempt.sequence),
        "analytic_distribution": attempt.line.analytic,
    }
    return [*row, *(more[name] for name in columns[len(COLUMNS) :])]


def taxable_id(attempt: Attempt, outcome: WriteResult) -> int | None:
    """Return the id of a line whose taxes are worth a look: they may be why it does not come out."""
    if attempt.taxed:
        return None
    if isinstance(outcome, WrittenLine):
        return outcome.id if may_hide_a_tax(attempt.line) else None
    is_other = isinstance(outcome.error, DiscountMismatch | OrderMismatch | ProductMismatch)
    if not isinstance(outcome.error, LineMismatch) or is_other or outcome.held is None:
        return None
    return outcome.held.id
