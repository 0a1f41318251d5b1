"""Store the day on which each API key was last used: one write per key, container and day, none for other requests."""

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.errors import condition_failed, unavailable_when_transient

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_REMEMBERED_KEYS = 1_000
_PAUSE_SECONDS = 30.0
"""How long no use is stored after a failed write."""


class KeyUses:
    """Days on which keys were last used, in UTC. No request fails if one can't be stored."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Callable[[], float]) -> None:
        """Store in the state `table`; `clock` counts seconds (`time.monotonic`)."""
        self._client = client
        self._table = table
        self._clock = clock
        self._stored: dict[str, str] = {}
        self._paused_until = 0.0

    def note(self, key_id: str, now: datetime) -> None:
        """Store that a key is used on the day of `now`, unless this container has stored it already."""
        day = now.date().isoformat()
        if self._stored.get(key_id) == day or self._clock() < self._paused_until:
            return
        is_newer = "attribute_not_exists(used_on) OR used_on < :day"
        try:
            self._client.update_item(
                TableName=self._table,
                Key=keys.key_use_key(key_id),
                UpdateExpression="SET used_on = :day",
                ConditionExpression=is_newer,
                ExpressionAttributeValues={":day": {"S": day}},
            )
        except (BotoCoreError, ClientError) as error:
            if not (isinstance(error, ClientError) and condition_failed(error)):  # else another container stored it
                self._paused_until = self._clock() + _PAUSE_SECONDS
                return
        if len(self._stored) >= _REMEMBERED_KEYS:
            self._stored.clear()
        self._stored[key_id] = day

    def last_day(self, key_id: str) -> date | None:
        """Return the day on which a key was last used, None if it never was; raises `Unavailable`."""
        with unavailable_when_transient():
            response = self._client.get_item(TableName=self._table, Key=keys.key_use_key(key_id))
        item = response.get("Item")
        return date.fromisoformat(item["used_on"]["S"]) if item else None
