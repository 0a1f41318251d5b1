"""Read usage records: one by its key, or those of a pair by the start of their windows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fusion_billing.catalog.identifiers import SOURCE_ID
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.errors import unavailable_when_transient
from fusion_billing.dynamodb.usage.items import StoredUsageRecord, record_of
from fusion_billing.errors import Fault, Refused
from fusion_billing.instants import sortable
from fusion_billing.metering.parsing import is_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INSTANT = 27  # the length of a sortable instant
_SORTABLE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_LONGEST_PK = 2048  # bytes, as the database has it
_QUERIES = 10  # to a page, where most of a pair's records are other sources'
_AT_LEAST = 100  # records to a query, where most of them may be other sources'
_FULL = 1_000_000  # bytes of what a page's records say, which its JSON has up to three times
_FIRST, _LAST = "0", ":"  # before and after every instant, as text sorts


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects the records of a pair.

    Attributes:
        source: None selects the records of all sources.
        start: Windows start at or after this instant; None for no bound.
        end: Windows start before this instant; None for no bound.
        voided: Whether to select voided records instead of those that count.
    """

    subscription: str
    metric: str
    start: datetime | None = None
    end: datetime | None = None
    source: str | None = None
    voided: bool = False

    @property
    def partition(self) -> str:
        """The index's partition."""
        pair = keys.pair(self.subscription, self.metric)
        return keys.voided_pair(pair) if self.voided else pair

    @property
    def first(self) -> str:
        """The earliest start of a window, as the index stores it."""
        return sortable(self.start) if self.start else _FIRST

    @property
    def last(self) -> str:
        """The latest start of a window, as the index stores it."""
        return _before(self.end) if self.end else _LAST

    def has(self, pk: str) -> bool:
        """Return whether the source has a record under this key."""
        return self.source is None or pk.startswith(keys.usage_record(self.source, ""))


class UsageReader:
    """Reads the usage table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, source: str, key: str) -> StoredUsageRecord | None:
        """Return a record with its history by a consistent read, or None; raises `Unavailable`."""
        if not is_key(key) or not SOURCE_ID.fullmatch(source):
            return None  # nothing is stored under such a key, and some are none that a table can have
        with unavailable_when_transient():
            response = self._client.get_item(
                TableName=self._table, Key=keys.primary(keys.usage_record(source, key)), ConsistentRead=True
            )
        item = response.get("Item")
        return record_of(item) if item else None

    def quantities(self, requested: Selection) -> Iterator[tuple[str, Decimal]]:
        """Yield the key and quantity of each of a source's records; raises `Unavailable`."""
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
                if len(found) == limit or size >= _FULL:
                    is_last = item is items[-1] and following is None
                    return found, None if is_last else f"{item['ws']['S']}{item['pk']['S']}"
            queries += 1
            reached = following["ws"]["S"] if following else ""
            if queries >= _QUERIES and reached > passed:
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
            request["Limit"] = limit if requested.source is None else max(limit, _AT_LEAST)
        while True:
            if position is not None:
                request["ExclusiveStartKey"] = position
            with unavailable_when_transient():
                response: Any = self._client.query(**request)
            position = response.get("LastEvaluatedKey")
            yield response["Items"], position
            if position is None:
                return


def _before(end: datetime) -> str:
    """Return the text just before an instant's, since BETWEEN includes both bounds."""
    text = sortable(end)
    return text[:-1] + chr(ord(text[-1]) - 1)


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
