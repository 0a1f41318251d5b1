"""A charge: which metric, for whom, at what price.

A charge is stored as the list of its versions, each a `Charge` with the instant from which it is
valid. What one subscription has otherwise is a `ChargeOverride`, laid over each version.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from fusion_billing.catalog.field_types import (
    Amount,
    Code,
    Currency,
    Identifier,
    Positive,
    SubscriptionId,
    Text,
    filled,
)
from fusion_billing.catalog.identifiers import (
    MAX_FILTER_PROPERTIES,
    MAX_FILTERS,
    MAX_GROUP_BY,
    MAX_LISTED,
    MAX_THRESHOLDS,
)
from fusion_billing.catalog.metric import RoundingMode
from fusion_billing.catalog.order_line_options import AnalyticDistribution, TaxBehavior
from fusion_billing.catalog.price_models import PriceModel, above, model_faults
from fusion_billing.catalog.valid_from import Start
from fusion_billing.catalog.validation import Definition
from fusion_billing.decimals import ZERO
from fusion_billing.errors import Fault, Refused
from fusion_billing.json_types import JsonObject


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        raise PydanticCustomError("duplicate", "must not contain duplicates")
    return values


_Listed = (Field(max_length=MAX_LISTED), AfterValidator(filled), AfterValidator(_distinct))
Texts = Annotated[tuple[Text, ...], *_Listed]
SubscriptionIds = Annotated[tuple[SubscriptionId, ...], *_Listed]


class AppliesTo(Definition):
    """Whom a charge applies to: exactly one of everyone, plans by name, or subscriptions by id."""

    all: Literal[True] | None = None
    plans: Texts | None = None
    subscriptions: SubscriptionIds | None = None

    def covers(self, *, plan: str, subscription: str) -> bool:
        """Return whether the charge applies to a subscription on a plan."""
        if self.plans is not None:
            return plan in self.plans
        return self.subscriptions is None or subscription in self.subscriptions


class UnitConversion(Definition):
    """The conversion from the unit of the metric to the priced unit, such as bytes to gigabytes."""

    operation: Literal["multiply", "divide"]
    factor: Positive
    rounding: Literal["none"] | RoundingMode = "none"


class Filter(Definition):
    """A separate price for the usage records whose properties all have one of the listed values."""

    properties: Annotated[dict[Text, Texts], Field(max_length=MAX_FILTER_PROPERTIES), AfterValidator(filled)]
    model: PriceModel
    included_units: Amount = ZERO


_Levels = Annotated[tuple[Positive, ...], Field(max_length=MAX_THRESHOLDS), AfterValidator(_distinct)]


class Thresholds(Definition):
    """When to publish `usage.threshold_reached`: percentages of the included units, and amounts."""

    percent_of_included: _Levels = ()
    amounts: _Levels = ()


DEFAULT_THRESHOLDS = Thresholds(percent_of_included=(Decimal(80), Decimal(100)))
"""The thresholds of a charge without any; a charge with empty lists has none."""


class Charge(Definition):
    """A price rule, in the version valid from `valid_from` (null: since ever).

    `prorate` scales included units, flat amounts, minimum and maximum by the share of the period in which
    the charge applies. `tax_behavior` and `analytic_distribution` concern the order line alone.
    """

    code: Code
    name: Text
    names: dict[Text, Text] | None = None
    metric: Code
    applies_to: AppliesTo
    currency: Currency
    odoo_product_id: Identifier
    included_units: Amount = ZERO
    model: PriceModel
    active: Annotated[bool, Field(strict=True)] = True
    valid_from: Start | None = None
    minimum_amount: Amount | None = None
    maximum_amount: Amount | None = None
    unit_conversion: UnitConversion | None = None
    filters: Annotated[tuple[Filter, ...], Field(max_length=MAX_FILTERS)] = ()
    group_by: Annotated[tuple[Text, ...], Field(max_length=MAX_GROUP_BY), AfterValidator(_distinct)] = ()
    thresholds: Thresholds | None = None
    prorate: Annotated[bool, Field(strict=True)] = False
    tax_behavior: TaxBehavior = "exclusive"
    analytic_distribution: AnalyticDistribution | None = None

    @classmethod
    def cross_faults(cls, raw: JsonObject) -> Iterator[Fault]:
        """Yield the faults that span fields: tiers, minimum and maximum, filters, whom it applies to."""
        yield from _applies_to_faults(raw.get("applies_to"))
        yield from _price_faults(raw)

    def as_json(self) -> JsonObject:
        """Return the JSON object; a field that came later is left out at its default.

        So what was stored before the field existed, and its digest, stays as it is.
        """
        json = super().as_json()
        return {name: value for name, value in json.items() if _LATER.get(name) != value}

    @property
    def effective_thresholds(self) -> Thresholds:
        """The thresholds named, or 80 and 100 % of the included units."""
        return DEFAULT_THRESHOLDS if self.thresholds is None else self.thresholds

    def with_override(self, override: "ChargeOverride") -> "Charge":
        """Return this version with the override of one subscription applied.

        A field that is null in the override is removed. Raises `Refused` if the result is contradictory (a minimum
        above the maximum).
        """
        changes = {name: getattr(override, name) for name in override.model_fields_set - {"valid_from"}}
        for name in ("included_units", "filters", "group_by"):
            if name in changes and changes[name] is None:
                changes[name] = type(self).model_fields[name].default
        if "model" in changes and changes["model"] is None:
            del changes["model"]
        made = self.model_copy(update=changes)
        low, high = made.minimum_amount, made.maximum_amount
        if low is not None and high is not None and low > high:
            raise Refused([_minimum_above_maximum()])
        return made


_LATER: JsonObject = {"prorate": False, "tax_behavior": "exclusive"}
"""Fields that charges stored by earlier releases lack -> their default."""


class ChargeOverride(Definition):
    """The price of one subscription where it differs from the charge.

    A field that is null removes that of the charge. With `valid_from`, the override applies from then on, until the
    next override of the same charge.
    """

    null_is_left_out = False

    valid_from: Start | None = None

    included_units: Amount | None = None
    model: PriceModel | None = None
    minimum_amount: Amount | None = None
    maximum_amount: Amount | None = None
    unit_conversion: UnitConversion | None = None
    filters: Annotated[tuple[Filter, ...], Field(max_length=MAX_FILTERS)] | None = None
    group_by: Annotated[tuple[Text, ...], Field(max_length=MAX_GROUP_BY), AfterValidator(_distinct)] | None = None
    thresholds: Thresholds | None = None

    @classmethod
    def cross_faults(cls, raw: JsonObject) -> Iterator[Fault]:
        """Yield the faults that span fields, as for a charge."""
        yield from _price_faults(raw)

    def as_json(self) -> JsonObject:
        """Return the JSON object, with the nulls that remove fields of the charge."""
        named = self.model_fields_set - {"valid_from"}
        cleared = {name: None for name in named if getattr(self, name) is None}
        return super().as_json() | cleared


def check_versions(versions: Sequence[Charge]) -> None:
    """Raise `Refused` unless versions have one code, metric and currency, and different `valid_from`.

    The field of a fault begins with the index of the version.
    """
    faults = []
    starts = set()
    for index, version in enumerate(versions):
        first = versions[0]
        faults += [
            Fault(f"{index}.{field}", "differs_between_versions", f"must be {getattr(first, field)}")
            for field in ("code", "metric", "currency")
            if getattr(version, field) != getattr(first, field)
        ]
        if version.valid_from in starts:
            faults.append(Fault(f"{index}.valid_from", "duplicate", "must differ from that of every other version"))
        starts.add(version.valid_from)
    if faults:
        raise Refused(faults)


def _price_faults(raw: dict[str, Any]) -> Iterator[Fault]:
    yield from (fault.under("model") for fault in model_faults(raw.get("model")))
    if above(raw.get("minimum_amount"), raw.get("maximum_amount")):
        yield _minimum_above_maximum()
    filters = raw.get("filters")
    if not isinstance(filters, list):
        return
    seen: list[object] = []
    for index, item in enumerate(filters):
        if not isinstance(item, dict):
            continue
        yield from (fault.under(f"filters.{index}.model") for fault in model_faults(item.get("model")))
        selection = _selection(item.get("properties"))
        if selection is not None and selection in seen:
            yield Fault(
                f"filters.{index}.properties", "duplicate_filter", "must differ from that of every other filter"
            )
        seen.append(selection)


def _selection(properties: object) -> object:
    """Return what a raw filter selects, independent of the order of its fields."""
    if not isinstance(properties, dict):
        return None
    return {key: sorted(map(str, value)) if isinstance(value, list) else value for key, value in properties.items()}


def _applies_to_faults(raw: object) -> Iterator[Fault]:
    if not isinstance(raw, dict):
        return
    named = [name for name in ("all", "plans", "subscriptions") if raw.get(name) is not None]
    if len(named) != 1:
        message = "must name exactly one of all, plans and subscriptions"
        yield Fault("applies_to", "mutually_exclusive" if named else "missing", message)


def _minimum_above_maximum() -> Fault:
    return Fault("minimum_amount", "minimum_above_maximum", "must not be above maximum_amount")
