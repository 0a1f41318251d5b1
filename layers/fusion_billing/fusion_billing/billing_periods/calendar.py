"""Define the billing calendar of a subscription: its known periods, and by its schedule those before and after them."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from fusion_billing.billing_periods.schedule_terms import ScheduleSpec

State = Literal["invoiced", "open", "upcoming"]


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period `[start, end)` in aware UTC datetimes.

    Attributes:
        invoiced_at: When its invoice was noticed; None if it is not invoiced, or ended before the subscription was
            first seen.
        rated_from: For an invoiced period whose usage was rated only from an instant within it: that instant. The
            period keeps the start it was invoiced under.
        every_charge: Whether it was closed by a release that bills every charge that applied in it. Earlier releases
            billed what they had rated; what they had not rated is not billed.
        is_final: Whether the final invoice of an ended subscription closed it: `next_invoice_date` did not move.
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
    """What divides the time before the first known period: the schedule and the start of that time.

    It never changes after the subscription was first seen, because periods that late usage was billed for must keep
    their bounds. `first_end` is the `next_invoice_date` first seen: with it, a corrected `start_date` moves the open
    period to where it would be if the date had been right from the beginning (None: not recorded).
    """

    spec: ScheduleSpec
    start: datetime
    first_end: date | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The periods of one subscription; together they cover all time, without gap or overlap.

    `known` are the periods seen, contiguous and ascending: the invoiced ones, and last the open one. Later periods
    follow `spec`, earlier ones follow `past`. `replaced` are starts that the first period had before `start_date` was
    corrected, the newest last: ratings stored under them are not billed.
    """

    known: tuple[Period, ...]
    spec: ScheduleSpec
    past: Past
    replaced: tuple[datetime, ...] = ()

    @property
    def open(self) -> Period:
        """The open period, whose ratings are billed by the next invoice."""
        return self.known[-1]

    @property
    def open_starts(self) -> tuple[datetime, ...]:
        """The starts that ratings of the open period may be stored under: its own, then any it had before."""
        return (self.open.start, *(self.replaced if len(self.known) == 1 else ()))

    def period_holding(self, instant: datetime) -> Period:
        """Return the period that contains `instant`, an aware datetime."""
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
        """Return where a period would start if the start of the subscription did not shorten it; None if it did not.

        Only the first period can be shortened: it begins with the subscription.
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
