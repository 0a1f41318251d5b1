"""Attributes of items, to and from Python's types.

A function that takes a name reads it: `string(item, "plan")`. The plain form raises `KeyError` if the item lacks
the attribute; `optional_...` returns None. `from_...` builds an attribute's value. The usage table's codec is
written by hand (`dynamodb.usage.items`), since it runs once a record.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from fusion_billing.instants import parse_instant, rfc3339, sortable
from fusion_billing.json_types import JsonValue

Item: TypeAlias = dict[str, Any]
"""An item in DynamoDB's JSON, as boto3 takes and returns it: `{"plan": {"S": "pro"}}`."""

ItemView: TypeAlias = Mapping[str, Any]
"""An item that is only read."""

Request: TypeAlias = Any
"""A request of boto3, or one write of a transaction: `{"Put": {"TableName": ..., "Item": ...}}`."""

MAX_TRANSACTION_WRITES = 100
"""Writes of one transaction."""

Attribute: TypeAlias = dict[str, Any]
"""One value of an item: `{"S": "pro"}`."""


def string(item: ItemView, name: str) -> str:
    """Return a text."""
    value: str = item[name]["S"]
    return value


def optional_string(item: ItemView, name: str) -> str | None:
    """Return a text, or None."""
    return item[name]["S"] if name in item else None


def integer(item: ItemView, name: str) -> int:
    """Return an integer."""
    return int(item[name]["N"])


def optional_integer(item: ItemView, name: str) -> int | None:
    """Return an integer, or None."""
    return int(item[name]["N"]) if name in item else None


def decimal(item: ItemView, name: str) -> Decimal:
    """Return a decimal that is stored as text, which keeps its digits."""
    return Decimal(item[name]["S"])


def optional_decimal(item: ItemView, name: str) -> Decimal | None:
    """Return a decimal that is stored as text, or None."""
    return Decimal(item[name]["S"]) if name in item else None


def boolean(item: ItemView, name: str) -> bool:
    """Return a boolean; False if the item lacks it."""
    return name in item and bool(item[name]["BOOL"])


def instant(item: ItemView, name: str) -> datetime:
    """Return an instant in UTC."""
    return parse_instant(item[name]["S"])


def optional_instant(item: ItemView, name: str) -> datetime | None:
    """Return an instant in UTC, or None."""
    return parse_instant(item[name]["S"]) if name in item else None


def utc(text: str) -> datetime:
    """Return an instant that the service itself wrote: faster than `parse_instant`, which checks it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def document(item: ItemView, name: str) -> JsonValue:
    """Return a JSON document."""
    return json.loads(item[name]["S"])


def optional_document(item: ItemView, name: str) -> JsonValue:
    """Return a JSON document, or None."""
    return json.loads(item[name]["S"]) if name in item else None


def strings(item: ItemView, name: str) -> tuple[str, ...]:
    """Return a list of texts; empty if the item lacks it."""
    return tuple(member["S"] for member in item[name]["L"]) if name in item else ()


def optional_strings(item: ItemView, name: str) -> frozenset[str] | None:
    """Return the members of a list of texts as a set, or None if the item lacks it."""
    return frozenset(strings(item, name)) if name in item else None


def string_set(item: ItemView, name: str) -> frozenset[str]:
    """Return a set of texts; empty if the item lacks it."""
    return frozenset(item[name]["SS"]) if name in item else frozenset()


def binary(item: ItemView, name: str) -> bytes:
    """Return bytes."""
    return bytes(item[name]["B"])


def from_integer(value: int) -> Attribute:
    """Return a number."""
    return {"N": str(value)}


def from_instant(value: datetime) -> Attribute:
    """Return an instant as RFC 3339."""
    return {"S": rfc3339(value)}


def from_sortable_instant(value: datetime) -> Attribute:
    """Return an instant as text that sorts by time, for keys and for conditions that compare."""
    return {"S": sortable(value)}


def from_strings(values: Iterable[str]) -> Attribute:
    """Return a list of texts."""
    return {"L": [{"S": value} for value in values]}


def from_string_set(values: Iterable[str]) -> Attribute:
    """Return a set of texts, which must not be empty."""
    return {"SS": sorted(values)}


def from_document(value: object) -> Attribute:
    """Return a JSON document."""
    return {"S": json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))}


def time_to_live(at: datetime, keep: timedelta = timedelta(0)) -> Attribute:
    """Return the time to live of an item that is kept for `keep` from `at` on, in seconds since the epoch."""
    return {"N": str(int((at + keep).timestamp()))}
