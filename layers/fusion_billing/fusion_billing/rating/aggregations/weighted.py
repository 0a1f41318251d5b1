"""Time-weighted sum: a level, weighed by how long it held.

A record says that the level stood at its quantity through its window. It counts for the share of the
period that its window covers; what of a window lies past the period is cut off, and what no window
covers counts as zero. Windows that overlap add up: they are the levels of different things.
2,500 for 3 days, 500 for 2 and 300 for 25 of 30 are (2500 x 3 + 500 x 2 + 300 x 25) / 30 = 533.33...
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from fusion_billing.decimals import ZERO
from fusion_billing.rating.records import Record

_TICK = timedelta(microseconds=1)


def time_weighted(records: Sequence[Record], start: datetime, end: datetime) -> Decimal:
    """Return the sum of each quantity times its window's share of `[start, end)`."""
    held = ZERO
    for record in records:
        begins = max(record.window_start, start)
        ends = min(record.window_end, end)
        if begins < ends:
            held += record.quantity * ((ends - begins) // _TICK)
    return held / ((end - start) // _TICK)
