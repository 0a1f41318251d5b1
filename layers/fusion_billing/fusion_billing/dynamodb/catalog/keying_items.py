"""Note how the records of a metric are keyed, in an item that outlives the metric.

Records stay when their metric is deleted, and count again if it is created again. So a metric of the same code must
look for them in the same table: it can't be created with another `idempotency`.
"""

from typing import TYPE_CHECKING

from fusion_billing.catalog.metric import Idempotency, Metric
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Request
from fusion_billing.dynamodb.errors import unavailable_when_transient
from fusion_billing.dynamodb.usage.metric_keying import BY_WINDOW, KEYING, is_by_window

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BY_KEY = "key"


class KeyingItems:
    """Reads and writes these items."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def write(self, metric: Metric) -> Request:
        """Return the write for the transaction that creates a metric; it fails if the code was keyed otherwise."""
        keying = BY_WINDOW if metric.by_window else _BY_KEY
        return {
            "Put": {
                "TableName": self._table,
                "Item": {**keys.metric_keying_key(metric.code), KEYING: {"S": keying}},
                "ConditionExpression": f"attribute_not_exists(pk) OR {KEYING} = :keying",
                "ExpressionAttributeValues": {":keying": {"S": keying}},
            }
        }

    def of(self, code: str) -> Idempotency | None:
        """Return how the records of a metric are keyed, None if there is no such item; raises `Unavailable`."""
        with unavailable_when_transient():
            item = self._client.get_item(
                TableName=self._table, Key=keys.metric_keying_key(code), ConsistentRead=True
            ).get("Item")
        if item is None:
            return None
        return "window" if is_by_window(item) else "key"
