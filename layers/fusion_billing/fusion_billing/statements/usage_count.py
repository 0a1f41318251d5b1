"""Count the usage behind an order line of a statement."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from fusion_billing.rating.records import Record
from fusion_billing.statements.statement import UsageCount

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


def usage_count(records: Iterable[Record], *, start: datetime, end: datetime, timezone: str) -> UsageCount:
    """Return how many records and revisions count in `[start, end)`, and the local days without any.

    Args:
        records: The records that count there, in any order.
        start: The start of what is billed of the period (aware).
        end: Its end, exclusive.
        timezone: The subscription's, by whose days it is counted.

    Returns:
        The counts; no missing days if there is no record at all: the metric is not in use then.
    """
    zone = ZoneInfo(timezone)
    count = revisions = 0
    seen: set[date] = set()
    for record in records:
        count += 1
        revisions += record.revision
        seen |= _days(max(record.window_start, start), min(record.window_end, end), zone)
    missing = sorted(_days(start, end, zone) - seen) if count else []
    return UsageCount(count, revisions, tuple(missing))


def _days(start: datetime, end: datetime, zone: ZoneInfo) -> set[date]:
    """Return the local days that `[start, end)` has some instant of."""
    first = start.astimezone(zone).date()
    last = max(first, (end - _TICK).astimezone(zone).date())
    return {first + index * _DAY for index in range((last - first).days + 1)}
