"""Parse the units and records of an estimate: every fault is collected, none is raised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fusion_billing.decimals import ZERO, parse_decimal
from fusion_billing.errors import Fault, Refused
from fusion_billing.instants import parse_instant
from fusion_billing.strict_json import Ambiguous

_LAST = datetime.max.replace(tzinfo=UTC)
"""The latest instant that can be represented."""

_FIELDS = ("quantity", "period_start", "period_end", "member", "properties")


@dataclass(slots=True)
class Span:
    """A record of an estimate; without a window it covers the whole period."""

    key: str
    start: datetime | None
    end: datetime | None
    quantity: Decimal
    member: str | None = None
    properties: Mapping[str, str] | None = None


def parsed_decimal(value: object, field: str, faults: list[Fault]) -> Decimal:
    """Return a decimal; if it is not valid, add its faults to `faults` and return zero."""
    try:
        return parse_decimal(value, field)
    except Refused as refused:
        faults += refused.faults
        return ZERO


def parsed_records(value: object, faults: list[Fault], *, windows: bool) -> list[Span]:
    """Return the records in the order given; with `windows`, a record with a start must have an end too."""
    if not isinstance(value, list | tuple):
        faults.append(Fault("records", "not_a_list", "must be a list"))
        return []
    spans = []
    for index, item in enumerate(value):
        found: list[Fault] = []
        span = _span(item, f"{index:09d}", found, windows=windows)
        faults += [fault.under(f"records.{index}") for fault in found]
        if span is not None:
            spans.append(span)
    return spans


def _span(item: object, key: str, faults: list[Fault], *, windows: bool) -> Span | None:
    if not isinstance(item, dict):
        faults.append(Fault("", "not_an_object", "must be a JSON object"))
        return None
    if isinstance(item, Ambiguous):
        faults += [Fault(name, "duplicate_key", "must not be given twice") for name in item.duplicates]
    faults += [Fault(str(name), "unknown_field", "is not a field of a record") for name in item if name not in _FIELDS]
    if item.get("quantity") is None:
        faults.append(Fault("quantity", "missing", "is required"))
        return None
    start, end = _instant(item, "period_start", faults), _instant(item, "period_end", faults)
    if end is not None and start is None and item.get("period_start") is None:
        faults.append(Fault("period_start", "missing", "is required with period_end"))
    if start == _LAST:
        faults.append(Fault("period_start", "out_of_range", "must be before the last instant of 9999"))
    if start is not None and end is not None and end <= start:
        faults.append(Fault("period_end", "invalid_window", "must be after period_start"))
    if windows and start is not None and item.get("period_end") is None:
        faults.append(Fault("period_end", "missing", "is required if records are weighted by time"))
    quantity = parsed_decimal(item["quantity"], "quantity", faults)
    return Span(key, start, end, quantity, _member(item, faults), _properties(item, faults))


def _instant(item: dict[str, Any], field: str, faults: list[Fault]) -> datetime | None:
    value = item.get(field)
    if value is None:
        return None
    try:
        return parse_instant(value, field)
    except Refused as refused:
        faults += refused.faults
        return None


def _member(item: dict[str, Any], faults: list[Fault]) -> str | None:
    value = item.get("member")
    if value is None or isinstance(value, str):
        return value
    faults.append(Fault("member", "not_a_string", "must be a string"))
    return None


def _properties(item: dict[str, Any], faults: list[Fault]) -> Mapping[str, str] | None:
    value = item.get("properties")
    if value is None:
        return None
    if not isinstance(value, dict):
        faults.append(Fault("properties", "not_an_object", "must be an object of strings"))
        return None
    if all(isinstance(entry, str) for entry in value.values()):
        return value
    faults.append(Fault("properties", "not_a_string", "must be an object whose values are strings"))
    return None
