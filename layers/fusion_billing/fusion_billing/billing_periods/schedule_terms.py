"""What of a subscription decides its billing periods, and the lattice that follows from it."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from fusion_billing.billing_periods.schedule import BillingSchedule, local_midnight

_REMEMBERED = 1_024


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """A lattice as it is stored: the local day it is anchored on, the plan's interval, the zone."""

    anchor: date
    value: int
    unit: str
    timezone: str

    @property
    def schedule(self) -> BillingSchedule:
        """The lattice itself."""
        return _lattice(self.anchor, self.value, self.unit, self.timezone)

    def midnight(self, day: date) -> datetime:
        """Return the first instant of `day` in the lattice's zone."""
        return _midnight(day, self.timezone)


@dataclass(frozen=True, slots=True)
class Terms:
    """A subscription's dates, its plan's interval, and its zone. Days are local."""

    start_date: date
    next_invoice_date: date
    value: int
    unit: str
    timezone: str

    @property
    def begin(self) -> datetime:
        """The first instant of the start date."""
        return _midnight(self.start_date, self.timezone)

    def spec(self, previous: date | None = None) -> ScheduleSpec:
        """Return the lattice these terms follow; `previous` is the anchor it had before, if any.

        The anchor sticks: it is `start_date` wherever `next_invoice_date` lies on that day's lattice (so 28
        February is a short month of the 31st, not an anchor on the 28th), else the anchor it had, where
        the date lies on that one, else the date itself. A date not after the start tells nothing.
        """
        if self.next_invoice_date <= self.start_date:
            return self._anchored(self.start_date)
        for anchor in (self.start_date, previous):
            if anchor is not None and self._lies_on(anchor):
                return self._anchored(anchor)
        return self._anchored(self.next_invoice_date)

    def _anchored(self, anchor: date) -> ScheduleSpec:
        return ScheduleSpec(anchor, self.value, self.unit, self.timezone)

    def _lies_on(self, anchor: date) -> bool:
        schedule = self._anchored(anchor).schedule
        end = _midnight(self.next_invoice_date, self.timezone)
        return schedule.boundary(schedule.index(end)) == end


@lru_cache(_REMEMBERED)
def _lattice(anchor: date, value: int, unit: str, timezone: str) -> BillingSchedule:
    return BillingSchedule.of(anchor, value, unit, timezone)


@lru_cache(_REMEMBERED)
def _midnight(day: date, timezone: str) -> datetime:
    return local_midnight(day, timezone)
