"""What becomes of a rating just computed: written as a new version, its line moved on, or nothing at all.

A rating whose document is the one stored is not written: that is what makes a repeated, overlapping or
late run harmless and cheap.
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
    """Write the candidate as `version`, over the stored one of `version` - 1, its line moving to `line`."""

    computed_rating: ComputedRating
    version: int
    line: LineMove
    raised: frozenset[str]


@dataclass(frozen=True, slots=True)
class SameVersion:
    """Leave the stored document; move its line, or note thresholds raised, or both."""

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
    """Return what to write for `candidate`, `stored` being the rating under the same key.

    Where there is none yet, usage or an amount makes one; an adjustment is made by its amount alone.
    `send_now` is given for a run that somebody asked for: a line that waits for a later time is due then.
    A stored rating that is frozen is never decided about: `ValueError`.
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
        raise ValueError(f"the rating {stored.key.line} is frozen")
    raised = _raised(computed_rating, stored, period)
    line = _line(computed_rating.amount, stored.line.state, period)
    if stored.digest != computed_rating.digest:
        return NewVersion(computed_rating, stored.version + 1, line, raised)
    opened = line == "due" and stored.line.state not in _PUT_TO_ODOO
    hurried = send_now is not None and _waits_after(stored, send_now)
    if not opened and not hurried and not raised:
        return None
    return SameVersion(stored, "due" if opened or hurried else "keep", raised)


def _waits_after(stored: StoredRating, now: datetime) -> bool:
    """Return whether a line waits for a later time to be sent, and not since an attempt failed."""
    line = stored.line
    return line.state == "due" and line.at is not None and line.at > now and not line.attempt_count


def adjustment(fresh: Decimal, billed: Decimal, adjusted: Sequence[Decimal]) -> Decimal:
    """Return what is still owed, with its sign, for an invoiced period whose fresh rating is `fresh`.

    `billed` is what its own line brought onto an invoice, `adjusted` what the adjustments of periods
    invoiced since did; the adjustment in the open period is not among them, since this replaces it.
    """
    return EXACT.subtract(fresh, total([billed, *adjusted]))


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of amounts, of any number of digits."""
    return reduce(EXACT.add, amounts, ZERO)


def _line(amount: Decimal, state: str | None, period: PeriodState) -> LineMove:
    # A line that may be in Odoo is brought to zero there; one that never was is not made for nothing.
    if amount.is_zero() and state not in _PUT_TO_ODOO:
        return "none"
    return "due" if period == "open" else "waiting"


def _raised(computed_rating: ComputedRating, stored: StoredRating | None, period: PeriodState) -> frozenset[str]:
    if period != "open":
        return frozenset()
    return computed_rating.thresholds - (stored.raised if stored is not None else frozenset())
