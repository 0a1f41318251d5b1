"""Count the pairs that changed in an hour, by its change markers; a count is stored, since the hour is over."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fusion_billing.billing.planning import hour_text
from fusion_billing.dynamodb import batch_reads, errors, keys
from fusion_billing.dynamodb.attributes import Item, boolean, integer, time_to_live
from fusion_billing.dynamodb.markers.batch_items import unpacked
from fusion_billing.dynamodb.markers.changed_pairs import EVERY_METRIC
from fusion_billing.dynamodb.query_pages import query_pages

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MOST = 100_000
"""Where counting the pairs of an hour stops."""
_KEPT = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class MarkedCount:
    """How many pairs changed in an hour; `is_capped` if there may be more."""

    count: int
    is_capped: bool


class MarkedCounts:
    """Counts changed pairs by the markers table, and stores the counts in the state table."""

    def __init__(self, client: "DynamoDBClient", *, markers_table: str, state_table: str, shards: int) -> None:
        self._client = client
        self._markers = markers_table
        self._state = state_table
        self._shards = shards

    def stored(self, hours: Sequence[datetime]) -> dict[datetime, MarkedCount]:
        """Return the counts of those hours that were counted before; raises `Unavailable`."""
        by_key = {keys.marked_count_key(hour_text(hour))["pk"]["S"]: hour for hour in hours}
        names = [keys.primary(pk) for pk in by_key]
        with errors.unavailable_when_transient():
            items = list(batch_reads.items(self._client, self._state, names, is_consistent=False))
        return {by_key[item["pk"]["S"]]: MarkedCount(integer(item, "pairs"), boolean(item, "capped")) for item in items}

    def count(self, hour: datetime, has_time: Callable[[], bool]) -> MarkedCount | None:
        """Count the pairs of an hour that is over, and store that; None if time ran out. Raises `Unavailable`.

        A pair counts once, however often it was marked. Subscriptions that are marked as a whole do not count.
        """
        found: set[str] = set()
        with errors.unavailable_when_transient():
            for page in self._pages(hour_text(hour)):
                if not has_time():
                    return None
                found.update(page)
                if len(found) >= MOST:
                    break
            counted = MarkedCount(min(len(found), MOST), len(found) >= MOST)
            self._store(hour, counted)
        return counted

    def _store(self, hour: datetime, counted: MarkedCount) -> None:
        item: Item = {
            **keys.marked_count_key(hour_text(hour)),
            "pairs": {"N": str(counted.count)},
            "ttl": time_to_live(hour, _KEPT),
        }
        if counted.is_capped:
            item["capped"] = {"BOOL": True}
        self._client.put_item(TableName=self._state, Item=item)

    def _pages(self, hour: str) -> Iterator[set[str]]:
        partitions = [keys.change_marker_partition(hour, shard) for shard in range(self._shards)]
        for partition in [*partitions, *keys.batch_partitions(hour, self._shards)]:
            request: Any = {
                "TableName": self._markers,
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": partition}},
            }
            for items, _ in query_pages(self._client, request):
                yield {_pair(name) for name in _names(items)} - {""}


def _names(items: Iterable[Item]) -> Iterator[str]:
    for item in items:
        if "pairs" in item:
            yield from unpacked(item["pairs"]["B"])
        else:
            yield item["sk"]["S"]


def _pair(name: str) -> str:
    """Return the pair that a marker names, without the month; empty for a whole subscription."""
    subscription, metric, _, _ = keys.parse_change_marker(name)
    return "" if metric == EVERY_METRIC else keys.pair(subscription, metric)
