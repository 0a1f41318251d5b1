"""What rating answers: quantities, the amount, and the steps that lead to it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from fusion_billing.currencies import with_digits
from fusion_billing.decimals import ZERO, plain
from fusion_billing.definitions.valid_from import shown


class Step(NamedTuple):
    """One step in words and figures; `amount` is `units` times `unit_amount`, exactly."""

    description: str
    units: Decimal
    unit_amount: Decimal
    amount: Decimal

    def as_dict(self) -> dict[str, str]:
        """Return the step as the HTTP contract has it."""
        return {
            "description": self.description,
            "units": plain(self.units),
            "unit_amount": plain(self.unit_amount),
            "amount": plain(self.amount),
        }


def note(description: str, units: Decimal) -> Step:
    """Return a step that costs nothing: it says how a quantity came about."""
    return Step(description, units, ZERO, ZERO)


def lump(description: str, amount: Decimal) -> Step:
    """Return a step of one amount, due once."""
    return Step(description, ONE, amount, amount)


ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Rated:
    """A charge rated over a period.

    `units` are aggregated, converted and rounded, in the unit that is priced; of them
    `included_units` would be free, and `billable_units`, the overage, is what was priced.
    The steps' amounts sum to `unrounded_amount` exactly; `amount` is that, rounded once to the
    currency. `price_versions` are the `valid_from` of the versions that priced it, in order.
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
        """The units past the included ones: another word for the billable units."""
        return self.billable_units

    def as_dict(self) -> dict[str, Any]:
        """Return the rating as JSON: decimals plain, the amount with its currency's digits."""
        return {
            "units": plain(self.units),
            "included_units": plain(self.included_units),
            "overage_units": plain(self.billable_units),
            "billable_units": plain(self.billable_units),
            "amount": with_digits(self.amount, self.currency),
            "unrounded_amount": plain(self.unrounded_amount),
            "currency": self.currency,
            "steps": [step.as_dict() for step in self.steps],
            "price_versions": [None if at is None else shown(at) for at in self.price_versions],
        }

    def as_estimate(self) -> dict[str, Any]:
        """Return what an estimate answers: the same, without what only a stored rating has."""
        whole = self.as_dict()
        return {name: whole[name] for name in ESTIMATE_FIELDS}


ESTIMATE_FIELDS = ("units", "billable_units", "amount", "unrounded_amount", "currency", "steps")


def records_in_words(count: int) -> str:
    """Return `1 record`, `2 records`."""
    return f"{count} record" if count == 1 else f"{count} records"
