"""Compare an order line as read back from Odoo with the line that was written, and name the first difference."""

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
from fusion_billing.odoo_lines.order_line import OrderLine


def line_not_found() -> RecordNotFound:
    """Return the error for a line that was written but can't be read back."""
    return RecordNotFound("the line does not exist in Odoo, or its user may not see it", name="read back")


def fault(line: OrderLine, odoo_line: OdooLine) -> PermanentError | None:
    """Return the difference of a line in Odoo, None if there is none."""
    if odoo_line.order != line.order:
        return OrderMismatch(f"the line is on order {odoo_line.order}, not on {line.order}", name="order")
    if odoo_line.state == "cancel":
        return OrderCancelled("the order is cancelled: Odoo never invoices its lines", name="order")
    if odoo_line.product and odoo_line.product != line.product:
        return ProductMismatch(f"the line has product {odoo_line.product}, not {line.product}", name="product")
    return _difference(line, odoo_line) or _nothing_to_invoice(line, odoo_line)


def _nothing_to_invoice(line: OrderLine, odoo_line: OdooLine) -> NothingToInvoice | None:
    left = odoo_line.quantity - odoo_line.invoiced
    if odoo_line.state != "sale" or odoo_line.to_invoice == left or line.amount == ZERO:
        return None
    return _other_quantity(line, odoo_line)


def delivered_left(line: OrderLine, odoo_line: OdooLine) -> NothingToInvoice | None:
    """Return the error for a line set to zero that keeps a delivered quantity: Odoo would invoice it at 0.

    The amount is right, so `fault` does not report it: a product whose delivered quantity can't be written is
    billed correctly all the same.
    """
    is_zero = line.kind == "nothing" and odoo_line.quantity == odoo_line.invoiced == ZERO
    if odoo_line.state != "sale" or not is_zero or odoo_line.to_invoice == ZERO:
        return None
    return _other_quantity(line, odoo_line)


def _other_quantity(line: OrderLine, odoo_line: OdooLine) -> NothingToInvoice:
    left = odoo_line.quantity - odoo_line.invoiced
    return NothingToInvoice(
        f"Odoo would invoice {plain(odoo_line.to_invoice)} of {plain(left)}: see the invoicing policy of "
        f"product {line.product}",
        name="qty_to_invoice",
    )


def amount(line: OrderLine, odoo_line: OdooLine) -> Decimal:
    """Return the amount of the line to compare with the rated amount: its subtotal, or its total with taxes."""
    return odoo_line.amount(with_taxes=line.with_taxes)


def billable(line: OrderLine, odoo_line: OdooLine) -> Decimal:
    """Return the amount of a line that Odoo has invoiced or would still invoice."""
    whole = odoo_line.amount(with_taxes=line.with_taxes)
    quantity = odoo_line.invoiced + (ZERO if odoo_line.state == "cancel" else max(odoo_line.to_invoice, ZERO))
    if odoo_line.state not in ("sale", "cancel") or quantity == odoo_line.quantity or not odoo_line.quantity:
        return whole
    share = EXACT.divide(EXACT.multiply(whole, quantity), odoo_line.quantity)
    return share.quantize(Decimal(1).scaleb(-line.digits), ROUND_HALF_UP, EXACT)


def _agrees(amount: Decimal, line: OrderLine) -> bool:
    return abs(amount - line.amount) < Decimal(1).scaleb(-line.digits - 2)


def _difference(line: OrderLine, odoo_line: OdooLine) -> LineMismatch | None:
    if _agrees(amount(line, odoo_line), line):
        return None
    text = f"rated {plain(line.amount)}, Odoo has {plain(amount(line, odoo_line))}"
    if odoo_line.discount:
        return DiscountMismatch(f"{text} after a discount of {plain(odoo_line.discount)} %", name="discount")
    other = odoo_line.subtotal if line.with_taxes else odoo_line.total
    if odoo_line.total != odoo_line.subtotal and _agrees(other, line):
        where = "is not included" if line.with_taxes else "is included"
        figures = f"{plain(odoo_line.subtotal)} without and {plain(odoo_line.total)} with it"
        return TaxMismatch(f"{text}: a tax {where} in the price, {figures}", name="tax")
    rounded = []
    if odoo_line.quantity != line.quantity:
        rounded.append(f"Odoo stores the quantity as {plain(odoo_line.quantity)}")
    if odoo_line.price != line.price:
        rounded.append(f"Odoo stores the price as {plain(odoo_line.price)}")
    if rounded:
        return RoundingMismatch(f"{text}: {' and '.join(rounded)}", name="rounding")
    return LineMismatch(text, name="price_subtotal")
