"""Divide a quantity by tiers, for the tiered models.

Upper bounds are inclusive. A tier is entered by the first fraction of a unit above the tier before it. The first tier
is entered even at zero units, so its flat amount is always due (as Stripe, Lago and OpenMeter bill it).
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeVar

from fusion_billing.decimals import ZERO, plain
from fusion_billing.rating.exact import Exact
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.result import Step, lump


class Bounded(Protocol):
    """A tier of any pricing."""

    @property
    def up_to(self) -> Decimal | None:
        """The inclusive upper bound; None is open-ended."""

    @property
    def flat_amount(self) -> Decimal:
        """The amount that is due when the tier is entered."""


AnyTier = TypeVar("AnyTier", bound=Bounded)


class Part(NamedTuple):
    """The units to price in one tier; `is_entered` is true if they are the first in it."""

    units: Exact
    is_entered: bool


def parts(tiers: Sequence[AnyTier], usage: Usage) -> Iterator[tuple[str, AnyTier, Part]]:
    """Yield the name of each tier that the units to price fall in or enter, the tier, and its units."""
    lower: Exact = ZERO
    if usage.before is None:
        for number, tier in enumerate(tiers, start=1):
            if tier.up_to is None or usage.billable <= tier.up_to:
                yield span(number, tier), tier, Part(usage.billable - lower, is_entered=True)
                return
            yield span(number, tier), tier, Part(tier.up_to - lower, is_entered=True)
            lower = tier.up_to
        return
    before = usage.before.billable
    for number, tier in enumerate(tiers, start=1):
        units = _within(usage.billable, lower, tier.up_to) - _within(before, lower, tier.up_to)
        is_entered = number > 1 and before <= lower
        if units or is_entered:
            yield span(number, tier), tier, Part(units, is_entered)
        if tier.up_to is None or usage.billable <= tier.up_to:
            return
        lower = tier.up_to


def _within(units: Exact, lower: Exact, upper: Decimal | None) -> Exact:
    """Return how many of the units lie above `lower` and up to `upper`."""
    if units <= lower:
        return ZERO
    return (units if upper is None else min(units, upper)) - lower


def holding(tiers: Sequence[AnyTier], units: Exact) -> tuple[int, AnyTier]:
    """Return the number of the tier that a total of `units` falls in, and the tier."""
    for number, tier in enumerate(tiers, start=1):
        bound = tier.up_to
        if bound is None or units <= bound:
            return number, tier
    return len(tiers), tiers[-1]


def span(number: int, tier: Bounded) -> str:
    """Return the name of a tier in a step: `Tier 2 (up to 10)`."""
    bound = tier.up_to
    return f"Tier {number} (open-ended)" if bound is None else f"Tier {number} (up to {plain(bound)})"


def fee(name: str, tier: Bounded, usage: Usage) -> list[Step]:
    """Return the step of a tier's flat amount, if it has one."""
    if not tier.flat_amount:
        return []
    why = f" of {plain(tier.flat_amount)}, {usage.fee_words}" if usage.fee_words else ""
    return [lump(f"{name}: flat amount{why}", tier.flat_amount * usage.fee_share)]
