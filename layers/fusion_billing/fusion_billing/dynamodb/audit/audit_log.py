"""Store entries of the audit log, which are never updated or deleted: no role allows it (docs/data-model.md, Audit)."""

import heapq
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fusion_billing.audit.entry import Actor, Entry, first_entry_id
from fusion_billing.catalog.identifiers import DEFAULT_PAGE
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item, Request
from fusion_billing.dynamodb.errors import unavailable_when_transient
from fusion_billing.dynamodb.query_pages import query_items
from fusion_billing.instants import parse_instant, rfc3339

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_IS_NEW = "attribute_not_exists(pk)"
_MONTHS_READ = 24
_ENTRIES_READ = 2_000
_PAGE = DEFAULT_PAGE
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries are listed: from `start` on and before `end`, of an actor, about an object (None: of any)."""

    start: datetime
    end: datetime
    actor: str | None = None
    object_: str | None = None

    @property
    def months(self) -> frozenset[str]:
        """Return the months that hold the entries."""
        month, last = keys.audit_month(self.end), keys.audit_month(self.start)
        months = {month}
        while month > last:
            month = _month_before(month)
            months.add(month)
        return frozenset(months)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a list goes on: in a month, below an entry (None: at the end of the month)."""

    month: str
    entry_id: str | None = None


class AuditLog:
    """Writes and lists entries."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def write(self, entry: Entry) -> Request:
        """Return the write of an entry, for the transaction of its change."""
        return {"Put": {"TableName": self._table, "Item": _item(entry), "ConditionExpression": _IS_NEW}}

    def put(self, entry: Entry) -> None:
        """Write an entry by itself; raises `Unavailable`."""
        with unavailable_when_transient():
            self._client.put_item(TableName=self._table, Item=_item(entry), ConditionExpression=_IS_NEW)

    def page(self, chosen: Selection, after: Position | None, limit: int) -> tuple[list[Entry], Position | None]:
        """Return a page of entries, the newest first, and where the list goes on, if it does; raises `Unavailable`.

        A page may hold fewer than `limit` entries, or none, and yet have a next one.
        """
        found: list[Entry] = []
        position = after or Position(keys.audit_month(chosen.end))
        first_month, read = keys.audit_month(chosen.start), 0
        for _ in range(_MONTHS_READ):
            for item in self._month(chosen, position):
                read += 1
                position = Position(position.month, item["sk"]["S"])
                if chosen.actor in {None, item["actor"]["S"]} and chosen.object_ in {None, item["object"]["S"]}:
                    found.append(_entry(item))
                if len(found) >= limit or read >= _ENTRIES_READ:
                    return found, position
            if position.month <= first_month:
                return found, None
            position = Position(_month_before(position.month))
        return found, position

    def _month(self, chosen: Selection, position: Position) -> Iterator[Item]:
        """Yield the entries of a month below the position, the newest first."""
        highest = first_entry_id(chosen.end) if position.entry_id is None else position.entry_id
        partitions = keys.audit_partitions(position.month, chosen.object_)
        shards = [self._partition(partition, first_entry_id(chosen.start), highest) for partition in partitions]
        return heapq.merge(*shards, key=_sort_key, reverse=True)

    def _partition(self, partition: str, lowest: str, highest: str) -> Iterator[Item]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :lowest AND :highest",
            "ExpressionAttributeValues": {
                ":pk": {"S": partition},
                ":lowest": {"S": lowest},
                ":highest": {"S": highest},
            },
            "ScanIndexForward": False,
            "ConsistentRead": True,
            "Limit": _PAGE,
        }
        if lowest > highest:
            return
        with unavailable_when_transient():
            yield from (item for item in query_items(self._client, request) if item["sk"]["S"] != highest)


def _sort_key(item: Item) -> str:
    key: str = item["sk"]["S"]
    return key


def _month_before(month: str) -> str:
    number = int(month[:4]) * _MONTHS + int(month[5:]) - 2
    return f"{number // _MONTHS:04d}-{number % _MONTHS + 1:02d}"


def _item(entry: Entry) -> Item:
    document = {
        "before": entry.before,
        "after": entry.after,
        "reason": entry.reason,
        "error": entry.error,
    }
    packed = zlib.compress(json.dumps(document, ensure_ascii=True, separators=(",", ":"), default=str).encode("ascii"))
    return {
        **keys.audit_key(entry.at, entry.object_, entry.id),
        "at": {"S": rfc3339(entry.at)},
        "actor": {"S": entry.actor.key_id},
        "source": {"S": entry.actor.source},
        "via": {"S": entry.actor.via},
        "action": {"S": entry.action},
        "object": {"S": entry.object_},
        "stage": {"S": entry.stage},
        "doc": {"B": packed},
    }


def _entry(item: Item) -> Entry:
    document = json.loads(zlib.decompress(bytes(item["doc"]["B"])))
    return Entry(
        id=item["sk"]["S"],
        at=parse_instant(item["at"]["S"]).astimezone(UTC),
        actor=Actor(item["actor"]["S"], item["source"]["S"], item["via"]["S"]),
        action=item["action"]["S"],
        object_=item["object"]["S"],
        stage=item["stage"]["S"],
        before=document["before"],
        after=document["after"],
        reason=document["reason"],
        error=document["error"],
    )
