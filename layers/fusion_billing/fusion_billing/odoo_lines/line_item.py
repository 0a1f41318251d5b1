"""Read line items from rating documents; a document that can't become an order line is refused by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from fusion_billing.billing.document_fields import UnreadableDocument
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.billing.step_text import StepText
from fusion_billing.currencies import DIGITS
from fusion_billing.decimals import EXACT
from fusion_billing.odoo_lines.quantity_and_price import Part


@dataclass(frozen=True, slots=True)
class Step:
    """One priced part of the rating; units and price are None for a flat fee, a minimum or a maximum."""

    units: Decimal | None
    unit_amount: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Correction:
    """The invoiced period that an adjustment corrects, its amount now, and the amount invoiced for it."""

    start: datetime
    end: datetime
    amount: Decimal | None = None
    invoiced: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LineItem:
    """An amount to bill on an order: one rating, or one adjustment of an invoiced rating.

    `names` are the names of the charge by language code. `with_taxes` is whether the amount includes the taxes,
    `analytic` the percentage that each analytic account bears, `final_invoice` whether the subscription has ended, so
    that Odoo does not invoice the order by itself.
    """

    subscription: str
    charge: str
    order: int
    product: int
    name: str
    currency: str
    amount: Decimal
    period_start: datetime
    period_end: datetime
    timezone: str
    units: Decimal | None = None
    included: Decimal | None = None
    overage: Decimal | None = None
    steps: tuple[Step, ...] = ()
    corrects: Correction | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    plan: str | None = None
    metric: str | None = None
    with_taxes: bool = False
    analytic: Mapping[str, Decimal] = field(default_factory=dict)
    final_invoice: bool = False

    @property
    def digits(self) -> int:
        """The number of decimal places of the currency."""
        return DIGITS[self.currency]

    def parts(self) -> list[Part]:
        """Return the priced parts; none if a flat fee, a minimum or a maximum is among the steps."""
        if self.corrects is not None:
            return []
        parts = []
        for step in self.steps:
            if step.amount.is_zero():
                continue
            if step.units is None or step.unit_amount is None:
                return []
            if EXACT.multiply(step.units, step.unit_amount) != step.amount:
                return []
            parts.append(Part(step.units, step.unit_amount))
        return parts


def read(document: RatingDocument, subscription: str) -> LineItem:
    """Return the line item of a rating; raises `UnreadableDocument` naming the first field that is wrong."""
    if document.currency not in DIGITS:
        raise UnreadableDocument(f"currency: {document.currency} is not in ISO 4217")
    return LineItem(
        subscription=subscription,
        charge=_text(document.charge, "charge"),
        order=_odoo_id(document.odoo_order_id, "odoo_order_id"),
        product=_odoo_id(document.odoo_product_id, "odoo_product_id"),
        name=_text(document.charge_name, "charge_name"),
        currency=document.currency,
        amount=_decimal(document.amount, "amount"),
        period_start=document.period_start,
        period_end=document.period_end,
        timezone=_zone(document.timezone),
        units=_decimal(document.units, "units"),
        included=_decimal(document.included_units, "included_units"),
        overage=_decimal(document.overage_units, "overage_units"),
        steps=tuple(_step(step) for step in document.steps),
        corrects=_correction(document),
        names={language: name for language, name in (document.names or {}).items() if name},
        plan=document.plan,
        metric=document.metric,
        analytic=_analytic(document.analytic_distribution or {}),
        with_taxes=document.tax_behavior == "inclusive",
        final_invoice=document.needs_final_invoice,
    )


def _analytic(distribution: Mapping[str, str]) -> dict[str, Decimal]:
    return {account: _decimal(percentage, account) for account, percentage in distribution.items()}


def _correction(document: RatingDocument) -> Correction | None:
    corrects = document.corrects
    if corrects is None:
        return None
    return Correction(
        corrects.period_start,
        corrects.period_end,
        _decimal(corrects.amount, "corrects.amount"),
        _decimal(corrects.invoiced_amount, "corrects.invoiced_amount"),
    )


def _step(step: StepText) -> Step:
    return Step(
        _decimal(step.units, "steps.units"),
        _decimal(step.unit_amount, "steps.unit_amount"),
        _decimal(step.amount, "steps.amount"),
    )


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UnreadableDocument(f"timezone: {name} is not known") from None
    return name


def _text(value: str, field_name: str) -> str:
    if not value:
        raise UnreadableDocument(f"{field_name}: is missing")
    return value


def _odoo_id(value: int, field_name: str) -> int:
    if value <= 0:
        raise UnreadableDocument(f"{field_name}: must be an Odoo record ID")
    return value


def _decimal(text: str, field_name: str) -> Decimal:
    # The steps' amounts are exact products and may be longer than any quantity that is pushed.
    try:
        number = Decimal(text)
    except (ArithmeticError, TypeError):
        number = Decimal("NaN")
    if not number.is_finite():
        raise UnreadableDocument(f"{field_name}: must be a decimal")
    return number
