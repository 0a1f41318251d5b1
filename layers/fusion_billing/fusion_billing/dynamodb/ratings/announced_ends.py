"""Which ends of subscriptions were announced: a marker each in the ratings table, written with the event.

Two places announce an end: saving a subscription that is over, and the daily sweep after an end date passed
without a save. The marker makes it one event.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Request
from fusion_billing.dynamodb.errors import reasons, unavailable_when_transient
from fusion_billing.instants import parse_instant, rfc3339
from fusion_billing.webhooks.publishing import TransactionWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class AnnouncedEnds:
    """Reads and writes the markers."""

    def __init__(self, client: "DynamoDBClient", ratings_table: str) -> None:
        self._client = client
        self._table = ratings_table

    def of(self, subscription: str) -> datetime | None:
        """Return the end that was announced last, None if none was; raises `Unavailable`."""
        with unavailable_when_transient():
            response = self._client.get_item(
                TableName=self._table, Key=keys.announced_end_key(subscription), ConsistentRead=True
            )
        item = response.get("Item")
        return None if item is None else parse_instant(item["ended_at"]["S"])

    def note(self, subscription: str, ended_at: datetime) -> Request:
        """Return the write that notes an end, for the transaction of its event; it fails if it is noted."""
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.announced_end_key(subscription),
                "UpdateExpression": "SET ended_at = :ended_at",
                "ConditionExpression": "attribute_not_exists(ended_at) OR ended_at <> :ended_at",
                "ExpressionAttributeValues": {":ended_at": {"S": rfc3339(ended_at)}},
            }
        }

    def announce(self, subscription: str, ended_at: datetime, events: Sequence[TransactionWrite]) -> bool:
        """Note an end with the writes of its `events`, all or nothing.

        Returns whether this call did; another one was faster otherwise. Raises `Unavailable`.
        """
        noted = self.note(subscription, ended_at)
        try:
            with unavailable_when_transient():
                self._client.transact_write_items(TransactItems=[noted, *events])  # type: ignore[list-item]
        except ClientError as error:
            if reasons(error)[:1] == ["ConditionalCheckFailed"]:
                return False
            raise
        return True
