"""Write many usage records at a time: PartiQL inserts, 25 to a call, and single writes for what remains.

An insert fails if the key exists. The failure returns the stored item, or the item is read, 100 to a call; a repeated
record ends there and costs one write unit. A record that changes something goes through the conditional write of
`dynamodb.usage.single_write`, which alone decides. A call inserts into both tables of usage records.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, product
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Attribute, Item, ItemView
from fusion_billing.dynamodb.batch_reads import MAX_READS
from fusion_billing.dynamodb.errors import TRANSIENT, is_transient
from fusion_billing.dynamodb.usage.items import revision_entry, stored_of
from fusion_billing.dynamodb.usage.results import WriteResult, result_without_write
from fusion_billing.dynamodb.usage.single_write import UsageStore
from fusion_billing.dynamodb.usage.window_ends import stored_end
from fusion_billing.dynamodb.usage.window_items import new_attributes, window_key
from fusion_billing.dynamodb.usage.window_write import WindowUsageStore
from fusion_billing.metering.outcome import CREATED, UNAVAILABLE
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INSERTS = 25
_EXISTS = frozenset({"DuplicateItem", "ConditionalCheckFailed"})
_FIELDS = ("pk", "tgt", "pair", "ws", "we", "q", "at", "rev", "hist")
_OPTIONAL_FIELDS = ("seq", "mem", "prop")
_ONE = {"N": "1"}
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

    def __init__(self, client: "DynamoDBClient", table: str, window_table: str) -> None:
        self._client = client
        self._table = table
        self._window_table = window_table
        self._single = UsageStore(client, table, window_table)
        self._windows = WindowUsageStore(client, window_table)
        self._statements = {
            given: _insert(table, (*_FIELDS, *compress(_OPTIONAL_FIELDS, given)))
            for given in product((False, True), repeat=len(_OPTIONAL_FIELDS))
        }
        self._window_statements: dict[tuple[str, ...], str] = {}

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
            entry.result = self._over_existing(source, entry, at, deadline)
        return [entry.result or WriteResult(UNAVAILABLE) for entry in entries]

    def _over_existing(self, source: str, entry: _Entry, at: str, deadline: Deadline) -> WriteResult:
        """Return the result of a record whose key exists; it is written if it changes something."""
        record, item = entry.record, entry.item
        if record.window_suffix is not None:
            return self._windows.push(source, record, at, deadline, known=item)
        result = result_without_write(stored_of(item), record) if item else None
        return result or self._single.push(source, record, at, deadline)

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
        if record.window_suffix is not None:
            statement, parameters = self._insert_by_window(source, record, at)
        else:
            statement, parameters = self._insert_by_key(source, record, at)
        return {
            "Statement": statement,
            "Parameters": parameters,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _insert_by_window(self, source: str, record: UsageRecord, at: str) -> tuple[str, list[Attribute]]:
        item = window_key(source, record, record.window_suffix or "") | new_attributes(record, at)
        shape = tuple(item)
        if shape not in self._window_statements:
            self._window_statements[shape] = _insert(self._window_table, shape)
        return self._window_statements[shape], list(item.values())

    def _insert_by_key(self, source: str, record: UsageRecord, at: str) -> tuple[str, list[Attribute]]:
        parameters: list[Attribute] = [
            {"S": keys.usage_record(source, record.key)},
            {"S": record.target},
            {"S": record.pair},
            {"S": record.start},
            {"S": stored_end(record.start, record.end)},
            {"N": record.number},
            {"S": at},
            _ONE,
            {"L": [revision_entry(record, at)]},
        ]
        sequence, member, properties = record.sequence is not None, record.member is not None, bool(record.properties)
        if sequence:
            parameters.append({"N": str(record.sequence)})
        if member:
            parameters.append({"S": record.member})
        if properties:
            parameters.append({"S": record.properties})
        return self._statements[sequence, member, properties], parameters

    def _table_of(self, record: UsageRecord) -> str:
        return self._table if record.window_suffix is None else self._window_table

    def _read_all(self, source: str, entries: list[_Entry], deadline: Deadline) -> None:
        """Read the items of keys that exist; those not read in time go through the single write."""
        for chunk in _chunks(entries, MAX_READS):
            if deadline.ended():
                return
            by_key = {
                (self._table_of(entry.record), *_key_values(_key(source, entry.record))): entry for entry in chunk
            }
            for table, items in self._read(source, chunk).items():
                for item in items:
                    by_key[table, *_key_values(item)].item = item

    def _read(self, source: str, entries: list[_Entry]) -> dict[str, list[Item]]:
        """Return the items that exist of up to 100, by table; none if the tables are throttled."""
        requests: dict[str, Any] = {}
        for entry in entries:
            table = self._table_of(entry.record)
            if table not in requests:
                requests[table] = {"Keys": [], "ConsistentRead": True}
                if table == self._table:
                    requests[table]["ProjectionExpression"] = _OUTCOME_FIELDS
            requests[table]["Keys"].append(_key(source, entry.record))
        try:
            response = self._client.batch_get_item(RequestItems=requests)
        except (ClientError, BotoCoreError) as error:
            if not is_transient(error):
                raise
            return {}
        found: dict[str, list[Item]] = response["Responses"]
        return found


def _key(source: str, record: UsageRecord) -> keys.Key:
    if record.window_suffix is not None:
        return window_key(source, record, record.window_suffix)
    return keys.primary(keys.usage_record(source, record.key))


def _key_values(item: ItemView) -> tuple[str, ...]:
    return tuple(item[name]["S"] for name in ("pk", "sk") if name in item)


def _insert(table: str, attributes: Iterable[str]) -> str:
    fields = ",".join(f"'{name}':?" for name in attributes)
    return f'INSERT INTO "{table}" VALUE {{{fields}}}'


def _chunks(values: list[_Entry], size: int) -> Iterator[list[_Entry]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
