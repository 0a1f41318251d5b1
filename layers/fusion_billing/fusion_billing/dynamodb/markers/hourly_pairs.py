"""The pairs that are rated hourly, whatever the rating cadence, by the shard of their change markers.

A pair is put here when it nears a step of its charge, a whole subscription before its period ends.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import time_to_live
from fusion_billing.dynamodb.query_pages import query_items
from fusion_billing.instants import parse_instant, rfc3339

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from fusion_billing.dynamodb.attributes import Item

_EXPIRES_AFTER = timedelta(days=1)


class HourlyPairs:
    """Reads and writes pairs that are rated hourly, in the markers table."""

    def __init__(self, client: "DynamoDBClient", table: str, *, shards: int) -> None:
        self._client = client
        self._table = table
        self._shards = shards

    def of(self, shard: int, now: datetime) -> set[tuple[str, str]]:
        """Return the subscriptions and metrics of a shard that are rated hourly `now`."""
        request: Item = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": keys.hourly_pairs_partition(shard)}},
        }
        found: set[tuple[str, str]] = set()
        for item in query_items(self._client, request):
            if parse_instant(item["since"]["S"]) <= now < parse_instant(item["until"]["S"]):
                subscription, metric = item["sk"]["S"].split("#")
                found.add((subscription, metric))
        return found

    def put(self, subscription: str, metric: str, *, since: datetime, until: datetime) -> None:
        """Have a pair, or with `EVERY_METRIC` all of a subscription, rated hourly in `[since, until)`."""
        shard = keys.change_marker_shard(subscription, self._shards)
        self._client.put_item(
            TableName=self._table,
            Item={
                **keys.primary(keys.hourly_pairs_partition(shard), keys.pair(subscription, metric)),
                "since": {"S": rfc3339(since)},
                "until": {"S": rfc3339(until)},
                "ttl": time_to_live(until, _EXPIRES_AFTER),
            },
        )
