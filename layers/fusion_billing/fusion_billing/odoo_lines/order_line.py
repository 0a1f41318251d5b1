"""Make order lines from line items."""

from dataclasses import dataclass
from decimal import Decimal

from fusion_billing.decimals import plain
from fusion_billing.odoo_lines import description
from fusion_billing.odoo_lines.external_id import external_id
from fusion_billing.odoo_lines.line_item import LineItem
from fusion_billing.odoo_lines.quantity_and_price import Precision, QuantityAndPrice, one_at_amount, quantity_and_price

COLUMNS = ("id", "order_id/.id", "product_id/.id", "product_uom_qty", "price_unit", "name")
"""The columns of `sale.order.line/load`, in the order of `OrderLine.row`."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order line as Odoo must store it: `quantity` of `product` at `price` on `order`, under `external_id`.

    `amount` is the subtotal it must have, with the `digits` of the currency; if `with_taxes`, it is the total with
    taxes instead. `analytic` is its analytic distribution as Odoo imports it (JSON), empty if the charge has none.
    """

    external_id: str
    order: int
    product: int
    quantity: Decimal
    price: Decimal
    name: str
    amount: Decimal
    digits: int
    kind: str
    with_taxes: bool = False
    analytic: str = ""

    def row(self) -> list[str]:
        """Return the line as a row of `load`."""
        return [
            self.external_id,
            str(self.order),
            str(self.product),
            plain(self.quantity),
            plain(self.price),
            self.name,
        ]


def to_order_line(
    line_item: LineItem,
    precision: Precision,
    *,
    language: str = "",
    plainly: bool = False,
    suffix: str = "",
) -> OrderLine:
    """Return the order line of a line item.

    Args:
        line_item: The amount to bill.
        precision: What the database can store.
        language: The customer's language in Odoo, such as `de_DE`.
        plainly: Whether to write quantity 1 at the amount even if units times price should give it: for a line whose
            subtotal differed.
        suffix: The end of the external id.

    Raises:
        Unrepresentable: if no quantity and price give the amount.
    """
    line_precision = Precision(precision.quantity, precision.price, line_item.digits)
    form = (
        one_at_amount(line_item.amount, line_precision)
        if plainly and line_item.amount
        else quantity_and_price(line_item.amount, line_item.parts(), line_precision)
    )
    return OrderLine(
        external_id=_id(line_item) + suffix,
        order=line_item.order,
        product=line_item.product,
        quantity=form.quantity,
        price=form.price,
        name=_name(line_item, form, language),
        amount=line_item.amount,
        digits=line_item.digits,
        kind=form.kind,
        with_taxes=line_item.with_taxes,
        analytic=_analytic(line_item),
    )


def _id(line_item: LineItem) -> str:
    return external_id(
        line_item.subscription,
        line_item.charge,
        line_item.period_start,
        line_item.corrects.start if line_item.corrects else None,
    )


def _analytic(line_item: LineItem) -> str:
    shares = [f'"{account}": {plain(percent)}' for account, percent in sorted(line_item.analytic.items())]
    return f"{{{', '.join(shares)}}}" if shares else ""


def _name(line_item: LineItem, form: QuantityAndPrice, language: str) -> str:
    chosen = description.language(line_item.names, language)
    title = line_item.names.get(chosen, line_item.name)
    words = description.words_of(chosen)
    days = description.Days(line_item.period_start, line_item.period_end, line_item.timezone)
    if line_item.corrects is not None:
        corrected = description.Days(line_item.corrects.start, line_item.corrects.end, line_item.timezone)
        figures = (line_item.corrects.amount, line_item.corrects.invoiced, line_item.amount)
        return description.correction_name(title, corrected, figures, line_item.currency, words)
    steps = [(step.units, step.unit_amount, step.amount) for step in line_item.steps]
    arithmetic = description.Arithmetic(
        line_item.units,
        line_item.included,
        line_item.overage,
        steps if form.kind != "nothing" else [],
        line_item.amount,
        line_item.currency,
    )
    return description.line_name(title, days, arithmetic, words)
