"""Plan rating runs: which hours a run covers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fusion_billing.catalog.identifiers import MARKERS_LIVE

HOUR = timedelta(hours=1)
_FORMAT = "%Y-%m-%dT%H"


def hour_of(instant: datetime) -> datetime:
    """Return the start of the hour (UTC) that holds `instant`."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hour_text(hour: datetime) -> str:
    """Return an hour as in marker keys and messages: `2026-11-03T14`."""
    return hour.astimezone(UTC).strftime(_FORMAT).zfill(13)


def parse_hour(text: str) -> datetime:
    """Return the start of the hour in `text`, as `hour_text` writes it; raises `ValueError`."""
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Hours:
    """Whole hours from `first` to `last`, inclusive; empty if `last` is before `first`."""

    first: datetime
    last: datetime

    @property
    def count(self) -> int:
        """Return the number of hours."""
        return max(0, (self.last - self.first) // HOUR + 1)

    def __iter__(self) -> Iterator[datetime]:
        for index in range(self.count):
            yield self.first + index * HOUR


def finished_hours(watermark: datetime | None, earliest: datetime, now: datetime, settling_time: timedelta) -> Hours:
    """Return the hours to plan: those after the `watermark` that ended at least `settling_time` ago.

    Args:
        watermark: The last hour planned; None if none was.
        earliest: When the first marker may have been written: the first hour without a watermark.
        now: The present instant.
        settling_time: How long after an hour its markers may still be written.

    Returns:
        The hours, none of them older than a marker is stored.
    """
    last = hour_of(now - settling_time) - HOUR
    return Hours(_first(watermark, earliest, now), last)


def hours_until_now(watermark: datetime | None, earliest: datetime, now: datetime) -> Hours:
    """Return the hours of a run on demand: as `finished_hours`, up to and including the present hour."""
    return Hours(_first(watermark, earliest, now), hour_of(now))


def _first(watermark: datetime | None, earliest: datetime, now: datetime) -> datetime:
    oldest = hour_of(now - MARKERS_LIVE)
    return max(oldest, hour_of(earliest) if watermark is None else watermark + HOUR)


CLOSING_LEADS = (2 * HOUR, HOUR)
"""How long before a period's end the hours lie in which the whole subscription is marked as changed: the first is
planned some 55 minutes before the end, the second some minutes after it."""


def closing_hours(period_end: datetime, now: datetime, ahead: timedelta) -> list[datetime]:
    """Return the hours in which to mark a subscription, so that all of it is rated around its period's end.

    Empty if the end is not within `ahead`. An hour that has begun is left out, since the sweep just covered it.
    """
    if not now < period_end <= now + ahead:
        return []
    last = hour_of(period_end)
    return [hour for lead in CLOSING_LEADS if (hour := last - lead) >= hour_of(now)]
