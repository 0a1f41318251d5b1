"""Read records keyed by their window: one by its key, or those of a pair by the start of their windows."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from fusion_billing.catalog.identifiers import SOURCE_ID
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item, ItemView
from fusion_billing.dynamodb.errors import unavailable_when_transient
from fusion_billing.dynamodb.query_pages import query_pages
from fusion_billing.dynamodb.usage import window_items
from fusion_billing.dynamodb.usage.items import StoredUsageRecord
from fusion_billing.dynamodb.usage.selection import FULL_PAGE, LEAST_RECORDS, MAX_QUERIES, Selection
from fusion_billing.errors import Fault, Refused
from fusion_billing.metering.window_keys import WindowKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INSTANT = r"\d{8}T\d{6}(?:\.\d{6})?"
_CURSOR = re.compile(
    rf"{_INSTANT}(?:#(?:\d{{1,12}}|{_INSTANT})#(?P<source>{SOURCE_ID.pattern})(?:~[A-Za-z0-9._~@-]{{1,80}})?)?",
    re.ASCII,
)


class WindowUsageReader:
    """Reads the window usage table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, source: str, place: WindowKey) -> StoredUsageRecord | None:
        """Return a record with its history by a consistent read, or None; raises `Unavailable`."""
        key = window_items.window_key(source, place, place.suffix)
        with unavailable_when_transient():
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return window_items.window_record_of(item) if item else None

    def quantities(self, requested: Selection) -> Iterator[tuple[str, Decimal]]:
        """Yield the key and quantity of each of a source's records; raises `Unavailable`."""
        for items, _ in self._queries(requested, window_items.start_bound(requested.start), None, None):
            for item in items:
                if _is_selected(item, requested):
                    record = window_items.window_record_of(item)
                    yield record.key, record.quantity

    def page(self, requested: Selection, after: str | None, limit: int) -> tuple[list[StoredUsageRecord], str | None]:
        """Return a page of records and the cursor of the next one, as `UsageReader.page` does."""
        first = window_items.start_bound(requested.start)
        begin, position = (first, None) if after is None else _position(after, requested)
        passed = _start(position["sk"]["S"]) if position else begin
        found: list[tuple[str, StoredUsageRecord]] = []
        size = queries = 0
        for items, following in self._queries(requested, begin, position, limit):
            for item in items:
                if not _is_selected(item, requested):
                    continue
                sk = item["sk"]["S"]
                found.append((_start(sk), window_items.window_record_of(item)))
                size += _size(item)
                if len(found) == limit or size >= FULL_PAGE:
                    is_last = item is items[-1] and following is None
                    return [record for _, record in found], None if is_last else sk
            queries += 1
            reached = _start(following["sk"]["S"]) if following else ""
            if queries >= MAX_QUERIES and reached > passed:
                return [record for start, record in found if start < reached], reached
        return [record for _, record in found], None

    def _queries(
        self, requested: Selection, begin: str, position: Item | None, limit: int | None
    ) -> Iterator[tuple[list[Item], Item | None]]:
        """Yield items page by page, each with the position that the next one starts after."""
        pair = keys.pair(requested.subscription, requested.metric)
        request = window_items.window_query(self._table, pair, requested.start, requested.end)
        request["ExpressionAttributeValues"][":first"] = {"S": begin}
        if begin > request["ExpressionAttributeValues"][":last"]["S"]:
            return
        if limit is not None:
            request["Limit"] = max(limit, LEAST_RECORDS)
        with unavailable_when_transient():
            yield from query_pages(self._client, request, position)


def _is_selected(item: ItemView, requested: Selection) -> bool:
    _, _, source, _ = keys.parse_window_sort_key(item["sk"]["S"])
    return requested.has_source(source) and ("voided" in item) == requested.voided


def _start(sk: str) -> str:
    return sk.partition("#")[0]


def _size(item: ItemView) -> int:
    return sum(len(item[name]["S"].encode()) for name in ("pk", "sk", "mem", "prop") if name in item)


def _position(after: str, requested: Selection) -> tuple[str, Item | None]:
    """Return the earliest start of the page, and the record that it starts after (None: at that start)."""
    first = window_items.start_bound(requested.start)
    pair = keys.pair(requested.subscription, requested.metric)
    query = window_items.window_query("", pair, requested.start, requested.end)
    match = _CURSOR.fullmatch(after)
    is_within = first <= after <= query["ExpressionAttributeValues"][":last"]["S"]
    if match is None or not is_within or (match["source"] and not requested.has_source(match["source"])):
        raise Refused([Fault("cursor", "bad_cursor", "must be a cursor of this list")], code="bad_cursor")
    if match["source"] is None:
        return after, None
    return first, dict(keys.primary(pair, after))
