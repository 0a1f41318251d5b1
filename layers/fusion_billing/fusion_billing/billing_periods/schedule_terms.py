"""Derive the billing schedule of a subscription from its dates, its plan and its time zone."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from fusion_billing.billing_periods.schedule import BillingSchedule, local_midnight

_REMEMBERED = 1_024


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """A billing schedule as it is stored: its anchor (a local date), the plan's interval, the time zone."""

    anchor: date
    value: int
    unit: str
    timezone: str

    @property
    def schedule(self) -> BillingSchedule:
        """The billing schedule itself."""
        return _schedule(self.anchor, self.value, self.unit, self.timezone)

    def midnight(self, day: date) -> datetime:
        """Return the first instant of `day` in the time zone of the schedule."""
        return _midnight(day, self.timezone)


@dataclass(frozen=True, slots=True)
class Terms:
    """The dates of a subscription, the interval of its plan, and its time zone. Dates are local."""

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
        """Return the billing schedule of these terms; `previous` is the anchor it had before, if any.

        The anchor is `start_date` if `next_invoice_date` is a boundary counted from it (so 28 February is a short
        month of the 31st, not an anchor on the 28th), else the previous anchor if the date is a boundary counted from
        that, else the date itself. A date that is not after the start changes nothing.
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
def _schedule(anchor: date, value: int, unit: str, timezone: str) -> BillingSchedule:
    return BillingSchedule.of(anchor, value, unit, timezone)


@lru_cache(_REMEMBERED)
def _midnight(day: date, timezone: str) -> datetime:
    return local_midnight(day, timezone)
