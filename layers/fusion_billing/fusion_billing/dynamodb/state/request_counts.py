"""Count the requests of keys over all containers: one item for each key and slot of a few seconds."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.dynamodb import keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT_SECONDS = 3_600
_PAUSE_SECONDS = 30.0
"""How long no count is shared after a failed write: limits then hold for each container alone."""


class RequestCounts:
    """Shared counters. If DynamoDB fails, no request fails."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Callable[[], float], *, slot_seconds: int) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._slot_seconds = slot_seconds
        self._paused_until = 0.0

    def add(self, key_id: str, slot: int, count: int) -> int | None:
        """Add to the counter of a key's slot; return the total, None if DynamoDB does not respond as it should."""
        if self._clock() < self._paused_until:
            return None
        try:
            response = self._client.update_item(
                TableName=self._table,
                Key=keys.request_count_key(key_id, slot),
                UpdateExpression="SET #ttl = :ttl ADD n :count",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues={
                    ":count": {"N": str(count)},
                    ":ttl": {"N": str((slot + 1) * self._slot_seconds + _KEPT_SECONDS)},
                },
                ReturnValues="UPDATED_NEW",
            )
        except (BotoCoreError, ClientError):
            self._paused_until = self._clock() + _PAUSE_SECONDS
            return None
        total = response.get("Attributes", {}).get("n")
        return int(total["N"]) if total else None
