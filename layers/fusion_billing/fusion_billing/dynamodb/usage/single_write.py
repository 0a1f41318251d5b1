"""Counting a record exactly once: one conditional `UpdateItem` answers every outcome.

The write happens where the record is new, or is aimed where the stored one is, says something else (a voided
one says nothing), and its sequence allows it. Otherwise the refusal brings the stored item along, and
`metering.outcome` derives the outcome. A second write follows only if it must: a record that says the same
under a newer sequence moves the sequence, and a full history is cut, each under a condition of its own.
"""

from dataclasses import dataclass
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
from fusion_billing.dynamodb.usage.window_ends import stored_end
from fusion_billing.metering.outcome import (
    CONFLICT,
    CREATED,
    UNAVAILABLE,
    UNCHANGED,
    UPDATED,
    Stored,
    decide,
    sequence_is_newer,
)
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(slots=True, eq=False)
class WriteResult:
    """What a push came to; `revision` is the stored record's, None where nothing is known of it.

    Of a conflict, `stored_target` is what the key is bound to.
    """

    outcome: str
    revision: int | None = None
    stored_target: str = ""


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
    says_something_else = f"{_IS_VOIDED} OR {_OTHER_QUANTITY} OR {_OTHER_MEMBER[member]}"
    takes_effect = f"({says_something_else}) AND ({_NEWER[sequence]})"
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
    """The usage table, one record at a time."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def push(self, source: str, push: UsageRecord, at: str, deadline: Deadline) -> WriteResult:
        """Store `push`, received `at` (RFC 3339), for `source`, and return the outcome.

        Retries throttling and lost connections until the deadline; then the outcome is `unavailable`. The record may
        have been stored even so: it is always safe to push it again.
        """
        attempt = 0
        while not deadline.ended():
            try:
                answer = self._try(source, push, at)
            except (ClientError, BotoCoreError) as error:
                if not is_transient(error):
                    raise
                answer = None
            if answer is not None:
                return answer
            if not deadline.wait(attempt):
                break
            attempt += 1
        return WriteResult(UNAVAILABLE)

    def _try(self, source: str, push: UsageRecord, at: str) -> WriteResult | None:
        """Write once; return None if another writer came first, so that the caller retries."""
        try:
            done = self._client.update_item(**self._write(source, push, at))
        except ClientError as error:
            if not condition_failed(error):
                raise
            item: Any = error.response.get("Item")
            return self._refused(source, push, item) if item else None
        before = done.get("Attributes")
        return WriteResult(UPDATED, int(before["rev"]["N"]) + 1) if before else WriteResult(CREATED, 1)

    def _write(self, source: str, push: UsageRecord, at: str) -> Any:
        values: dict[str, Any] = {
            ":tgt": {"S": push.target},
            ":pair": {"S": push.pair},
            ":ws": {"S": push.start},
            ":we": {"S": stored_end(push.start, push.end)},
            ":q": {"N": push.number},
            ":at": {"S": at},
            ":zero": _ZERO,
            ":one": _ONE,
            ":none": _NONE,
            ":cap": _CAP,
            ":entry": {"L": [revision_entry(push, at)]},
        }
        sequence, member, properties = (
            push.sequence is not None,
            push.member is not None,
            bool(push.properties),
        )
        if sequence:
            values[":seq"] = {"N": str(push.sequence)}
        if member:
            values[":mem"] = {"S": push.member}
        if properties:
            values[":prop"] = {"S": push.properties}
        return {
            "TableName": self._table,
            "Key": keys.primary(keys.usage_record(source, push.key)),
            "UpdateExpression": _UPDATES[sequence, member, properties],
            "ConditionExpression": _CONDITIONS[sequence, member],
            "ExpressionAttributeNames": _NAMES,
            "ExpressionAttributeValues": values,
            "ReturnValues": "UPDATED_OLD",  # nothing to send or to read where the record is new
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _refused(self, source: str, push: UsageRecord, item: dict[str, Any]) -> WriteResult | None:
        """Return the outcome of a rejected push, or None if the caller must retry."""
        stored = stored_of(item)
        answer = settled(stored, push)
        if answer is not None:
            return answer
        if decide(stored, push) == UNCHANGED:
            return self._move_sequence(source, push, stored)
        if len(item["hist"]["L"]) >= HISTORY_CAP:
            cut_history(self._client, self._table, item)
        return None

    def _move_sequence(self, source: str, push: UsageRecord, stored: Stored) -> WriteResult | None:
        """Keep the newer sequence of a push that says what is stored already."""
        still_the_same = f"{_SAME_TARGET} AND {_SAME_QUANTITY} AND rev = :rev"
        sequence_is_older = _NEWER[True]
        try:
            self._client.update_item(
                TableName=self._table,
                Key=keys.primary(keys.usage_record(source, push.key)),
                UpdateExpression="SET seq = :seq",
                ConditionExpression=f"{still_the_same} AND ({sequence_is_older})",
                ExpressionAttributeValues={
                    ":seq": {"N": str(push.sequence)},
                    ":tgt": {"S": push.target},
                    ":q": {"N": push.number},
                    ":rev": {"N": str(stored.revision)},
                },
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return None
        return WriteResult(UNCHANGED, stored.revision)


def cut_history(client: "DynamoDBClient", table: str, item: Item) -> None:
    """Keep a record's latest revisions alone; does nothing where it moved on since `item` was read."""
    not_moved_on = "rev = :rev"
    try:
        client.update_item(
            TableName=table,
            Key={"pk": item["pk"]},
            UpdateExpression="SET hist = :latest",
            ConditionExpression=not_moved_on,
            ExpressionAttributeValues={
                ":rev": item["rev"],
                ":latest": {"L": item["hist"]["L"][-HISTORY_KEPT:]},
            },
        )
    except ClientError as error:
        if not condition_failed(error):
            raise


def settled(stored: Stored, push: UsageRecord) -> WriteResult | None:
    """Return the answer to `push` where what is stored needs no write, else None."""
    outcome = decide(stored, push)
    if outcome == UPDATED or (outcome == UNCHANGED and sequence_is_newer(stored, push)):
        return None
    return WriteResult(outcome, stored.revision, stored.target if outcome == CONFLICT else "")
