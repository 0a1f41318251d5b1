"""Define the charge models and their parameters, in the JSON of the HTTP API."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from fusion_billing.catalog.field_types import Amount, Count, Positive, filled
from fusion_billing.catalog.identifiers import MAX_TIERS
from fusion_billing.catalog.validation import Definition
from fusion_billing.decimals import ZERO, parse_decimal
from fusion_billing.errors import Fault, Refused


class PerUnit(Definition):
    """Each unit costs the same."""

    type: Literal["per_unit"]
    unit_amount: Amount


class Tier(Definition):
    """Units above the previous tier, up to and including `up_to`; null is open-ended."""

    up_to: Amount | None = None
    unit_amount: Amount = ZERO
    flat_amount: Amount = ZERO


class Graduated(Definition):
    """Each unit is priced by the tier it falls in; a tier's flat amount is due once it is entered."""

    type: Literal["graduated"]
    tiers: Annotated[tuple[Tier, ...], Field(max_length=MAX_TIERS), AfterValidator(filled)]


class Volume(Definition):
    """All units are priced by the tier that contains their total."""

    type: Literal["volume"]
    tiers: Annotated[tuple[Tier, ...], Field(max_length=MAX_TIERS), AfterValidator(filled)]


class Package(Definition):
    """Units are sold in packages; a started package is charged, unless `rounding` is `down`."""

    type: Literal["package"]
    package_size: Positive
    package_amount: Amount
    rounding: Literal["up", "down"] = "up"


class Percentage(Definition):
    """A share of each record's quantity and a fixed amount a record, after a free allowance.

    The first records are free until `free_records` of them or `free_amount` of quantity is used up,
    whichever is first; each paying record's amount then lies between its minimum and maximum.
    """

    type: Literal["percentage"]
    rate_percent: Amount
    fixed_amount: Amount | None = None
    free_records: Count | None = None
    free_amount: Amount | None = None
    record_minimum: Amount | None = None
    record_maximum: Amount | None = None


class PercentTier(Definition):
    """A tier whose unit price is a percentage."""

    up_to: Amount | None = None
    rate_percent: Amount = ZERO
    flat_amount: Amount = ZERO


class GraduatedPercentage(Definition):
    """Each unit is charged the percentage of the tier it falls in."""

    type: Literal["graduated_percentage"]
    tiers: Annotated[tuple[PercentTier, ...], Field(max_length=MAX_TIERS), AfterValidator(filled)]


class Flat(Definition):
    """One amount per period, regardless of usage."""

    type: Literal["flat"]
    amount: Amount


PriceModel = Annotated[
    PerUnit | Graduated | Volume | Package | Percentage | GraduatedPercentage | Flat,
    Field(discriminator="type"),
]


def model_faults(raw: object) -> Iterator[Fault]:
    """Yield the faults that span fields of a raw model: bounds of tiers, minimum and maximum."""
    if not isinstance(raw, dict):
        return
    if isinstance(raw.get("tiers"), list):
        yield from _tier_faults(raw["tiers"])
    if above(raw.get("record_minimum"), raw.get("record_maximum")):
        yield Fault("record_minimum", "minimum_above_maximum", "must not be above record_maximum")


def above(low: object, high: object) -> bool:
    """Return whether two raw decimals are valid, and the first is greater."""
    return _bound(low, high) is not None


def _bound(low: object, high: object) -> Decimal | None:
    first, second = lenient_decimal(low), lenient_decimal(high)
    return first if first is not None and second is not None and first > second else None


def _tier_faults(tiers: list[Any]) -> Iterator[Fault]:
    bounds = [tier.get("up_to") if isinstance(tier, dict) else None for tier in tiers]
    previous = ZERO
    for index, bound in enumerate(bounds):
        field = f"tiers.{index}.up_to"
        last = index == len(bounds) - 1
        if bound is None:
            if not last:
                yield Fault(field, "open_tier_not_last", "only the last tier may be open-ended")
            continue
        if last:
            yield Fault(field, "no_open_last_tier", "must be null: the last tier is open-ended")
        number = lenient_decimal(bound)
        if number is None:
            continue
        if number <= previous:
            yield Fault(field, "not_ascending", "must be above the tier before")
        previous = max(previous, number)


def lenient_decimal(value: object) -> Decimal | None:
    """Return a raw decimal, or None if it is invalid: its own field has a fault then."""
    try:
        return None if value is None else parse_decimal(value)
    except Refused:
        return None
