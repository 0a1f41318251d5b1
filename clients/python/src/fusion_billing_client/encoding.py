"""Encode arguments as the API expects them: decimals as plain strings, instants as RFC 3339."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote


def encode(value: Any) -> Any:
    """Return a JSON value; raises `ValueError` for a datetime without an offset."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: encode(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [encode(item) for item in value]
    return value


def instant_text(value: datetime) -> str:
    """Return an instant as RFC 3339; raises `ValueError` if it has no offset."""
    if value.utcoffset() is None:
        raise ValueError(
            f"{value.isoformat()} has no UTC offset. Pass an aware datetime, such as one with timezone.utc"
        )
    return value.isoformat().replace("+00:00", "Z")


def query(values: Mapping[str, Any]) -> dict[str, str]:
    """Return query parameters as texts, without those that are None."""
    return {name: _query_text(value) for name, value in values.items() if value is not None}


def _query_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(encode(value))


def path(template: str, parameters: Mapping[str, str]) -> str:
    """Return a route's path with its parameters, percent-encoded; an idempotency key keeps its slashes."""
    found = template
    for name, value in parameters.items():
        safe = "/:~@" if name == "idempotency_key" else ":~@"
        found = found.replace(f"{{{name}}}", quote(str(value), safe=safe))
    return found
