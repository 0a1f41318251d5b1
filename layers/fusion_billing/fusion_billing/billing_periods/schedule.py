"""Compute billing periods: where each starts and ends, counted from an anchor in a time zone.

Boundary k is the local wall time of the anchor, k intervals later, always counted from the anchor (31 Jan ->
29 Feb -> 31 Mar; a day that the month lacks becomes its last). Periods are half-open, contiguous, and extend to both
sides of the anchor. Days are as long as they are in the time zone.

When clocks change, a skipped wall time moves forward by what was skipped (02:30 becomes 03:30, a skipped midnight the
first instant of the day). Of a wall time that occurs twice the first is used, unless the anchor itself is the second.
Boundaries never go backward; two may be equal if a time zone skipped a whole day (Samoa, 2011), and no instant is in
the empty period between them.
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
"""A date that begins a week, a month and a year."""
_NOT_IANA = ("posix", "right/", "localtime", "Factory")
"""Prefixes of names in time zone databases that are not IANA time zones: of one machine, or with leap seconds."""


def billing_period(
    anchor: datetime | date | str | None, value: int, unit: str, timezone: str, at: datetime | str
) -> tuple[datetime, datetime]:
    """Return `(start, end)`, aware UTC datetimes, of the period that holds `at`.

    Args:
        anchor: Any boundary: an aware datetime, RFC 3339 text, or a date (or its text), which means its local
            midnight. None means calendar periods: from midnight, Monday, the first of the month, 1 January.
        value: How many units long a period is.
        unit: `day`, `week`, `month` or `year`.
        timezone: An IANA time zone.
        at: Any instant, before the anchor too; the cost does not depend on the distance.

    Raises:
        Refused: if the time zone or unit is unknown, the value is below 1, an instant has no UTC offset, or the
            period leaves the years 1 to 9999.
    """
    return BillingSchedule.of(anchor, value, unit, timezone).period(aware(at, "at"))


@dataclass(frozen=True, slots=True)
class BillingSchedule:
    """The rule that lays out billing periods: an anchor, an interval and a time zone; build it by `of`."""

    wall: datetime
    """The local wall time of the anchor, without offset; `fold` selects one of two equal wall times."""
    value: int
    unit: PeriodUnit
    zone: ZoneInfo = field(repr=False)

    @classmethod
    def of(cls, anchor: datetime | date | str | None, value: int, unit: str, timezone: str) -> "BillingSchedule":
        """Return the schedule; raises `Refused` as `billing_period` does."""
        if type(value) is not int or value < 1:
            raise _refuse("value", "not_positive", "must be an integer greater than zero")
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
            instant = _shifted(local.replace(fold=0), UTC)  # a skipped wall time: move forward, as with fold 0
        return instant

    def index(self, at: datetime) -> int:
        """Return the index of the period that holds the aware `at`: the last boundary not after it."""
        local = _shifted(at, self.zone)
        if self.unit in _MONTHS:
            months = (local.year - self.wall.year) * 12 + local.month - self.wall.month
            index = months // (self.value * _MONTHS[self.unit])
        else:
            index = (local.date() - self.wall.date()).days // (self.value * _DAYS[self.unit])
        # The estimate is off by at most one because of the time of day, a clamped day or a change of clocks, and by
        # two if a time zone skipped a whole day.
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
    """Return the time zone of an IANA name; raises `Refused` (`unknown_timezone`) at the field `at_field`."""
    if isinstance(name, str) and not name.startswith(_NOT_IANA):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(name)
    raise _refuse(at_field, "unknown_timezone", "must be an IANA time zone such as Europe/Brussels")


def local_midnight(day: date, timezone: str) -> datetime:
    """Return the first instant of `day` in the time zone, as an aware UTC datetime."""
    return BillingSchedule.of(day, 1, "day", timezone).boundary(0)


def aware(value: object, at_field: str) -> datetime:
    """Return an aware datetime, or RFC 3339 text, in UTC; raises `Refused` at the field `at_field`."""
    if not isinstance(value, datetime):
        return parse_instant(value, at_field)
    if value.tzinfo is None or value.utcoffset() is None:
        raise _refuse(at_field, "missing_offset", "must have a UTC offset")
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
