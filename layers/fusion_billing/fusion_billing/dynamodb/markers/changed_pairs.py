"""Read the changed pairs of an hour, and mark pairs again that could not be rated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from fusion_billing.billing.planning import hour_text
from fusion_billing.catalog.identifiers import MARKERS_LIVE
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import time_to_live
from fusion_billing.dynamodb.markers.batch_items import unpacked
from fusion_billing.dynamodb.query_pages import query_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EVERY_METRIC = "*"
"""Instead of a metric: the whole subscription is to be rated."""


@dataclass(frozen=True, slots=True)
class ChangedPair:
    """A subscription, a metric (or `EVERY_METRIC`), and the month (`2026-11`, UTC) its windows start in.

    `is_urgent` is true if it is rated with the next hour, whatever the rating cadence.
    """

    subscription: str
    metric: str
    month: str
    is_urgent: bool = field(default=False, compare=False)

    @property
    def name(self) -> str:
        """Return the sort key of its marker, without its urgency."""
        return keys.change_marker(keys.pair(self.subscription, self.metric), self.month)

    @classmethod
    def parse(cls, name: str) -> "ChangedPair":
        """Return the pair that a marker's sort key names."""
        return cls(*keys.parse_change_marker(name))


def month_of(instant: datetime) -> str:
    """Return the month (UTC) of an instant, as a marker names it."""
    return instant.astimezone(UTC).strftime("%Y-%m").zfill(7)


class ChangedPairs:
    """Reads and writes markers, which are spread over `shards` shards an hour."""

    def __init__(self, client: "DynamoDBClient", table: str, *, shards: int) -> None:
        self._client = client
        self._table = table
        self._shards = shards

    def pages(
        self, hours: Sequence[datetime], shard: int, *, after: str | None = None, limit: int = 500
    ) -> Iterator[list[ChangedPair]]:
        """Yield the pairs of a shard that are marked in any of `hours`, each once, by name.

        Pairs up to the name `after` are left out. A pair is urgent if one of its markers is. All names are read
        first: a pair may be marked by itself, and in any number of batches.
        """
        marked = {name for hour in hours for name in self._marked(hour, shard)}
        urgent = {name for name in marked if name.startswith(keys.URGENT)}
        plain = marked - urgent
        plain |= {name.removeprefix(keys.URGENT) for name in urgent}
        names = sorted(name for name in plain if after is None or name > after)
        for first in range(0, len(names), limit):
            page = names[first : first + limit]
            yield [ChangedPair.parse(f"{keys.URGENT}{name}" if keys.URGENT + name in urgent else name) for name in page]

    def marked_shards(self, hours: Sequence[datetime]) -> set[int]:
        """Return the shards that may have pairs marked in any of `hours`."""
        for hour in hours:
            text = hour_text(hour)
            if any(self._has_items(partition) for partition in keys.batch_partitions(text, self._shards)):
                return set(range(self._shards))
        return {
            shard
            for shard in range(self._shards)
            if any(self._has_items(keys.change_marker_partition(hour_text(hour), shard)) for hour in hours)
        }

    def put(self, pair: ChangedPair, hour: datetime) -> None:
        """Mark a pair as urgent in an hour, the next one or a later one."""
        shard = keys.change_marker_shard(pair.subscription, self._shards)
        name = keys.change_marker(keys.pair(pair.subscription, pair.metric), pair.month, is_urgent=True)
        self._client.put_item(
            TableName=self._table,
            Item={
                **keys.primary(keys.change_marker_partition(hour_text(hour), shard), name),
                "ttl": time_to_live(hour, MARKERS_LIVE),
            },
        )

    def _marked(self, hour: datetime, shard: int) -> Iterator[str]:
        """Yield the names that an hour's markers have for a shard, with their urgency."""
        text = hour_text(hour)
        for item in query_items(self._client, self._request(keys.change_marker_partition(text, shard))):
            if "pairs" in item:
                yield from unpacked(item["pairs"]["B"])
            else:
                yield item["sk"]["S"]
        is_own = partial(self._is_of, shard)
        for partition in keys.batch_partitions(text, self._shards):
            for item in query_items(self._client, self._request(partition)):
                yield from unpacked(item["pairs"]["B"], is_own)

    def _is_of(self, shard: int, subscription: str) -> bool:
        return keys.change_marker_shard(subscription.removeprefix(keys.URGENT), self._shards) == shard

    def _has_items(self, partition: str) -> bool:
        return bool(self._client.query(**self._request(partition), Limit=1)["Items"])

    def _request(self, partition: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": partition}},
            # The schedule reads an hour's markers once they are settled, but a run on demand must see what
            # was accepted a moment ago.
            "ConsistentRead": True,
        }
