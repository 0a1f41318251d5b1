"""Store and void records keyed by their window, each exactly once, with one or two conditional writes.

A new record is written if none is stored: one unit, since the table has no index. Otherwise the failed condition
returns the stored item, `metering.outcome` derives the outcome from it, and a record that changes something is written
on the condition that nothing has changed the item since. Revision and sequence together tell: every change moves one.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.dynamodb.attributes import Item, ItemView
from fusion_billing.dynamodb.errors import condition_failed, is_transient
from fusion_billing.dynamodb.expressions import UpdateExpression
from fusion_billing.dynamodb.keys import Key
from fusion_billing.dynamodb.usage import window_items
from fusion_billing.dynamodb.usage.items import StoredUsageRecord
from fusion_billing.dynamodb.usage.results import WriteResult, result_without_write
from fusion_billing.metering.outcome import CREATED, UNAVAILABLE, UNCHANGED, UPDATED, VOIDED, decide
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_IS_NEW = "attribute_not_exists(pk)"
_KEY = ("pk", "sk")

Attempt = Callable[[Item | None], "WriteResult | Item"]
"""Writes once over the item that it is given (None: none is known); returns the result, or the item that is stored."""


class _Erased(Exception):
    """The item was deleted since it was read: the customer's data is being erased."""


class WindowUsageStore:
    """Writes records keyed by their window, one at a time."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def push(
        self, source: str, record: UsageRecord, at: str, deadline: Deadline, *, known: Item | None = None
    ) -> WriteResult:
        """Store a record of `source`, received `at` (RFC 3339), and return its outcome.

        `known` is the item that was found stored. Retries as `UsageStore.push` does.
        """

        def attempt(stored: Item | None) -> "WriteResult | Item":
            return self._create(source, record, at) if stored is None else self._revise(stored, record, at)

        return _until(deadline, attempt, known)

    def void(
        self, record: StoredUsageRecord, at: str, deadline: Deadline, *, actor: str, reason: str = ""
    ) -> WriteResult:
        """Void `record` as `UsageVoiding.void` does."""
        key = window_items.window_key(record.source, record, record.window_suffix or "")

        def attempt(stored: Item | None) -> "WriteResult | Item":
            if stored is None:
                found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
                return found or WriteResult(UNCHANGED, record.revision)  # erased since it was read: it counts no more
            if "voided" in stored:
                return WriteResult(UNCHANGED, window_items.revision(stored))
            after = window_items.voided(stored, at, actor=actor, reason=reason)
            return self._replace(stored, after) or WriteResult(VOIDED, window_items.revision(after))

        return _until(deadline, attempt, None)

    def _create(self, source: str, record: UsageRecord, at: str) -> "WriteResult | Item":
        key = window_items.window_key(source, record, record.window_suffix or "")
        found = self._write(key, window_items.new_attributes(record, at), (), _IS_NEW, {})
        return WriteResult(CREATED, 1) if found is None else found

    def _revise(self, stored: Item, record: UsageRecord, at: str) -> "WriteResult | Item":
        before = window_items.stored_window_record(stored)
        result = result_without_write(before, record)
        if result is not None:
            return result
        if decide(before, record) == UNCHANGED:
            assert record.sequence is not None  # noqa: S101  for the type checker alone: it is newer
            after = window_items.with_sequence(stored, record.sequence)
            return self._replace(stored, after) or WriteResult(UNCHANGED, before.revision)
        after = window_items.revised(stored, record, at)
        return self._replace(stored, after) or WriteResult(UPDATED, before.revision + 1)

    def _replace(self, stored: ItemView, after: Item) -> Item | None:
        """Write an item over the one that was read; return the stored item if that has changed since."""
        conditions, values = ["attribute_exists(pk)"], {}
        for name in ("rev", "seq"):
            if name in stored:
                conditions.append(f"{name} = :read_{name}")
                values[f":read_{name}"] = stored[name]
            else:
                conditions.append(f"attribute_not_exists({name})")
        gone = [name for name in stored if name not in after and name not in _KEY]
        key = {name: stored[name] for name in _KEY}
        return self._write(key, after, gone, " AND ".join(conditions), values)

    def _write(
        self, key: Key, attributes: Item, gone: "list[str] | tuple[()]", condition: str, values: Item
    ) -> Item | None:
        """Write attributes on a condition; return the stored item if the condition failed."""
        names = {f"#{name}": name for name in (*attributes, *gone)}
        update = UpdateExpression().set_all(f"#{name}" for name in attributes).remove(*(f"#{name}" for name in gone))
        try:
            self._client.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression=str(update),
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={**{f":{name}": value for name, value in attributes.items()}, **values},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            response: Any = error.response
            found: Item | None = response.get("Item")
            if found is None:
                raise _Erased from None
            return found
        return None


def _until(deadline: Deadline, attempt: Attempt, stored: Item | None) -> WriteResult:
    """Attempt a write until it has a result, each time over the item that the last one found."""
    failures = 0
    while not deadline.ended():
        try:
            result = attempt(stored)
        except _Erased:
            stored = None
            continue
        except (ClientError, BotoCoreError) as error:
            if not is_transient(error):
                raise
            if not deadline.wait(failures):
                break
            failures += 1
            continue
        if isinstance(result, WriteResult):
            return result
        stored = result
    return WriteResult(UNAVAILABLE)
