"""A line as it goes to Odoo, made from what is owed."""

from dataclasses import dataclass
from decimal import Decimal

from fusion_billing.decimals import plain
from fusion_billing.odoo_lines import description
from fusion_billing.odoo_lines.external_id import external_id
from fusion_billing.odoo_lines.line_item import LineItem
from fusion_billing.odoo_lines.quantity_and_price import Precision, QuantityAndPrice, as_one, shape

COLUMNS = ("id", "order_id/.id", "product_id/.id", "product_uom_qty", "price_unit", "name")
"""The columns of `sale.order.line/load`, in the order of `Line.row`."""


@dataclass(frozen=True, slots=True)
class Line:
    """What Odoo shall hold: under `external_id`, on `order`, `quantity` of `product` at `price`.

    `amount` is what its subtotal must come to, with the currency's `digits`. `with_taxes` says
    that the amount includes the taxes, so that the line's total must come to it. `analytic` is its analytic
    distribution as Odoo imports it (JSON), empty where the charge has none.
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


def line_of(
    line_item: LineItem,
    precision: Precision,
    *,
    language: str = "",
    plainly: bool = False,
    suffix: str = "",
) -> Line:
    """Return the line for what is owed.

    `language` is the customer's in Odoo (`de_DE`); `plainly` asks for quantity 1 at the amount even where
    units times price should come out: for a line whose subtotal did not. `suffix` ends the external id.
    Raises `shape.Unrepresentable`.
    """
    held = Precision(precision.quantity, precision.price, line_item.digits)
    form = (
        as_one(line_item.amount, held)
        if plainly and line_item.amount
        else shape(line_item.amount, line_item.parts(), held)
    )
    return Line(
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
