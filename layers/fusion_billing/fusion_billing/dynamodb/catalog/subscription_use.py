"""Find usage or billed amounts of a subscription, which prevent its deletion."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.errors import unavailable_when_transient
from fusion_billing.dynamodb.query_pages import query_items
from fusion_billing.dynamodb.ratings.period_lines import PeriodLines, is_period_lines
from fusion_billing.dynamodb.usage.metric_keying import MetricKeying
from fusion_billing.dynamodb.usage.window_items import window_query

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class SubscriptionUse:
    """Looks for a usage record, or for a rating with an amount."""

    def __init__(
        self,
        client: "DynamoDBClient",
        *,
        usage_table: str,
        window_usage_table: str,
        ratings_table: str,
        metrics: MetricKeying,
    ) -> None:
        self._client = client
        self._usage_table = usage_table
        self._window_usage_table = window_usage_table
        self._ratings_table = ratings_table
        self._metrics = metrics

    def metric_counted(self, subscription: str, metrics: Iterable[str]) -> str | None:
        """Return the first of `metrics` that has a record of the subscription's, or None.

        Reads are eventually consistent.
        """
        for metric in metrics:
            if self._is_counted(keys.pair(subscription, metric), by_window=self._metrics.is_by_window(metric)):
                return metric
        return None

    def _is_counted(self, pair: str, *, by_window: bool) -> bool:
        if by_window:
            return self._is_counted_by_window(pair)
        request = {"TableName": self._usage_table, "IndexName": "pair", "Limit": 1}
        return bool(self._found(request, "pair", pair))

    def _is_counted_by_window(self, pair: str) -> bool:
        query: Any = window_query(self._window_usage_table, pair, None, None)
        query["FilterExpression"] = "attribute_not_exists(voided)"
        with unavailable_when_transient():
            return next(query_items(self._client, query), None) is not None

    def period_billed(self, subscription: str, starts: Iterable[datetime]) -> datetime | None:
        """Return the first of the periods that start at `starts` which has an amount or a line, or None.

        A rating without an amount does not count: a charge that applies is rated with or without usage.
        """
        for start in starts:
            request = {"TableName": self._ratings_table, "ConsistentRead": True}
            ratings = self._found(request, "pk", keys.rating_partition(subscription, start))
            if any(map(_comes_to_something, ratings)):
                return start
        return None

    def _found(self, request: dict[str, Any], attribute: str, value: str) -> list[dict[str, Any]]:
        with unavailable_when_transient():
            response = self._client.query(
                **request,
                KeyConditionExpression=f"{attribute} = :value",
                ExpressionAttributeValues={":value": {"S": value}},
            )
        return list(response["Items"])


def _comes_to_something(rating: dict[str, Any]) -> bool:
    if is_period_lines(rating):
        return any({"line_state", "line_id"} & line.keys() for line in PeriodLines.of(rating).lines.values())
    return "line_state" in rating or "line_id" in rating or Decimal(rating["amount"]["S"]) != 0
