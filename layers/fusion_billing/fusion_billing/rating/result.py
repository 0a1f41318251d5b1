"""The result of a rating: quantities, the amount, and the steps that lead to it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from fusion_billing.currencies import with_digits
from fusion_billing.decimals import ZERO, plain
from fusion_billing.json_types import JsonObject
from fusion_billing.rating.exact import ONE, Exact, readable


class Step(NamedTuple):
    """One step in words and figures; `amount` is `units` times `unit_amount`, exactly.

    A figure that does not end is a rational number here, and rounded to 38 digits past the point in JSON.
    """

    description: str
    units: Exact
    unit_amount: Exact
    amount: Exact

    def as_dict(self) -> dict[str, str]:
        """Return the step as JSON, as the HTTP API has it."""
        return {
            "description": self.description,
            "units": plain(readable(self.units)),
            "unit_amount": plain(readable(self.unit_amount)),
            "amount": plain(readable(self.amount)),
        }


def note(description: str, units: Exact) -> Step:
    """Return a step that costs nothing: it says how a quantity came about."""
    return Step(description, units, ZERO, ZERO)


def lump(description: str, amount: Exact) -> Step:
    """Return a step for a one-time amount."""
    return Step(description, ONE, amount, amount)


@dataclass(frozen=True, slots=True)
class RatingResult:
    """The result of rating a charge over a period.

    `units` are aggregated, converted and rounded, in the unit that is priced; of them
    `included_units` would be free, and `billable_units`, the overage, is what was priced; where the
    price changes within the period, all three are as the version last in force has them.
    `amount` is the steps' sum, rounded once to the currency. The other decimals are exact if they end, else
    rounded to 38 digits past the point (or 38 significant ones, if that is finer): the steps' amounts sum
    to `unrounded_amount` exactly as the rational numbers that they are, and but for the last
    of those digits as they are read. `price_versions` are the `valid_from` of the versions that priced
    it, in order.
    """

    units: Decimal
    included_units: Decimal
    billable_units: Decimal
    amount: Decimal
    unrounded_amount: Decimal
    currency: str
    steps: tuple[Step, ...]
    price_versions: tuple[date | None, ...] = ()

    @property
    def overage_units(self) -> Decimal:
        """Return the units past the included ones: the billable units."""
        return self.billable_units

    def as_estimate(self) -> JsonObject:
        """Return the result as an estimate's JSON, without what only a stored rating has."""
        return {
            "units": plain(self.units),
            "billable_units": plain(self.billable_units),
            "amount": with_digits(self.amount, self.currency),
            "unrounded_amount": plain(self.unrounded_amount),
            "currency": self.currency,
            "steps": [step.as_dict() for step in self.steps],
        }
