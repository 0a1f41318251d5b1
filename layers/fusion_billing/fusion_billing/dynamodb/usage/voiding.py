"""Void a usage record, with one conditional `UpdateItem` that adds a revision without a quantity.

A voided record moves from its pair's partition of the index to one that lists voided records, so rating does not read
it. The record, its history and its sequence stay: a late re-send is stale. A record keyed by its window stays where it
is, marked as voided.
"""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.errors import condition_failed, is_transient
from fusion_billing.dynamodb.usage.items import (
    HISTORY_CAP,
    StoredUsageRecord,
    void_entry,
)
from fusion_billing.dynamodb.usage.results import WriteResult
from fusion_billing.dynamodb.usage.single_write import cut_history
from fusion_billing.dynamodb.usage.window_write import WindowUsageStore
from fusion_billing.metering.outcome import UNAVAILABLE, UNCHANGED, VOIDED
from fusion_billing.retry import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_EXISTS = "attribute_exists(pk)"
_COUNTS = "attribute_not_exists(voided)"
_HISTORY_HAS_ROOM = "size(hist) < :cap"
_VOID = "SET voided = :true, #pair = :pair, #at = :at, rev = rev + :one, hist = list_append(hist, :entry)"


class UsageVoiding:
    """Voids usage records."""

    def __init__(self, client: "DynamoDBClient", table: str, window_table: str) -> None:
        self._client = client
        self._table = table
        self._windows = WindowUsageStore(client, window_table)

    def void(
        self, record: StoredUsageRecord, at: str, deadline: Deadline, *, actor: str, reason: str = ""
    ) -> WriteResult:
        """Void `record`, even if its key was pushed again since it was read. Write its change marker first.

        `actor` is the ID of the key that voids it `at` (RFC 3339). Returns `voided`, `unchanged` if it was voided
        before, or `unavailable` if the deadline passed. It is always safe to repeat the call.
        """
        if record.window_suffix is not None:
            return self._windows.void(record, at, deadline, actor=actor, reason=reason)
        attempt = 0
        while not deadline.ended():
            try:
                result = self._attempt(record, at, void_entry(at, actor, reason))
            except (ClientError, BotoCoreError) as error:
                if not is_transient(error):
                    raise
                result = None
            if result is not None:
                return result
            if not deadline.wait(attempt):
                break
            attempt += 1
        return WriteResult(UNAVAILABLE)

    def _attempt(self, record: StoredUsageRecord, at: str, entry: dict[str, Any]) -> WriteResult | None:
        """Write once; return None if the history was full, has now been cut, and the caller must retry."""
        try:
            done = self._client.update_item(
                TableName=self._table,
                Key=keys.primary(keys.usage_record(record.source, record.key)),
                UpdateExpression=_VOID,
                ConditionExpression=f"{_EXISTS} AND {_COUNTS} AND {_HISTORY_HAS_ROOM}",
                ExpressionAttributeNames={"#at": "at", "#pair": "pair"},
                ExpressionAttributeValues={
                    ":true": {"BOOL": True},
                    ":pair": {"S": keys.voided_pair(record.pair)},
                    ":at": {"S": at},
                    ":one": {"N": "1"},
                    ":entry": {"L": [entry]},
                    ":cap": {"N": str(HISTORY_CAP)},
                },
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            response: Any = error.response
            item = response.get("Item")
            if item is None:  # erased since it was read: it counts no more
                return WriteResult(UNCHANGED, record.revision)
            if "voided" in item:
                return WriteResult(UNCHANGED, int(item["rev"]["N"]))
            cut_history(self._client, self._table, item)
            return None
        return WriteResult(VOIDED, int(done["Attributes"]["rev"]["N"]))
