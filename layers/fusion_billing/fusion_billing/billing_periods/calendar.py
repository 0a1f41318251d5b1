"""A subscription's billing periods: those that were seen, and by the lattice those before and after."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from fusion_billing.billing_periods.schedule_terms import ScheduleSpec

State = Literal["invoiced", "open", "upcoming"]


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period `[start, end)` in aware UTC datetimes.

    `invoiced_at` is when its invoicing was seen: None for one that is not invoiced, or that ended before
    the subscription was first seen. `rated_from` is set for an invoiced one whose usage was rated only from
    an instant within it on: what is invoiced keeps the start it was invoiced under. `every_charge` tells of
    an invoiced one that it was closed by a release that bills every charge that applied in it; those before
    billed what they had rated, and what they had not is nobody's debt. `is_final` tells of an invoiced one
    that it was closed by the final invoice of an ended subscription: `next_invoice_date` did not move on.
    """

    start: datetime
    end: datetime
    state: State
    invoiced_at: datetime | None = None
    rated_from: datetime | None = None
    every_charge: bool = False
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What the time before the first period seen is cut by: the lattice of then, and the start of then.

    It stays as it was when the subscription was first seen, whatever changes later: periods that
    late usage was billed for must not be cut anew. `first_end` is the `next_invoice_date` first seen: with
    it a corrected `start_date` lays the open period as if it had been known from the first (None: not noted).
    """

    spec: ScheduleSpec
    start: datetime
    first_end: date | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The periods of one subscription; together they tile all time, without gap or overlap.

    `known` are those seen, contiguous and ascending: invoiced ones, and last the open one. What comes after
    follows `spec`, what came before follows `past`. `replaced` are starts that the first period had before
    `start_date` was corrected, the newest last: ratings that may be stored under them bill nothing any more.
    """

    known: tuple[Period, ...]
    spec: ScheduleSpec
    past: Past
    replaced: tuple[datetime, ...] = ()

    @property
    def open(self) -> Period:
        """The open period: what is rated in it goes onto the next invoice."""
        return self.known[-1]

    @property
    def open_starts(self) -> tuple[datetime, ...]:
        """Return the starts that the open period's ratings may be under: its own, then any it had before."""
        return (self.open.start, *(self.replaced if len(self.known) == 1 else ()))

    def period_holding(self, instant: datetime) -> Period:
        """Return the one period that holds `instant`, an aware datetime."""
        if instant >= self.open.end:
            start, end = self.spec.schedule.period(instant)
            return Period(max(start, self.open.end), end, "upcoming")
        if instant < self.known[0].start:
            return self._before(instant)
        return self.known[bisect_right(self.known, instant, key=_start) - 1]

    def after(self, period: Period) -> Period:
        """Return the period that follows `period`."""
        return self.period_holding(period.end)

    def whole_start(self, period: Period) -> datetime | None:
        """Return where a period would start if the subscription's start did not cut it short; None if uncut.

        That can be the first one alone: it begins with the subscription, if that is later than the schedule.
        """
        if period.start != self.known[0].start:
            return None
        scheduled = self.past.spec.schedule.before(period.end)
        return scheduled if scheduled < period.start else None

    def _before(self, instant: datetime) -> Period:
        start, end = self.past.spec.schedule.period(instant)
        end = min(end, self.known[0].start)
        cut = self.past.start
        if start < cut < end:
            start, end = (cut, end) if instant >= cut else (start, cut)
        return Period(start, end, "invoiced")


def _start(period: Period) -> datetime:
    return period.start
