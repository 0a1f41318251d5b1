"""What a rating's document says that its line needs. One that can't be a line is told by name, not sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fusion_billing.currencies import DIGITS
from fusion_billing.decimals import EXACT, parse_decimal
from fusion_billing.errors import FusionError, Refused
from fusion_billing.instants import parse_instant
from fusion_billing.odoo_lines.quantity_and_price import Part


class Unreadable(FusionError):
    """The rating's document lacks what a line needs, or says it in a way that can't be read."""

    code = "rating_unreadable"


@dataclass(frozen=True, slots=True)
class Step:
    """One priced part of the rating; units and price are None for a flat fee, a minimum or a maximum."""

    units: Decimal | None
    unit_amount: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Correction:
    """The invoiced period that an adjustment corrects, what it comes to now, and what was invoiced for it."""

    start: datetime
    end: datetime
    amount: Decimal | None = None
    invoiced: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LineItem:
    """An amount to be put onto an order: one rating, or one adjustment of an invoiced one.

    `names` are the charge's names by language code. `with_taxes` says that the amount includes the taxes,
    `analytic` is the percentage that each analytic account bears,
    `final_invoice` that the subscription has ended, so that Odoo won't invoice the order by itself.
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
        """Return the digits past the point of the currency."""
        return DIGITS[self.currency]

    def parts(self) -> list[Part]:
        """Return the priced parts; none where a fee or a bound is among the steps."""
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


def read(document: Mapping[str, Any], subscription: str) -> LineItem:
    """Return what a rating's document owes; raises `Unreadable` naming the first field that is wrong."""
    try:
        currency = _text(document, "currency")
        if currency not in DIGITS:
            raise Unreadable(f"currency: {currency} is not in ISO 4217")
        return LineItem(
            subscription=subscription,
            charge=_text(document, "charge"),
            order=_whole(document, "odoo_order_id"),
            product=_whole(document, "odoo_product_id"),
            name=_text(document, "charge_name"),
            currency=currency,
            amount=_decimal(document, "amount"),
            period_start=parse_instant(document.get("period_start"), "period_start"),
            period_end=parse_instant(document.get("period_end"), "period_end"),
            timezone=_zone(document),
            units=_figure(document, "units"),
            included=_figure(document, "included_units"),
            overage=_figure(document, "overage_units"),
            steps=tuple(_step(step) for step in _list(document, "steps")),
            corrects=_corrects(document),
            names=_names(document),
            plan=_optional(document, "plan"),
            metric=_optional(document, "metric"),
            analytic=_analytic(document),
            with_taxes=document.get("tax_behavior") == "inclusive",
            final_invoice=document.get("final_invoice") is True,
        )
    except Refused as refusal:
        raise Unreadable(refusal.message) from None


def _analytic(document: Mapping[str, Any]) -> dict[str, Decimal]:
    value = document.get("analytic_distribution") or {}
    if not isinstance(value, Mapping):
        raise Unreadable("analytic_distribution: must be an object")
    return {str(account): _decimal(value, account) for account in value}


def _corrects(document: Mapping[str, Any]) -> Correction | None:
    told = document.get("corrects")
    if told is None:
        return None
    if not isinstance(told, Mapping):
        raise Unreadable("corrects: must be an object")
    return Correction(
        parse_instant(told.get("period_start"), "corrects.period_start"),
        parse_instant(told.get("period_end"), "corrects.period_end"),
        _figure(told, "amount"),
        _figure(told, "invoiced_amount"),
    )


def _step(step: object) -> Step:
    if not isinstance(step, Mapping):
        raise Unreadable("steps: must be a list of objects")
    return Step(_figure(step, "units"), _figure(step, "unit_amount"), _decimal(step, "amount"))


def _names(document: Mapping[str, Any]) -> Mapping[str, str]:
    names = document.get("names") or {}
    if not isinstance(names, Mapping):
        raise Unreadable("names: must be an object of names by language")
    return {str(language): str(name) for language, name in names.items() if name}


def _zone(document: Mapping[str, Any]) -> str:
    zone = _text(document, "timezone")
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise Unreadable(f"timezone: {zone} is not known") from None
    return zone


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{name}: is missing")
    return value


def _optional(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) else None


def _whole(document: Mapping[str, Any], name: str) -> int:
    value = document.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise Unreadable(f"{name}: is no id of Odoo's")
    return value


def _decimal(document: Mapping[str, Any], name: str) -> Decimal:
    # The steps' amounts are exact products and may be longer than any quantity that is pushed.
    value = document.get(name)
    if isinstance(value, str):
        try:
            number = Decimal(value)
        except ArithmeticError:
            number = Decimal("NaN")
        if number.is_finite():
            return number
    return parse_decimal(value, name, negative=True)


def _figure(document: Mapping[str, Any], name: str) -> Decimal | None:
    return None if document.get(name) is None else _decimal(document, name)


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name) or []
    return value if isinstance(value, list) else []
