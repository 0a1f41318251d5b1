"""Ports of the overview: what it reads beside the stores of other routes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fusion_billing.billing.amount_totals import Group, Sum
    from fusion_billing.billing.attention import FailingPair, MissingCounter
    from fusion_billing.dynamodb.markers.marked_counts import MarkedCount


class Totals(Protocol):
    """Keeps the totals of rated amounts (`application.amount_totals.AmountTotals`)."""

    def refresh(self, now: datetime, has_time: Callable[[], bool], *, shard: int | None = None) -> bool:
        """Add up the outdated parts while `has_time` returns True; raises `Unavailable`."""

    def calculated_at(self, now: datetime) -> datetime | None:
        """Return the time of the oldest part that may still change; None while a part is missing."""

    def progress(self, now: datetime) -> tuple[int, int]:
        """Return how many parts have been added up at least once, and how many there are."""

    def sums(self, now: datetime) -> "Iterator[tuple[Group, Sum]]":
        """Yield what is known of each group, once for each part."""

    def missing(self, now: datetime) -> "tuple[list[MissingCounter], int]":
        """Return some of the counters that no longer come, the longest missing first, and their number."""


class CountedLines(Protocol):
    """Counts order lines (`dynamodb.ratings.order_lines.LineStore`)."""

    def count(self, partition: str, most: int) -> int:
        """Return how many lines are under a partition of the index, `most` at most."""


class CountedDeliveries(Protocol):
    """Counts deliveries (`dynamodb.webhooks.deliveries.DeliveryStore`)."""

    def failed_count(self, endpoint_id: str, most: int) -> int:
        """Return how many deliveries of an endpoint have failed, `most` at most."""


class MarkedCounts(Protocol):
    """Counts changed pairs (`dynamodb.markers.marked_counts.MarkedCounts`)."""

    def stored(self, hours: Sequence[datetime]) -> "Mapping[datetime, MarkedCount]":
        """Return the counts of those hours that were counted before; raises `Unavailable`."""

    def count(self, hour: datetime, has_time: Callable[[], bool]) -> "MarkedCount | None":
        """Count the pairs of an hour that is over; None if time ran out. Raises `Unavailable`."""


class FailingPairs(Protocol):
    """Reads pairs that could not be rated (`dynamodb.state.failing_pairs.FailingPairs`)."""

    def of(self, hours: Sequence[datetime]) -> "tuple[list[FailingPair], bool]":
        """Return the pairs noted in any of the hours, each once, and whether there are more."""
