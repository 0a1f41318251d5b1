"""The hours and days that counts are added to."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Final, Literal

from fusion_billing_client.errors import ClockError

WindowLength = Literal["hour", "day"]

_FIRST: Final = datetime(2000, 1, 1, tzinfo=timezone.utc).timestamp()
_LAST: Final = datetime(2199, 12, 30, tzinfo=timezone.utc).timestamp()
_HOUR: Final = 3600


@dataclass(frozen=True)
class Window:
    """One window `[start, end)`, in seconds since 1970, and as the API has it."""

    start: float
    end: float

    @property
    def start_text(self) -> str:
        """Return the start as RFC 3339 in UTC."""
        return instant_text(self.start)

    @property
    def end_text(self) -> str:
        """Return the end as RFC 3339 in UTC."""
        return instant_text(self.end)


def window_at(now: float, length: WindowLength, zone: tzinfo) -> Window:
    """Return the window that holds the instant `now`; raises `ClockError` if the service accepts no such time."""
    if not _FIRST <= now < _LAST:
        raise ClockError(f"clock: must be in the years 2000 to 2199, but is at {now:.0f} seconds since 1970. Set it")
    local = datetime.fromtimestamp(now, zone)
    if length == "hour":
        start = float(int(now) - local.minute * 60 - local.second)
        return Window(start, start + _HOUR)
    midnight = datetime(local.year, local.month, local.day, tzinfo=zone)
    following = local.date() + timedelta(days=1)
    next_midnight = datetime(following.year, following.month, following.day, tzinfo=zone)
    return Window(midnight.timestamp(), next_midnight.timestamp())


def instant_text(seconds: float) -> str:
    """Return an instant as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")
