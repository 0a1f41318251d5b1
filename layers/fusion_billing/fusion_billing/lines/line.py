"""A line as it goes to Odoo, made from what is owed."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from fusion_billing.decimals import plain
from fusion_billing.lines import naming
from fusion_billing.lines.external_id import external_id, rolling_id
from fusion_billing.lines.owed import Owed
from fusion_billing.lines.shape import Precision, Shape, as_one, shape

Mode = Literal["period", "rolling"]

COLUMNS = ("id", "order_id/.id", "product_id/.id", "product_uom_qty", "price_unit", "name")
"""The columns of `sale.order.line/load`, in the order of `Line.row`."""


@dataclass(frozen=True, slots=True)
class Line:
    """What Odoo shall hold: under `external_id`, on `order`, `quantity` of `product` at `price`.

    `amount` is what its subtotal must come to, with the currency's `digits`. `rolling` lines count what was
    invoiced on them before: their quantity is to be raised by Odoo's `qty_invoiced`. `with_taxes` says that
    the amount includes the taxes, so that the line's total must come to it. `analytic` is its analytic
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
    rolling: bool = False
    with_taxes: bool = False
    analytic: str = ""

    def row(self, invoiced: Decimal = Decimal(0)) -> list[str]:
        """Return the line as a row of `load`; `invoiced` is added to a rolling line's quantity."""
        quantity = self.quantity + invoiced if self.rolling else self.quantity
        return [
            self.external_id,
            str(self.order),
            str(self.product),
            plain(quantity),
            plain(self.price),
            self.name,
        ]


def line_of(
    owed: Owed,
    precision: Precision,
    *,
    mode: Mode = "period",
    language: str = "",
    plainly: bool = False,
    suffix: str = "",
) -> Line:
    """Return the line for what is owed.

    `language` is the customer's in Odoo (`de_DE`); `plainly` asks for quantity 1 at the amount even where
    units times price should come out: for a line whose subtotal did not. `suffix` ends the external id.
    Raises `shape.Unrepresentable`.
    """
    held = Precision(precision.quantity, precision.price, owed.digits)
    form = as_one(owed.amount, held) if plainly and owed.amount else shape(owed.amount, owed.parts(), held)
    rolling = mode == "rolling" and owed.corrects is None
    return Line(
        external_id=_id(owed, rolling=rolling) + suffix,
        order=owed.order,
        product=owed.product,
        quantity=form.quantity,
        price=form.price,
        name=_name(owed, form, language),
        amount=owed.amount,
        digits=owed.digits,
        kind=form.kind,
        rolling=rolling,
        with_taxes=owed.with_taxes,
        analytic=_analytic(owed),
    )


def _id(owed: Owed, *, rolling: bool) -> str:
    if rolling:
        return rolling_id(owed.subscription, owed.charge)
    return external_id(
        owed.subscription, owed.charge, owed.period_start, owed.corrects.start if owed.corrects else None
    )


def _analytic(owed: Owed) -> str:
    shares = [f'"{account}": {plain(percent)}' for account, percent in sorted(owed.analytic.items())]
    return f"{{{', '.join(shares)}}}" if shares else ""


def _name(owed: Owed, form: Shape, language: str) -> str:
    chosen = naming.language(owed.names, language)
    title = owed.names.get(chosen, owed.name)
    words = naming.words_of(chosen)
    days = naming.Days(owed.period_start, owed.period_end, owed.timezone)
    if owed.corrects is not None:
        corrected = naming.Days(owed.corrects.start, owed.corrects.end, owed.timezone)
        figures = (owed.corrects.amount, owed.corrects.invoiced, owed.amount)
        return naming.correction_name(title, corrected, figures, owed.currency, words)
    steps = [(step.units, step.unit_amount, step.amount) for step in owed.steps]
    arithmetic = naming.Arithmetic(
        owed.units,
        owed.included,
        owed.overage,
        steps if form.kind != "nothing" else [],
        owed.amount,
        owed.currency,
    )
    return naming.line_name(title, days, arithmetic, words)
