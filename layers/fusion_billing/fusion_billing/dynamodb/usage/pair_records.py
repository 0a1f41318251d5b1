"""Read the usage records of a pair (subscription, metric) between two instants.

They are in the window usage table if the metric's records are keyed by window, else in the index `pair` of the usage
table: never in both.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import ItemView
from fusion_billing.dynamodb.query_pages import query_pages
from fusion_billing.dynamodb.usage.metric_keying import MetricKeying
from fusion_billing.dynamodb.usage.window_ends import window_end
from fusion_billing.dynamodb.usage.window_items import revision, window_of, window_query
from fusion_billing.instants import sortable
from fusion_billing.rating.records import Record

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INDEX = "pair"
_TICK = timedelta(microseconds=1)


class UsageRecords:
    """Reads usage records for rating. Reads are eventually consistent."""

    def __init__(self, client: "DynamoDBClient", table: str, window_table: str, metrics: MetricKeying) -> None:
        self._client = client
        self._table = table
        self._window_table = window_table
        self._metrics = metrics

    def between(self, subscription: str, metric: str, start: datetime, end: datetime) -> Iterator[Record]:
        """Yield the records that count and whose window starts in `[start, end)`, by window start, page by page."""
        if end <= start:
            return
        if self._metrics.is_by_window(metric):
            request = window_query(self._window_table, keys.pair(subscription, metric), start, end)
            for items, _ in query_pages(self._client, request):
                yield from map(_record_by_window, [item for item in items if "voided" not in item])
            return
        for items, _ in query_pages(self._client, self._of_the_index(subscription, metric, start, end)):
            yield from map(_record, items)

    def _of_the_index(self, subscription: str, metric: str, start: datetime, end: datetime) -> dict[str, Any]:
        """Return the query of the index: `pk`, `ws`, `we`, `q`, `mem`?, `prop`?, `rev` of records that count."""
        return {
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


def _record(item: dict[str, Any]) -> Record:
    member = item.get("mem")
    properties = item.get("prop")
    start, end = _window(item["ws"]["S"], item["we"]["S"])
    return Record(
        keys.usage_record_id(item["pk"]["S"]),
        start,
        end,
        Decimal(item["q"]["N"]),
        member["S"] if member else None,
        json.loads(properties["S"]) if properties else None,
        int(item["rev"]["N"]),
    )


@lru_cache(maxsize=8192)  # the windows of a period, the same for every pair
def _window(start: str, end: str) -> tuple[datetime, datetime]:
    begins = datetime.fromisoformat(start)
    return begins, window_end(begins, end)


def _record_by_window(item: ItemView) -> Record:
    """Return the record of an item as rating sees it."""
    start_text, end_text, source, suffix = keys.parse_window_sort_key(item["sk"]["S"])
    start, end, window = window_of(start_text, end_text)
    return Record(
        f"{source}#window~{item['pk']['S'].replace('#', '~')}~{window}{suffix}",
        start,
        end,
        Decimal(item["q"]["N"]),
        item["mem"]["S"] if "mem" in item else None,
        json.loads(item["prop"]["S"]) if "prop" in item else None,
        revision(item),
    )
