"""Aggregate a period's records to one quantity, one module per family; no records aggregate to zero.

Each function takes the records in order (window start, then key) and the period, and returns an exact
number. The caller has set the exact decimal context.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypedDict

from fusion_billing.rating.aggregations import distinct, extremes, latest, totals, weighted
from fusion_billing.rating.exact import Exact
from fusion_billing.rating.records import Record

Aggregate = Callable[[Sequence[Record], datetime, datetime], Exact]


class Aggregator(NamedTuple):
    """One way to aggregate.

    Attributes:
        aggregate: Returns the quantity of a period's records.
        words: What a rating's steps call it.
        adds_up: Whether the parts of a period sum to the whole, so that each price of a period in which the price
            changes can price the units of its own part.
    """

    aggregate: Aggregate
    words: str
    adds_up: bool


class _Aggregators(TypedDict):
    """An aggregator for every `Aggregation`; a type check fails if one is missing."""

    sum: Aggregator
    count: Aggregator
    average: Aggregator
    max: Aggregator
    min: Aggregator
    last: Aggregator
    unique_count: Aggregator
    time_weighted: Aggregator


AGGREGATORS: Final[_Aggregators] = {
    "sum": Aggregator(totals.total, "added up", adds_up=True),
    "count": Aggregator(totals.count, "counted", adds_up=True),
    "average": Aggregator(totals.average, "averaged", adds_up=False),
    "max": Aggregator(extremes.largest, "the largest taken", adds_up=False),
    "min": Aggregator(extremes.smallest, "the smallest taken", adds_up=False),
    "last": Aggregator(latest.last, "the last taken", adds_up=False),
    "unique_count": Aggregator(distinct.unique_count, "distinct ones counted", adds_up=False),
    "time_weighted": Aggregator(weighted.time_weighted, "weighted by time", adds_up=True),
}
"""A plain literal, so that a lookup by an `Aggregation` that is missing here fails the type check."""
