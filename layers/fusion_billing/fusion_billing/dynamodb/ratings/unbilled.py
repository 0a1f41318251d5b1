"""What of a subscription is rated and not invoiced: all that its open period comes to."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.currencies import with_digits
from fusion_billing.decimals import ZERO
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.errors import unavailable_when_transient
from fusion_billing.dynamodb.query_pages import query_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Unbilled:
    """Adds up the ratings of the open period as they are, adjustments of earlier periods among them."""

    def __init__(self, client: "DynamoDBClient", ratings_table: str) -> None:
        self._client = client
        self._table = ratings_table

    def __call__(self, stored: StoredSubscription) -> str:
        """Return the amount, with its currency's digits; raises `Unavailable`."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :period",
            "ExpressionAttributeValues": {
                ":period": {"S": keys.rating_partition(stored.id, stored.calendar.open.start)}
            },
            "ProjectionExpression": "amount",
            "ConsistentRead": True,
        }
        with unavailable_when_transient():
            ratings = query_items(self._client, request)
            amount = sum((Decimal(rating["amount"]["S"]) for rating in ratings if "amount" in rating), ZERO)
        return with_digits(amount, stored.subscription.currency)
