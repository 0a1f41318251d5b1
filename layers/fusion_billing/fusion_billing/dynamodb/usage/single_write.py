"""Store a usage record exactly once, with one conditional `UpdateItem`.

The record is written if it is new. It is also written if it has the stored target, changes the quantity or the member
(or the stored record is voided), and has a newer sequence or none. Otherwise the failed condition returns the stored
item, and `metering.outcome` derives the outcome. A second conditional write follows in two cases: an unchanged record
with a newer sequence updates the stored sequence, and a full history is shortened.

Records keyed by their window are in a table of their own (`dynamodb.usage.window_write`).
"""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Attribute, Item
from fusion_billing.dynamodb.errors import condition_failed, is_transient
from fusion_billing.dynamodb.expressions import UpdateExpression
from fusion_billing.dynamodb.usage.items import (
    HISTORY_CAP,
    HISTORY_KEPT,
    revision_entry,
    stored_of,
)
from fusion_billing.dynamodb.usage.results import WriteResult, result_without_write
from fusion_billing.dynamodb.usage.window_ends import stored_end
from fusion_billing.dynamodb.usage.window_write import WindowUsageStore
from fusion_billing.metering.outcome import CREATED, UNAVAILABLE, UNCHANGED, UPDATED, Stored, decide
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


_IS_NEW = "attribute_not_exists(pk)"
_SAME_TARGET = "tgt = :tgt"
_IS_VOIDED = "attribute_exists(voided)"
_OTHER_QUANTITY = "q <> :q"
_SAME_QUANTITY = "q = :q"
_OTHER_MEMBER = {
    True: "attribute_not_exists(mem) OR mem <> :mem",
    False: "attribute_exists(mem)",
}
_NEWER = {
    True: "attribute_not_exists(seq) OR seq < :seq",
    False: "attribute_exists(pk)",  # without a sequence, the latest to arrive counts
}
_HISTORY_HAS_ROOM = "size(hist) < :cap"


def _condition(*, sequence: bool, member: bool) -> str:
    is_changed = f"{_IS_VOIDED} OR {_OTHER_QUANTITY} OR {_OTHER_MEMBER[member]}"
    takes_effect = f"({is_changed}) AND ({_NEWER[sequence]})"
    return f"{_IS_NEW} OR ({_SAME_TARGET} AND {takes_effect} AND {_HISTORY_HAS_ROOM})"


def _update(*, sequence: bool, member: bool, properties: bool) -> str:
    update = UpdateExpression().set_all(("tgt", "#pair", "ws", "we", "q", "#at"))
    update.set("rev", "if_not_exists(rev, :zero) + :one")
    update.set("hist", "list_append(if_not_exists(hist, :none), :entry)")
    update.set("seq", when=sequence).set("mem", when=member).set("prop", when=properties)
    return str(update.remove("voided").remove("mem", when=not member))


_BOTH = (False, True)
_CONDITIONS = {(s, m): _condition(sequence=s, member=m) for s in _BOTH for m in _BOTH}
_UPDATES = {(s, m, p): _update(sequence=s, member=m, properties=p) for s in _BOTH for m in _BOTH for p in _BOTH}
_NAMES = {"#at": "at", "#pair": "pair"}
_ZERO, _ONE, _CAP = {"N": "0"}, {"N": "1"}, {"N": str(HISTORY_CAP)}
_NONE: Attribute = {"L": []}


