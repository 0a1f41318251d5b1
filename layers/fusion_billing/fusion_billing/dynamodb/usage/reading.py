"""Read usage records: one by its key, or those of a pair by the start of their windows."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fusion_billing.catalog.identifiers import SOURCE_ID
from fusion_billing.dynamodb import batch_reads, keys
from fusion_billing.dynamodb.errors import unavailable_when_transient
from fusion_billing.dynamodb.query_pages import query_pages
from fusion_billing.dynamodb.usage.items import StoredUsageRecord, record_of
from fusion_billing.dynamodb.usage.metric_keying import MetricKeying
from fusion_billing.dynamodb.usage.selection import FULL_PAGE, LEAST_RECORDS, MAX_QUERIES, Selection
from fusion_billing.dynamodb.usage.window_reading import WindowUsageReader
from fusion_billing.errors import Fault, Refused
from fusion_billing.metering.parsing import is_key
from fusion_billing.metering.window_keys import parse_window_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INSTANT = 27  # the length of a sortable instant
_SORTABLE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_LONGEST_PK = 2048  # bytes, as the database has it


class UsageReader:
    """Reads the usage table, and the window usage table for metrics whose records are keyed by window."""

    def __init__(self, client: "DynamoDBClient", table: str, window_table: str, metrics: MetricKeying) -> None:
        self._client = client
        self._table = table
        self._metrics = metrics
        self._windows = WindowUsageReader(client, window_table)

    def get(self, source: str, key: str) -> StoredUsageRecord | None:
        """Return a record with its history by a consistent read, or None; raises `Unavailable`."""
        if not is_key(key) or not SOURCE_ID.fullmatch(source):
            return None  # nothing is stored under such a key, and some are none that a table can have
        place = parse_window_key(key)
        found = self._windows.get(source, place) if place is not None else None
        if found is not None:
            return found
        with unavailable_when_transient():
            response = self._client.get_item(
                TableName=self._table, Key=keys.primary(keys.usage_record(source, key)), ConsistentRead=True
            )
        item = response.get("Item")
        return record_of(item) if item else None

    def with_history(self, records: Sequence[StoredUsageRecord]) -> list[StoredUsageRecord]:
        """Return records of a page with their history and the time they were received; raises `Unavailable`.

        The index has neither. They are read 100 a call, as of a moment ago.
        """
        names = {keys.usage_record(record.source, record.key): record for record in records if not record.at}
        with unavailable_when_transient():
            found = batch_reads.items(
                self._client, self._table, [keys.primary(name) for name in names], is_consistent=False
            )
            whole = {item["pk"]["S"]: record_of(item) for item in found}
        return [whole.get(keys.usage_record(record.source, record.key), record) for record in records]

    def quantities(self, requested: Selection) -> Iterator[tuple[str, Decimal]]:
        """Yield the key and quantity of each of a source's records; raises `Unavailable`."""
        if self._metrics.is_by_window(requested.metric):
            yield from self._windows.quantities(requested)
            return
        prefix = keys.usage_record(requested.source or "", "")
        for items, _ in self._queries(requested, requested.first, None, None):
            for item in items:
                if item["pk"]["S"].startswith(prefix):
                    yield item["pk"]["S"].removeprefix(prefix), Decimal(item["q"]["N"])

    def page(self, requested: Selection, after: str | None, limit: int) -> tuple[list[StoredUsageRecord], str | None]:
        """Return up to `limit` records by the start of their windows, without history, and the cursor of the next page.

        The cursor is None after the last page. A page may be short, or empty, and have a next one. It
        names a record of the page, or an instant, never another source's record. Raises `Refused`
        (`bad_cursor`) if `after` lies outside the selection, and `Unavailable`.
        """
        if self._metrics.is_by_window(requested.metric):
            return self._windows.page(requested, after, limit)
        begin, position = _position(after, requested) if after is not None else (requested.first, None)
        passed = position["ws"]["S"] if position else begin
        found: list[StoredUsageRecord] = []
        size = queries = 0
        for items, following in self._queries(requested, begin, position, limit):
            for item in items:
                if not requested.has(item["pk"]["S"]):
                    continue
                found.append(record_of(item))
                size += _size(item)
                if len(found) == limit or size >= FULL_PAGE:
                    is_last = item is items[-1] and following is None
                    return found, None if is_last else f"{item['ws']['S']}{item['pk']['S']}"
            queries += 1
            reached = following["ws"]["S"] if following else ""
            if queries >= MAX_QUERIES and reached > passed:
                return [record for record in found if record.start < reached], reached
        return found, None

    def _queries(
        self, requested: Selection, begin: str, position: dict[str, Any] | None, limit: int | None
    ) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any] | None]]:
        """Yield the index's items page by page, each with the position that the next one starts after."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "pair",
            "KeyConditionExpression": "#pair = :pair AND ws BETWEEN :start AND :end",
            "ExpressionAttributeNames": {"#pair": "pair"},
            "ExpressionAttributeValues": {
                ":pair": {"S": requested.partition},
                ":start": {"S": begin},
                ":end": {"S": requested.last},
            },
        }
        if limit is not None:
            request["Limit"] = limit if requested.source is None else max(limit, LEAST_RECORDS)
        with unavailable_when_transient():
            yield from query_pages(self._client, request, position)


def _size(item: dict[str, Any]) -> int:
    return sum(len(item[name]["S"].encode()) for name in ("pk", "mem", "prop") if name in item)


def _position(after: str, requested: Selection) -> tuple[str, dict[str, Any] | None]:
    """Return the earliest start of the page, and the record that it starts after (None: at that start)."""
    start, pk = after[:_INSTANT], after[_INSTANT:]
    is_within = _SORTABLE.fullmatch(start) is not None and requested.first <= start <= requested.last
    is_record = keys.is_usage_record(pk) and requested.has(pk) and len(pk.encode("utf-8", "replace")) <= _LONGEST_PK
    if not is_within or (pk and not is_record):
        raise Refused([Fault("cursor", "bad_cursor", "must be a cursor of this list")], code="bad_cursor")
    if not pk:
        return start, None
    return requested.first, {"pair": {"S": requested.partition}, "ws": {"S": start}, "pk": {"S": pk}}
