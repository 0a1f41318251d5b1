"""A line as it reads back, held against what was to be there: the first difference, by its cause."""

from decimal import ROUND_HALF_UP, Decimal

from fusion_billing.decimals import EXACT, ZERO, plain
from fusion_billing.odoo.errors import (
    DiscountMismatch,
    LineMismatch,
    NothingToInvoice,
    OrderCancelled,
    OrderMismatch,
    PermanentError,
    ProductMismatch,
    RecordNotFound,
    RoundingMismatch,
    TaxMismatch,
)
from fusion_billing.odoo.order_line_reading import OdooLine
from fusion_billing.odoo_lines.order_line import Line


def fault(line: Line, held: OdooLine | None) -> PermanentError | None:
    """Return what is wrong with a line as Odoo holds it; None where it is as it must be."""
    if held is None:
        return RecordNotFound("the line is gone from Odoo, or its user may not see it", name="read back")
    if held.order != line.order:
        return OrderMismatch(f"the line is on order {held.order}, not on {line.order}", name="order")
    if held.state == "cancel":
        return OrderCancelled("the order is cancelled: what is on it is never invoiced", name="order")
    if held.product and held.product != line.product:
        return ProductMismatch(f"the line is one of product {held.product}, not {line.product}", name="product")
    return _difference(line, held) or _nothing_to_invoice(line, held)


def _nothing_to_invoice(line: Line, held: OdooLine) -> NothingToInvoice | None:
    left = held.quantity - held.invoiced
    if held.state != "sale" or held.to_invoice == left or line.amount == ZERO:
        return None
    return NothingToInvoice(
        f"Odoo would invoice {plain(held.to_invoice)} of {plain(left)}: see the invoicing policy of "
        f"product {line.product}",
        name="qty_to_invoice",
    )


def amount(line: Line, held: OdooLine) -> Decimal:
    """Return the amount of the line to compare with the rated one: its subtotal, or its total."""
    return held.amount(with_taxes=line.with_taxes)


def billable(line: Line, held: OdooLine) -> Decimal:
    """Return the amount that Odoo has invoiced of a line and would still invoice."""
    whole = held.amount(with_taxes=line.with_taxes)
    quantity = held.invoiced + (ZERO if held.state == "cancel" else max(held.to_invoice, ZERO))
    if held.state not in ("sale", "cancel") or quantity == held.quantity or not held.quantity:
        return whole
    share = EXACT.divide(EXACT.multiply(whole, quantity), held.quantity)
    return share.quantize(Decimal(1).scaleb(-line.digits), ROUND_HALF_UP, EXACT)


def _agree(one: Decimal, line: Line) -> bool:
    return abs(one - line.amount) < Decimal(1).scaleb(-line.digits - 2)


def _difference(line: Line, held: OdooLine) -> LineMismatch | None:
    if _agree(amount(line, held), line):
        return None
    text = f"rated {plain(line.amount)}, Odoo has {plain(amount(line, held))}"
    if held.discount:
        return DiscountMismatch(f"{text} after a discount of {plain(held.discount)} %", name="discount")
    other = held.subtotal if line.with_taxes else held.total
    if held.total != held.subtotal and _agree(other, line):
        where = "is not included" if line.with_taxes else "is included"
        figures = f"{plain(held.subtotal)} without and {plain(held.total)} with it"
        return TaxMismatch(f"{text}: a tax {where} in the price, {figures}", name="tax")
    kept = []
    if held.quantity != line.quantity:
        kept.append(f"it keeps the quantity as {plain(held.quantity)}")
    if held.price != line.price:
        kept.append(f"it keeps the price as {plain(held.price)}")
    if kept:
        return RoundingMismatch(f"{text}: {' and '.join(kept)}", name="rounding")
    return LineMismatch(text, name="price_subtotal")
