"""Time-weighted sum: a level, weighed by how long it held.

A record says that the level stood at its quantity through its window. It counts for the share of the
period that its window covers; what of a window lies outside the period is cut off, on either side, and
what no window covers counts as zero. Windows that overlap add up: they are the levels of different things.
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
    held = ZERO
    for record in records:
        begins = max(record.window_start, start)
        ends = min(record.window_end, end)
        if begins < ends:
            held += record.quantity * ((ends - begins) // _TICK)
    return quotient(held, Decimal((end - start) // _TICK))


def cut(records: Iterable[Record], start: datetime, end: datetime) -> Iterator[Record]:
    """Yield what of the records' windows lies in `[start, end)`, as records of that part alone."""
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
