"""The pairs to rate: an hour's markers, page by page; and those put back since they could not be rated."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fusion_billing.billing.planning import hour_text
from fusion_billing.catalog.identifiers import MARKERS_LIVE
from fusion_billing.dynamodb import keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EVERY_METRIC = "*"
"""In a marker's place of a metric: the whole subscription is to be rated."""


@dataclass(frozen=True, slots=True)
class ChangedPair:
    """A subscription, a metric (or `EVERY_METRIC`), and the month (`2026-11`, UTC) its windows start in."""

    subscription: str
    metric: str
    month: str

    @property
    def name(self) -> str:
        """Return it as a marker's sort key has it."""
        return keys.change_marker(keys.pair(self.subscription, self.metric), self.month)

    @classmethod
    def parse(cls, name: str) -> "ChangedPair":
        """Return the pair that a marker's sort key names."""
        return cls(*keys.parse_change_marker(name))


def month_of(instant: datetime) -> str:
    """Return the month (UTC) of an instant, as a marker names it."""
    return instant.astimezone(UTC).strftime("%Y-%m").zfill(7)


class ChangedPairs:
    """Reads and writes markers, which are spread over `shards` partitions an hour."""

    def __init__(self, client: "DynamoDBClient", table: str, *, shards: int) -> None:
        self._client = client
        self._table = table
        self._shards = shards

    def pages(
        self, hour: datetime, shard: int, *, after: str | None = None, limit: int = 500
    ) -> Iterator[list[ChangedPair]]:
        """Yield the pairs marked in an hour's shard, by name, those up to the name `after` left out."""
        partition = _partition(hour, shard)
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": partition}},
            "Limit": limit,
            # The schedule reads an hour's markers once they are settled, but a run on demand must see what
            # was accepted a moment ago.
            "ConsistentRead": True,
        }
        if after is not None:
            request["ExclusiveStartKey"] = keys.primary(partition, after)
        while True:
            response = self._client.query(**request)
            pairs = [ChangedPair.parse(item["sk"]["S"]) for item in response["Items"]]
            if pairs:
                yield pairs
            last = response.get("LastEvaluatedKey")
            if not last:
                return
            request["ExclusiveStartKey"] = last

    def put(self, pair: ChangedPair, hour: datetime) -> None:
        """Mark a pair in an hour of the rating's own choosing: the next one, or one to come."""
        shard = keys.change_marker_shard(pair.subscription, self._shards)
        until = int((hour + MARKERS_LIVE).timestamp())
        self._client.put_item(
            TableName=self._table,
            Item={
                **keys.primary(_partition(hour, shard), pair.name),
                "ttl": {"N": str(until)},
            },
        )


def _partition(hour: datetime, shard: int) -> str:
    return keys.change_marker_partition(hour_text(hour), shard)
