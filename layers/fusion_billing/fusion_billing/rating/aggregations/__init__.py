"""How a period's records become one quantity: one module a family; nothing recorded is zero.

Each function takes the records in order (window start, then key) and the period, and returns an
exact quantity, or a quotient to 400 digits. The caller has set the exact decimal context.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from fusion_billing.definitions.metric import Aggregation
from fusion_billing.rating.aggregations import distinct, extremes, latest, totals, weighted
from fusion_billing.rating.records import Record

Aggregate = Callable[[Sequence[Record], datetime, datetime], Decimal]

AGGREGATES: dict[Aggregation, Aggregate] = {
    "sum": totals.total,
    "count": totals.count,
    "average": totals.average,
    "max": extremes.largest,
    "min": extremes.smallest,
    "last": latest.last,
    "unique_count": distinct.unique_count,
    "time_weighted": weighted.time_weighted,
}

WORDS: dict[Aggregation, str] = {
    "sum": "added up",
    "count": "counted",
    "average": "averaged",
    "max": "the largest taken",
    "min": "the smallest taken",
    "last": "the last taken",
    "unique_count": "distinct ones counted",
    "time_weighted": "weighted by time",
}
"""Aggregation -> what a rating's steps call it."""
