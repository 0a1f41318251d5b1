"""Writing many usage records at a time: PartiQL inserts, 25 a call, and single writes for what remains.

An insert fails if the key exists. The failure brings the stored item along, or the item is read, 100 a call; a repeated
record ends there and costs one write unit. A record that says something new goes through the conditional write of
`dynamodb.usage.single_write`, which alone decides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.consistent_reads import MAX_READS
from fusion_billing.dynamodb.errors import TRANSIENT, is_transient
from fusion_billing.dynamodb.usage.items import revision_entry, stored_of
from fusion_billing.dynamodb.usage.single_write import UsageStore, WriteResult, settled
from fusion_billing.dynamodb.usage.window_ends import stored_end
from fusion_billing.metering.outcome import CREATED, UNAVAILABLE
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INSERTS = 25
_EXISTS = frozenset({"DuplicateItem", "ConditionalCheckFailed"})
_FIELDS = ("pk", "tgt", "pair", "ws", "we", "q", "at", "hist")
_OUTCOME_FIELDS = "pk, tgt, q, seq, mem, rev, voided"


class Refusal(RuntimeError):
    """The database refused a statement for a reason that no record gives it: a bug of ours."""


@dataclass(slots=True, eq=False)
class _Push:
    """A record on its way.

    `item` is what is stored under its key, if the key `exists` and the item is known.
    """

    record: UsageRecord
    result: WriteResult | None = None
    exists: bool = False
    item: Item | None = None


class UsageBatch:
    """The usage table, many records at a time."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._single = UsageStore(client, table)
        self._statements = {
            (sequence, member, properties): _statement(table, sequence=sequence, member=member, properties=properties)
            for sequence in (False, True)
            for member in (False, True)
            for properties in (False, True)
        }

    def push(self, source: str, records: Sequence[UsageRecord], at: str, deadline: Deadline) -> list[WriteResult]:
        """Store records, whose keys are distinct, and return the result of each.

        Args:
            source: Whose records these are.
            records: The records.
            at: When they were received (RFC 3339).
            deadline: Records that cannot be stored before it are `unavailable`.
        """
        pushes = [_Push(record) for record in records]
        self._insert_all(source, pushes, at, deadline)
        existing = [push for push in pushes if push.exists]
        self._read_all(source, [push for push in existing if not push.item], deadline)
        for push in existing:
            if push.item:
                push.result = settled(stored_of(push.item), push.record)
            if push.result is None:
                push.result = self._single.push(source, push.record, at, deadline)
        return [push.result or WriteResult(UNAVAILABLE) for push in pushes]

    def _insert_all(self, source: str, pushes: list[_Push], at: str, deadline: Deadline) -> None:
        """Insert records until each is stored, or exists, or time is up."""
        pending, attempt = pushes, 0
        while pending:
            pending = [
                push for chunk in _chunks(pending, _INSERTS) for push in self._insert(source, chunk, at, deadline)
            ]
            if pending and not deadline.wait(attempt):
                return
            attempt += 1

    def _insert(self, source: str, pushes: list[_Push], at: str, deadline: Deadline) -> list[_Push]:
        """Insert up to 25 records once; return those to insert again."""
        if deadline.ended():
            return pushes
        statements = [self._statement(source, push.record, at) for push in pushes]
        try:
            responses = self._client.batch_execute_statement(Statements=statements)["Responses"]
        except (ClientError, BotoCoreError) as error:
            if not is_transient(error):
                raise
            return pushes
        pending: list[_Push] = []
        for push, response in zip(pushes, responses, strict=True):
            failure: Any = response.get("Error")
            if failure is None:
                push.result = WriteResult(CREATED, 1)
            elif failure["Code"] in _EXISTS:
                push.exists, push.item = True, failure.get("Item")
            elif failure["Code"] in TRANSIENT:
                pending.append(push)
            else:
                raise Refusal(f"an insert of a usage record was refused: {failure['Code']}")
        return pending

    def _statement(self, source: str, push: UsageRecord, at: str) -> Any:
        parameters: list[Any] = [
            {"S": keys.usage_record(source, push.key)},
            {"S": push.target},
            {"S": push.pair},
            {"S": push.start},
            {"S": stored_end(push.start, push.end)},
            {"N": push.number},
            {"S": at},
            {"L": [revision_entry(push, at)]},
        ]
        sequence, member, properties = (
            push.sequence is not None,
            push.member is not None,
            bool(push.properties),
        )
        if sequence:
            parameters.append({"N": str(push.sequence)})
        if member:
            parameters.append({"S": push.member})
        if properties:
            parameters.append({"S": push.properties})
        return {
            "Statement": self._statements[sequence, member, properties],
            "Parameters": parameters,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _read_all(self, source: str, pushes: list[_Push], deadline: Deadline) -> None:
        """Read the items of keys that exist; those not read in time go through the single write."""
        for chunk in _chunks(pushes, MAX_READS):
            if deadline.ended():
                return
            by_key = {keys.usage_record(source, push.record.key): push for push in chunk}
            for item in self._read(list(by_key)):
                by_key[item["pk"]["S"]].item = item

    def _read(self, pks: list[str]) -> list[dict[str, Any]]:
        """Return the items that exist of up to 100; none if the table is throttled."""
        request: Any = {
            "Keys": [keys.primary(pk) for pk in pks],
            "ConsistentRead": True,
            "ProjectionExpression": _OUTCOME_FIELDS,
        }
        try:
            response = self._client.batch_get_item(RequestItems={self._table: request})
        except (ClientError, BotoCoreError) as error:
            if not is_transient(error):
                raise
            return []
        items: list[dict[str, Any]] = response["Responses"].get(self._table, [])
        return items


def _statement(table: str, *, sequence: bool, member: bool, properties: bool) -> str:
    optional = {"seq": sequence, "mem": member, "prop": properties}
    names = [*_FIELDS, *(name for name, is_given in optional.items() if is_given)]
    fields = ",".join(f"'{name}':?" for name in names)
    return f"INSERT INTO \"{table}\" VALUE {{{fields},'rev':1}}"


def _chunks(values: list[_Push], size: int) -> Iterator[list[_Push]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
