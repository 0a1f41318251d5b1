"""Describe a part of a period in the steps of a rating: its dates in the subscription's time zone, and its share."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_UNITS = (
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
    (timedelta(seconds=1), "second"),
    (timedelta(microseconds=1), "microsecond"),
)


def dates(start: datetime, end: datetime, timezone: str) -> str:
    """Return the dates of `[start, end)`, the last one included: `1 to 14 November`.

    Times of day are included unless both ends are midnights of the zone; years, if they differ.
    """
    zone = ZoneInfo(timezone)
    first, last = start.astimezone(zone), end.astimezone(zone)
    if first.time() == last.time() == time():
        return _days(first.date(), last.date() - timedelta(days=1))
    year = first.year != last.year
    return f"{_moment(first, year=year)} to {_moment(last, year=year)}"


def share(part: timedelta, whole: timedelta) -> str:
    """Return the share of `part` in `whole`, in the largest unit that is exact: `14 of 30 days`."""
    for unit, noun in _UNITS:
        if not part % unit and not whole % unit:
            count = whole // unit
            return f"{part // unit:,} of {count:,} {noun if count == 1 else noun + 's'}"
    raise AssertionError("times are whole microseconds")


def _days(first: date, last: date) -> str:
    year = first.year != last.year
    if first >= last:
        return _day(first, year=False)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {_day(last, year=False)}"
    return f"{_day(first, year=year)} to {_day(last, year=year)}"


def _day(day: date, *, year: bool) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}" + (f" {day.year}" if year else "")


def _moment(at: datetime, *, year: bool) -> str:
    clock = at.time()
    precision = "microseconds" if clock.microsecond else "seconds" if clock.second else "minutes"
    return f"{_day(at.date(), year=year)} {clock.isoformat(precision)}"
