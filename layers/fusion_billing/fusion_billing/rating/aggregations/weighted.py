"""Sum levels, each weighted by its share of the period.

A record states the level throughout its window, and counts by the share of the period that the window covers.
The parts of a window outside the period are cut off; time without a window counts as zero. Windows that overlap
add up, since they are the levels of different things.
2,500 for 3 days, 500 for 2 and 300 for 25 of 30 are (2500 x 3 + 500 x 2 + 300 x 25) / 30 = 533.33...
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from fusion_billing.decimals import ZERO
from fusion_billing.rating.exact import Exact, quotient
from fusion_billing.rating.records import Record

_TICK = timedelta(microseconds=1)


def time_weighted(records: Sequence[Record], start: datetime, end: datetime) -> Exact:
    """Return the sum of each quantity times its window's share of `[start, end)`."""
    total = ZERO
    for record in records:
        begins = max(record.window_start, start)
        ends = min(record.window_end, end)
        if begins < ends:
            total += record.quantity * ((ends - begins) // _TICK)
    return quotient(total, Decimal((end - start) // _TICK))


def cut(records: Iterable[Record], start: datetime, end: datetime) -> Iterator[Record]:
    """Yield the records with their windows cut to `[start, end)`; records outside it are left out."""
    for record in records:
        since, until = record.window_start, record.window_end
        if since >= start and until <= end:
            yield record
        elif since < end and until > start:
            yield Record(
                record.key,
                max(since, start),
                min(until, end),
                record.quantity,
                record.member,
                record.properties,
            )
