"""Write many usage records at a time: PartiQL inserts, 25 to a call, and single writes for what remains.

An insert fails if the key exists. The failure returns the stored item, or the item is read, 100 to a call; a repeated
record ends there and costs one write unit. A record that changes something goes through the conditional write of
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
from fusion_billing.dynamodb.usage.single_write import UsageStore, WriteResult, result_without_write
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
    """DynamoDB rejected a statement for a reason that no record causes: a bug in the service."""


@dataclass(slots=True, eq=False)
class _Entry:
    """A record of a batch, and its result once it is known.

    `item` is the stored item, if the key `exists` and the item was read.
    """

    record: UsageRecord
    result: WriteResult | None = None
    exists: bool = False
    item: Item | None = None


class UsageBatch:
    """Writes many usage records at a time."""

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
            source: The source that the records belong to.
            records: The records.
            at: When they were received (RFC 3339).
            deadline: Records that cannot be stored before it are `unavailable`.
        """
        entries = [_Entry(record) for record in records]
        self._insert_all(source, entries, at, deadline)
        existing = [entry for entry in entries if entry.exists]
        self._read_all(source, [entry for entry in existing if not entry.item], deadline)
        for entry in existing:
            if entry.item:
                entry.result = result_without_write(stored_of(entry.item), entry.record)
            if entry.result is None:
                entry.result = self._single.push(source, entry.record, at, deadline)
        return [entry.result or WriteResult(UNAVAILABLE) for entry in entries]

    def _insert_all(self, source: str, entries: list[_Entry], at: str, deadline: Deadline) -> None:
        """Insert records until each is stored, or exists, or time is up."""
        pending, attempt = entries, 0
        while pending:
            pending = [
                entry for chunk in _chunks(pending, _INSERTS) for entry in self._insert(source, chunk, at, deadline)
            ]
            if pending and not deadline.wait(attempt):
                return
            attempt += 1

    def _insert(self, source: str, entries: list[_Entry], at: str, deadline: Deadline) -> list[_Entry]:
        """Insert up to 25 records once; return those to insert again."""
        if deadline.ended():
            return entries
        statements = [self._statement(source, entry.record, at) for entry in entries]
        try:
            responses = self._client.batch_execute_statement(Statements=statements)["Responses"]
        except (ClientError, BotoCoreError) as error:
            if not is_transient(error):
                raise
            return entries
        pending: list[_Entry] = []
        for entry, response in zip(entries, responses, strict=True):
            failure: Any = response.get("Error")
            if failure is None:
                entry.result = WriteResult(CREATED, 1)
            elif failure["Code"] in _EXISTS:
                entry.exists, entry.item = True, failure.get("Item")
            elif failure["Code"] in TRANSIENT:
                pending.append(entry)
            else:
                raise Refusal(f"An insert of a usage record was rejected: {failure['Code']}")
        return pending

    def _statement(self, source: str, record: UsageRecord, at: str) -> Any:
        parameters: list[Any] = [
            {"S": keys.usage_record(source, record.key)},
            {"S": record.target},
            {"S": record.pair},
            {"S": record.start},
            {"S": stored_end(record.start, record.end)},
            {"N": record.number},
            {"S": at},
            {"L": [revision_entry(record, at)]},
        ]
        sequence, member, properties = (
            record.sequence is not None,
            record.member is not None,
            bool(record.properties),
        )
        if sequence:
            parameters.append({"N": str(record.sequence)})
        if member:
            parameters.append({"S": record.member})
        if properties:
            parameters.append({"S": record.properties})
        return {
            "Statement": self._statements[sequence, member, properties],
            "Parameters": parameters,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _read_all(self, source: str, entries: list[_Entry], deadline: Deadline) -> None:
        """Read the items of keys that exist; those not read in time go through the single write."""
        for chunk in _chunks(entries, MAX_READS):
            if deadline.ended():
                return
            by_key = {keys.usage_record(source, entry.record.key): entry for entry in chunk}
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


def _chunks(values: list[_Entry], size: int) -> Iterator[list[_Entry]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
