"""Decide what to write of a rating just computed: a new version, a change of its order line, or nothing.

If the document is the stored one, nothing is written: that makes a repeated, overlapping or late run harmless
and cheap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Literal

from fusion_billing.billing.rating import ComputedRating, StoredRating
from fusion_billing.decimals import EXACT, ZERO

PeriodState = Literal["open", "upcoming"]
LineMove = Literal["due", "waiting", "none", "keep"]

_PUT_TO_ODOO = frozenset({"due", "sent", "failed", "final_invoice"})


@dataclass(frozen=True, slots=True)
class NewVersion:
    """Write the computed rating as `version`, over the stored `version` - 1, and change its order line to `line`."""

    computed_rating: ComputedRating
    version: int
    line: LineMove
    raised: frozenset[str]


@dataclass(frozen=True, slots=True)
class SameVersion:
    """Keep the stored document; change its order line, note the thresholds raised, or both."""

    stored: StoredRating
    line: LineMove
    raised: frozenset[str]


Decision = NewVersion | SameVersion | None


def decide(
    computed_rating: ComputedRating,
    stored: StoredRating | None,
    *,
    period: PeriodState,
    has_usage: bool,
    send_now: datetime | None = None,
) -> Decision:
    """Return what to write of a computed rating; None for nothing.

    Args:
        computed_rating: The rating as it is now.
        stored: The rating under the same key; None if there is none yet. Usage or an amount makes the first
            version, for an adjustment its amount alone.
        period: Whether the rating's period is billed by Odoo's next invoice (`open`) or a later one.
        has_usage: Whether any record counts in the rating.
        send_now: The present instant in a run on demand, which sends order lines that wait for a later time.

    Raises:
        ValueError: The stored rating is frozen.
    """
    if stored is None:
        is_adjustment = computed_rating.key.corrects is not None
        if computed_rating.amount.is_zero() and (is_adjustment or not has_usage):
            return None
        if period == "upcoming" and not has_usage:
            return None  # a fee is due in its own time
        line = _line(computed_rating.amount, None, period)
        return NewVersion(computed_rating, 1, line, _raised(computed_rating, None, period))
    if stored.frozen:
        raise ValueError(f"Rating {stored.key.line} is frozen")
    raised = _raised(computed_rating, stored, period)
    line = _line(computed_rating.amount, stored.line.state, period)
    if stored.digest != computed_rating.digest:
        return NewVersion(computed_rating, stored.version + 1, line, raised)
    opened = line == "due" and stored.line.state not in _PUT_TO_ODOO
    is_behind = line == "due" and stored.line.state != "due" and stored.line.is_behind
    hurried = send_now is not None and _waits_after(stored, send_now)
    if not opened and not is_behind and not hurried and not raised and stored.is_listed:
        return None
    return SameVersion(stored, "due" if opened or is_behind or hurried else "keep", raised)


def _waits_after(stored: StoredRating, now: datetime) -> bool:
    """Return whether an order line waits for a later time, other than after a failed attempt."""
    line = stored.line
    return line.state == "due" and line.at is not None and line.at > now and not line.attempt_count


def adjustment(current: Decimal, billed: Decimal, adjusted: Sequence[Decimal]) -> Decimal:
    """Return the amount, with its sign, by which an invoiced period is to be adjusted.

    Args:
        current: What the period comes to now.
        billed: What was invoiced by its own order line.
        adjusted: What was invoiced by adjustments in later periods; not the open one's, which this replaces.
    """
    return EXACT.subtract(current, total([billed, *adjusted]))


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of amounts, of any number of digits."""
    return reduce(EXACT.add, amounts, ZERO)


def _line(amount: Decimal, state: str | None, period: PeriodState) -> LineMove:
    # A line that may be in Odoo is set to zero there; one that never was is not created for zero.
    if amount.is_zero() and state not in _PUT_TO_ODOO:
        return "none"
    return "due" if period == "open" else "waiting"


def _raised(computed_rating: ComputedRating, stored: StoredRating | None, period: PeriodState) -> frozenset[str]:
    if period != "open":
        return frozenset()
    return computed_rating.thresholds - (stored.raised if stored is not None else frozenset())
