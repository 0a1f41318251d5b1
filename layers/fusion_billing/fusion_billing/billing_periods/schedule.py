"""The lattice of billing periods: where each starts and ends, from a sticky anchor in a time zone.

Boundary k is the anchor's local wall time, k intervals on, counted from the anchor each time
(31 Jan -> 29 Feb -> 31 Mar; a day the month lacks becomes its last). Periods are half-open, contiguous, and
reach to both sides of the anchor. Days are as long as they are in the zone.

Where clocks change: a wall time that is skipped is moved on by what was skipped (02:30 becomes 03:30, a
skipped midnight the first instant of the day); of one that comes twice the first is meant, unless the
anchor itself is the second. A boundary never comes before an earlier one; two may fall together where a
zone skipped a whole day (Samoa, 2011), and no instant is in the empty period between them.
"""

from calendar import monthrange
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fusion_billing.errors import Fault, Refused
from fusion_billing.instants import parse_instant

PeriodUnit = Literal["day", "week", "month", "year"]
_UNITS: tuple[str, ...] = get_args(PeriodUnit)
_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}
_A_MONDAY = date(2001, 1, 1)
"""A day that begins a week, a month and a year."""
_NO_PLACE = ("posix", "right/", "localtime", "Factory")
"""What zone databases hold beside IANA's names: of one machine, with leap seconds, or of no time at all."""


def billing_period(
    anchor: datetime | date | str | None, value: int, unit: str, timezone: str, at: datetime | str
) -> tuple[datetime, datetime]:
    """Return `(start, end)`, aware UTC datetimes, of the period that holds `at`.

    `anchor` is any boundary: an aware datetime, RFC 3339 text, or a day (a date, or its text), which
    stands for its local midnight; without one (None) periods are the calendar's: from midnight, Monday, the
    first of the month, 1 January. The period is `value` times `unit` long ("day", "week", "month",
    "year"); `timezone` is an IANA name. `at` may lie anywhere, before the anchor too. The cost does
    not depend on how far. Raises `Refused` naming what is wrong: an unknown zone or unit, a value below
    1, a naive instant, a period that leaves the years 1 to 9999.
    """
    return BillingSchedule.of(anchor, value, unit, timezone).period(aware(at, "at"))


@dataclass(frozen=True, slots=True)
class BillingSchedule:
    """All periods of one anchor, interval and zone; build it by `of`, which checks them."""

    wall: datetime
    """The anchor's local wall time, naive; its `fold` tells which of two is meant."""
    value: int
    unit: PeriodUnit
    zone: ZoneInfo = field(repr=False)

    @classmethod
    def of(cls, anchor: datetime | date | str | None, value: int, unit: str, timezone: str) -> "BillingSchedule":
        """Return the lattice; raises `Refused` as `billing_period` does."""
        if type(value) is not int or value < 1:
            raise _refuse("value", "not_positive", "must be a whole number greater than zero")
        if unit not in _UNITS:
            raise _refuse("unit", "unknown_value", f"must be one of {', '.join(_UNITS)}")
        zone = zone_of(timezone)
        day = _A_MONDAY if anchor is None else _day(anchor)
        if day is not None:
            wall = datetime.combine(day, time())
        else:
            wall = _shifted(aware(anchor, "anchor"), zone).replace(tzinfo=None)
        return cls(wall, value, unit, zone)  # type: ignore[arg-type]

    def boundary(self, index: int) -> datetime:
        """Return boundary `index` as an aware UTC datetime; 0 is the anchor."""
        wall = self._stepped(index)
        local = wall.replace(tzinfo=self.zone, fold=self.wall.fold)
        instant = _shifted(local, UTC)
        if local.fold and _shifted(instant, self.zone).replace(tzinfo=None) != wall:
            instant = _shifted(local.replace(fold=0), UTC)  # skipped: on by what was skipped, as with fold 0
        return instant

    def index(self, at: datetime) -> int:
        """Return the index of the period that holds the aware `at`: the last boundary not after it."""
        local = _shifted(at, self.zone)
        if self.unit in _MONTHS:
            months = (local.year - self.wall.year) * 12 + local.month - self.wall.month
            index = months // (self.value * _MONTHS[self.unit])
        else:
            index = (local.date() - self.wall.date()).days // (self.value * _DAYS[self.unit])
        # The guess is off by one at most, for the time of day, a clamped day or a change of clocks, and by
        # two where a zone skipped a whole day.
        while self.boundary(index) > at:
            index -= 1
        while self.boundary(index + 1) <= at:
            index += 1
        return index

    def period(self, at: datetime) -> tuple[datetime, datetime]:
        """Return `(start, end)` of the period that holds the aware `at`."""
        index = self.index(at)
        return self.boundary(index), self.boundary(index + 1)

    def before(self, boundary: datetime) -> datetime:
        """Return the start of the period that ends at `boundary` (or holds what is just before it)."""
        return self.boundary(self.index(boundary - timedelta(microseconds=1)))

    def after(self, boundary: datetime) -> datetime:
        """Return the end of the period that starts at `boundary` (or holds it)."""
        return self.boundary(self.index(boundary) + 1)

    def _stepped(self, index: int) -> datetime:
        try:
            if self.unit in _DAYS:
                return self.wall + timedelta(days=index * self.value * _DAYS[self.unit])
            return _months_on(self.wall, index * self.value * _MONTHS[self.unit])
        except (OverflowError, ValueError):
            raise _out_of_range() from None


def zone_of(name: object, at_field: str = "timezone") -> ZoneInfo:
    """Return the zone of an IANA name; raises `Refused` (`unknown_timezone`) at the field named."""
    if isinstance(name, str) and not name.startswith(_NO_PLACE):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(name)
    raise _refuse(at_field, "unknown_timezone", "must be an IANA time zone, such as Europe/Brussels")


def local_midnight(day: date, timezone: str) -> datetime:
    """Return the first instant of `day` in the zone, as an aware UTC datetime."""
    return BillingSchedule.of(day, 1, "day", timezone).boundary(0)


def aware(value: object, at_field: str) -> datetime:
    """Return an aware datetime, or RFC 3339 text, in UTC; raises `Refused` at the field named."""
    if not isinstance(value, datetime):
        return parse_instant(value, at_field)
    if value.tzinfo is None or value.utcoffset() is None:
        raise _refuse(at_field, "missing_offset", "must carry an offset")
    return _shifted(value, UTC)


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return None
    if isinstance(value, str) and len(value) == len("2026-01-31"):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, date) else None


def _months_on(wall: datetime, months: int) -> datetime:
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    if not 1 <= year <= 9999:  # noqa: PLR2004  the years that datetime has
        raise OverflowError
    last = monthrange(year, month + 1)[1]
    return wall.replace(year=year, month=month + 1, day=min(wall.day, last))


def _shifted(instant: datetime, zone: tzinfo) -> datetime:
    try:
        return instant.astimezone(zone)
    except OverflowError:
        raise _out_of_range() from None


def _out_of_range() -> Refused:
    return _refuse("at", "out_of_range", "must have a period within the years 1 to 9999")


def _refuse(at_field: str, code: str, message: str) -> Refused:
    return Refused([Fault(at_field, code, message)])