class UsageStore:
    """Writes usage records one at a time, each into the table of its metric."""

    def __init__(self, client: "DynamoDBClient", table: str, window_table: str) -> None:
        self._client = client
        self._table = table
        self._windows = WindowUsageStore(client, window_table)

    def push(self, source: str, record: UsageRecord, at: str, deadline: Deadline) -> WriteResult:
        """Store a record of `source`, received `at` (RFC 3339), and return its outcome.

        Retries throttling and lost connections until the deadline; then the outcome is `unavailable`. The record may
        have been stored even so: it is always safe to push it again.
        """
        if record.window_suffix is not None:
            return self._windows.push(source, record, at, deadline)
        attempt = 0
        while not deadline.ended():
            try:
                result = self._attempt(source, record, at)
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

    def _attempt(self, source: str, record: UsageRecord, at: str) -> WriteResult | None:
        """Write once; return None if another writer came first, so that the caller retries."""
        try:
            done = self._client.update_item(**self._write(source, record, at))
        except ClientError as error:
            if not condition_failed(error):
                raise
            item: Any = error.response.get("Item")
            return self._refused(source, record, item) if item else None
        before = done.get("Attributes")
        return WriteResult(UPDATED, int(before["rev"]["N"]) + 1) if before else WriteResult(CREATED, 1)

    def _write(self, source: str, record: UsageRecord, at: str) -> Any:
        values: dict[str, Any] = {
            ":tgt": {"S": record.target},
            ":pair": {"S": record.pair},
            ":ws": {"S": record.start},
            ":we": {"S": stored_end(record.start, record.end)},
            ":q": {"N": record.number},
            ":at": {"S": at},
            ":zero": _ZERO,
            ":one": _ONE,
            ":none": _NONE,
            ":cap": _CAP,
            ":entry": {"L": [revision_entry(record, at)]},
        }
        sequence, member, properties = (
            record.sequence is not None,
            record.member is not None,
            bool(record.properties),
        )
        if sequence:
            values[":seq"] = {"N": str(record.sequence)}
        if member:
            values[":mem"] = {"S": record.member}
        if properties:
            values[":prop"] = {"S": record.properties}
        return {
            "TableName": self._table,
            "Key": keys.primary(keys.usage_record(source, record.key)),
            "UpdateExpression": _UPDATES[sequence, member, properties],
            "ConditionExpression": _CONDITIONS[sequence, member],
            "ExpressionAttributeNames": _NAMES,
            "ExpressionAttributeValues": values,
            "ReturnValues": "UPDATED_OLD",  # empty for a new record
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _refused(self, source: str, record: UsageRecord, item: dict[str, Any]) -> WriteResult | None:
        """Return the outcome of a record whose write was rejected, or None if the caller must retry."""
        stored = stored_of(item)
        result = result_without_write(stored, record)
        if result is not None:
            return result
        if decide(stored, record) == UNCHANGED:
            return self._move_sequence(source, record, stored)
        if len(item["hist"]["L"]) >= HISTORY_CAP:
            cut_history(self._client, self._table, item)
        return None

    def _move_sequence(self, source: str, record: UsageRecord, stored: Stored) -> WriteResult | None:
        """Store the newer sequence of an unchanged record; return None if the caller must retry."""
        still_the_same = f"{_SAME_TARGET} AND {_SAME_QUANTITY} AND rev = :rev"
        sequence_is_older = _NEWER[True]
        try:
            self._client.update_item(
                TableName=self._table,
                Key=keys.primary(keys.usage_record(source, record.key)),
                UpdateExpression="SET seq = :seq",
                ConditionExpression=f"{still_the_same} AND ({sequence_is_older})",
                ExpressionAttributeValues={
                    ":seq": {"N": str(record.sequence)},
                    ":tgt": {"S": record.target},
                    ":q": {"N": record.number},
                    ":rev": {"N": str(stored.revision)},
                },
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return None
        return WriteResult(UNCHANGED, stored.revision)


def cut_history(client: "DynamoDBClient", table: str, item: Item) -> None:
    """Delete all but the latest revisions of a record, unless it has changed since `item` was read."""
    is_the_revision_read = "rev = :rev"
    try:
        client.update_item(
            TableName=table,
            Key={"pk": item["pk"]},
            UpdateExpression="SET hist = :latest",
            ConditionExpression=is_the_revision_read,
            ExpressionAttributeValues={
                ":rev": item["rev"],
                ":latest": {"L": item["hist"]["L"][-HISTORY_KEPT:]},
            },
        )
    except ClientError as error:
        if not condition_failed(error):
            raise
