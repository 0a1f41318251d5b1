"""Aggregate a period's records to one quantity, one module per family; no records aggregate to zero.

Each function takes the records in order (window start, then key) and the period, and returns an exact
number. The caller has set the exact decimal context.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, assert_never, get_args

from fusion_billing.catalog.metric import Aggregation
from fusion_billing.rating.aggregations import distinct, extremes, latest, totals, weighted
from fusion_billing.rating.exact import Exact
from fusion_billing.rating.records import Record

Aggregate = Callable[[Sequence[Record], datetime, datetime], Exact]


class Aggregator(NamedTuple):
    """One way to aggregate.

    `words` is what a rating's steps call it. `adds_up` says that the parts of a period sum to the whole, so
    that a price that changes within the period can price each part's own units.
    """

    aggregate: Aggregate
    words: str
    adds_up: bool


def _aggregator(aggregation: Aggregation) -> Aggregator:  # noqa: PLR0911  one return each
    match aggregation:  # a type check fails here if an aggregation is missing
        case "sum":
            return Aggregator(totals.total, "added up", adds_up=True)
        case "count":
            return Aggregator(totals.count, "counted", adds_up=True)
        case "average":
            return Aggregator(totals.average, "averaged", adds_up=False)
        case "max":
            return Aggregator(extremes.largest, "the largest taken", adds_up=False)
        case "min":
            return Aggregator(extremes.smallest, "the smallest taken", adds_up=False)
        case "last":
            return Aggregator(latest.last, "the last taken", adds_up=False)
        case "unique_count":
            return Aggregator(distinct.unique_count, "distinct ones counted", adds_up=False)
        case "time_weighted":
            return Aggregator(weighted.time_weighted, "weighted by time", adds_up=True)
        case _:
            assert_never(aggregation)


AGGREGATORS: dict[Aggregation, Aggregator] = {name: _aggregator(name) for name in get_args(Aggregation)}

AGGREGATES: dict[Aggregation, Aggregate] = {name: aggregator.aggregate for name, aggregator in AGGREGATORS.items()}

WORDS: dict[Aggregation, str] = {name: aggregator.words for name, aggregator in AGGREGATORS.items()}
"""Aggregation -> what a rating's steps call it."""
