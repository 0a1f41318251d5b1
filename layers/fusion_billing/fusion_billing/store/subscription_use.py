"""Whether anything was ever counted or rated on a subscription: what keeps it from being deleted."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fusion_billing.instants import rfc3339
from fusion_billing.store.failures import unavailable_when_transient

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class SubscriptionUse:
    """Looks for one usage record, or one rating."""

    def __init__(self, client: "DynamoDBClient", *, usage_table: str, ratings_table: str) -> None:
        self._client = client
        self._usage_table = usage_table
        self._ratings_table = ratings_table

    def metric_counted(self, subscription: str, metrics: Iterable[str]) -> str | None:
        """Return the first of `metrics` that has a record of the subscription's, or None.

        The index it reads may be a moment behind.
        """
        for metric in metrics:
            request = {"TableName": self._usage_table, "IndexName": "pair"}
            if self._any(request, "pair", f"{subscription}#{metric}"):
                return metric
        return None

    def period_rated(self, subscription: str, starts: Iterable[datetime]) -> datetime | None:
        """Return the first of the periods that start at `starts` which has a rating, or None."""
        for start in starts:
            request = {"TableName": self._ratings_table, "ConsistentRead": True}
            if self._any(request, "pk", f"R#{subscription}#{rfc3339(start)}"):
                return start
        return None

    def _any(self, request: dict[str, Any], attribute: str, value: str) -> bool:
        with unavailable_when_transient():
            answer = self._client.query(
                **request,
                KeyConditionExpression=f"{attribute} = :value",
                ExpressionAttributeValues={":value": {"S": value}},
                Limit=1,
            )
        return bool(answer["Items"])
