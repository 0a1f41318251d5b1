"""Apply the minimum and the maximum of a charge's amount in a period, over all filters, groups and versions.

Where the price changes within the period, each version's counts by its share of the time. A version without a
minimum counts as 0; if a version has no maximum, there is none. This holds for amounts that add up. An amount that
is itself weighted by time is bounded by each version's own minimum and maximum, or else the whole could be less
than at any of the prices.
"""

from collections.abc import Sequence
from decimal import Decimal

from fusion_billing.decimals import ZERO, plain
from fusion_billing.rating.exact import Exact, in_words
from fusion_billing.rating.result import Step, lump
from fusion_billing.rating.timeline import Part


def commitment(parts: Sequence[Part], amount: Exact) -> list[Step]:
    """Return the step that brings `amount` up to the minimum or down to the maximum, if one is needed."""
    lows = [part.charge.minimum_amount for part in parts]
    low = _weighed(parts, lows)
    if amount < low:
        return [lump(f"{_label(parts)}Raised to the minimum of {_words(parts, lows, low)}", low - amount)]
    highs = [part.charge.maximum_amount for part in parts]
    if any(high is None for high in highs):
        return []
    high = _weighed(parts, highs)
    if amount > high:
        return [lump(f"{_label(parts)}Lowered to the maximum of {_words(parts, highs, high)}", high - amount)]
    return []


def _weighed(parts: Sequence[Part], bounds: Sequence[Decimal | None]) -> Exact:
    return sum([part.weight * bound for part, bound in zip(parts, bounds, strict=True) if bound is not None], ZERO)


def _label(parts: Sequence[Part]) -> str:
    return parts[0].label if len(parts) == 1 else ""


def _words(parts: Sequence[Part], bounds: Sequence[Decimal | None], bound: Exact) -> str:
    """Return `5 USD`, or `3.5 USD (5 for 14 of 30 days, 2 for 16 of 30 days)`."""
    shares = [
        f"{plain(each or ZERO)} for {part.weight_words}"
        for part, each in zip(parts, bounds, strict=True)
        if part.weight_words
    ]
    why = f" ({', '.join(shares)})" if shares else ""
    return f"{in_words(bound)} {parts[0].charge.currency}{why}"
