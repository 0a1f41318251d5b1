"""Which part of a quantity falls in which tier; shared by the graduated models.

Bounds are inclusive upper bounds. A tier is entered by the first part of a unit above the tier before;
the first is entered even at zero units, so its flat amount is always due (as Stripe, Lago and
OpenMeter bill it).
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Protocol, TypeVar

from fusion_billing.decimals import ZERO, plain


class Bounded(Protocol):
    """A tier, of whatever price."""

    @property
    def up_to(self) -> Decimal | None:
        """The inclusive upper bound; None is open-ended."""


AnyTier = TypeVar("AnyTier", bound=Bounded)


def parts(tiers: Sequence[AnyTier], units: Decimal) -> Iterator[tuple[int, AnyTier, Decimal]]:
    """Yield each tier entered, by number from 1, with the units that fall in it."""
    lower = ZERO
    for number, tier in enumerate(tiers, start=1):
        bound = tier.up_to
        if bound is None or units <= bound:
            yield number, tier, units - lower
            return
        yield number, tier, bound - lower
        lower = bound


def holding(tiers: Sequence[AnyTier], units: Decimal) -> tuple[int, AnyTier]:
    """Return the tier, and its number, that a total of `units` falls in."""
    for number, tier in enumerate(tiers, start=1):
        bound = tier.up_to
        if bound is None or units <= bound:
            return number, tier
    return len(tiers), tiers[-1]


def span(number: int, tier: Bounded) -> str:
    """Return how a step names a tier: `Tier 2 (up to 10)`."""
    bound = tier.up_to
    return f"Tier {number} (open-ended)" if bound is None else f"Tier {number} (up to {plain(bound)})"
