"""Read the usage records of a pair (subscription, metric) between two instants, from the index `pair`."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.usage.window_ends import window_end
from fusion_billing.instants import sortable
from fusion_billing.rating.records import Record

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INDEX = "pair"
_TICK = timedelta(microseconds=1)


class UsageRecords:
    """Reads usage records for rating. Reads are eventually consistent."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def between(self, subscription: str, metric: str, start: datetime, end: datetime) -> Iterator[Record]:
        """Yield the records whose window starts in `[start, end)`, by window start, page by page."""
        for item in self.rows(subscription, metric, start, end):
            yield _record(item)

    def rows(self, subscription: str, metric: str, start: datetime, end: datetime) -> Iterator[Item]:
        """Yield the same as raw items of the index: `pk`, `ws`, `we`, `q`, `mem`?, `prop`?, `rev`."""
        if end <= start:
            return
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": _INDEX,
            "KeyConditionExpression": "pair = :pair AND ws BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pair": {"S": keys.pair(subscription, metric)},
                ":first": {"S": sortable(start)},
                # BETWEEN includes both bounds; instants have microseconds.
                ":last": {"S": sortable(end - _TICK)},
            },
        }
        while True:
            response = self._client.query(**request)
            yield from response["Items"]
            after = response.get("LastEvaluatedKey")
            if not after:
                return
            request["ExclusiveStartKey"] = after


def _record(item: dict[str, Any]) -> Record:
    member = item.get("mem")
    properties = item.get("prop")
    start = datetime.fromisoformat(item["ws"]["S"])
    return Record(
        keys.usage_record_id(item["pk"]["S"]),
        start,
        window_end(start, item["we"]["S"]),
        Decimal(item["q"]["N"]),
        member["S"] if member else None,
        json.loads(properties["S"]) if properties else None,
        int(item["rev"]["N"]),
    )
