"""The demo's dates, all derived from the day of its first start: its open periods are those of today.

The figures are the same on every day: each subscription has 24 days of counters, whatever the length of its month.
"""

from calendar import monthrange
from datetime import date, timedelta
from typing import NamedTuple

COUNTED_DAYS = 24
_DAY = timedelta(days=1)
_OPEN_SINCE = 25 * _DAY
"""The last of the counters ends a day before today, so it is over in every time zone; a month is at least 28 days."""
_YEAR_SINCE = 200 * _DAY


class Dates(NamedTuple):
    """A subscription's start, its open period (`ends_on` is its next invoice date), and its first day with counters."""

    starts_on: date
    opens_on: date
    ends_on: date
    counted_from: date


def of_month(today: date) -> Dates:
    """Return the dates of a monthly subscription whose open period began 25 days ago."""
    opens_on = today - _OPEN_SINCE
    return Dates(_a_year_before(opens_on, opens_on), opens_on, _month_after(opens_on), opens_on)


def of_ended_month(today: date) -> Dates:
    """Return the dates of a monthly subscription whose period ended yesterday, and is not invoiced yet."""
    ends_on = today - _DAY
    opens_on = _month_before(ends_on)
    return Dates(_a_year_before(ends_on, opens_on), opens_on, ends_on, ends_on - COUNTED_DAYS * _DAY)


def of_year(today: date) -> Dates:
    """Return the dates of a yearly subscription that began 200 days ago."""
    opens_on = today - _YEAR_SINCE
    return Dates(opens_on, opens_on, _clamped(opens_on.year + 1, opens_on.month, opens_on.day), today - _OPEN_SINCE)


def _a_year_before(day: date, otherwise: date) -> date:
    """Return the same day a year before, which keeps the day of the month; 29 February has none."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return otherwise


def _month_after(day: date) -> date:
    return _clamped(day.year + day.month // 12, day.month % 12 + 1, day.day)


def _month_before(day: date) -> date:
    return _clamped(day.year - (day.month == 1), (day.month - 2) % 12 + 1, day.day)


def _clamped(year: int, month: int, day: int) -> date:
    """Return a day of a month, or the last day of a month that is shorter."""
    return date(year, month, min(day, monthrange(year, month)[1]))
