"""One pushed record, from JSON to a `Push`: strict, and every fault named.

| field | |
|---|---|
| `subscription` | `[A-Za-z0-9._:-]{1,64}` |
| `metric` | `[a-z0-9_.-]{1,64}` |
| `period_start`, `period_end` | RFC 3339 with an offset, in the years 2000 to 2199; the end after the start |
| `quantity` | a decimal as JSON number or text, not negative, at most 38 digits |
| `idempotency_key` | left out, or 1 to 256 printable characters |
| `sequence` | left out, or a whole number from 0, at most 38 digits, as JSON number or text |
| `member` | left out, or 1 to 256 printable characters |
| `properties` | left out, or at most 32 names (1 to 64 characters) with texts (at most 256), 4 KB in all |
| `source` | left out, or `[A-Za-z0-9._:-]{1,64}`: the source that an operator pushes for |

`null` counts as left out for `sequence`, `member`, `properties` and `source`, not for `idempotency_key`: a
null there is an app's mistake, and would count every re-send anew.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fusion_billing.catalog.identifiers import (
    CODE,
    FIRST_YEAR,
    LAST_YEAR,
    MAX_IDEMPOTENCY_KEY,
    MAX_MEMBER,
    MAX_PROPERTIES,
    MAX_PROPERTIES_BYTES,
    MAX_PROPERTY_NAME,
    MAX_PROPERTY_VALUE,
    SOURCE_ID,
    SUBSCRIPTION_ID,
)
from fusion_billing.decimals import MAX_DIGITS, parse_decimal, plain
from fusion_billing.errors import Fault, Refused
from fusion_billing.instants import parse_instant, sortable
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.strict_json import Ambiguous

# An answer must stay far below what a function may return, whatever 500 records are wrong with.
_NAMED_FAULTS = 8  # of one sort
_MOST_FAULTS = 16  # of one record
_SHOWN_ASCII, _SHOWN = 64, 32  # characters of a name; others than ASCII take twelve bytes each
_INSTANTS_REMEMBERED = 2_000

_FIELDS = frozenset(
    {
        "idempotency_key",
        "subscription",
        "metric",
        "period_start",
        "period_end",
        "quantity",
        "sequence",
        "member",
        "properties",
        "source",
    }
)
_OPTIONAL = frozenset({"sequence", "member", "properties", "source"})
_PLAIN_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{0,17}[1-9])?", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)

# The same few windows come again and again, in a batch and from batch to batch.
_instants: dict[str, str] = {}


def parse(value: object, new_key: Callable[[], str], header_key: str | None = None) -> UsageRecord:
    """Return the record in `value`, as `strict_json.loads` read it.

    `new_key` makes a key where none is given; `header_key` is the request's Idempotency-Key. Raises `Refused`
    with every fault found; a fault's field is the record's own (`quantity`, `properties.region`).
    """
    if not isinstance(value, dict):
        raise Refused([Fault("", "not_an_object", "must be a JSON object")])
    faults: list[Fault] = []
    if isinstance(value, Ambiguous):
        faults += [Fault(_shown(n), "duplicate_key", "is named twice") for n in value.duplicates[:_NAMED_FAULTS]]
    if not value.keys() <= _FIELDS:
        faults += _unknown(value)
    start, end = _instant(value, "period_start", faults), _instant(value, "period_end", faults)
    if start and end and end <= start:
        faults.append(Fault("period_end", "invalid_window", "must be later than period_start"))
    quantity, number = _quantity(value, faults)
    key = _key(value, header_key, faults)
    push = UsageRecord(
        key=key or "",
        key_made=key is None,
        subscription=_code(value, "subscription", SUBSCRIPTION_ID, faults),
        metric=_code(value, "metric", CODE, faults),
        start=start,
        end=end,
        quantity=quantity,
        number=number,
    )
    if not _OPTIONAL.isdisjoint(value):
        push.sequence = _sequence(value.get("sequence"), faults)
        push.member = _member(value.get("member"), faults)
        push.properties = _properties(value.get("properties"), faults)
        push.source = _source(value.get("source"), faults)
    if faults:
        raise Refused(faults[:_MOST_FAULTS], total=len(faults) + _unlisted(value))
    if key is None:
        push.key = new_key()
    return push


def readable_key(value: object) -> str | None:
    """Return the key that a record names, be the rest of it wrong, or None where that is no key."""
    key = value.get("idempotency_key") if isinstance(value, dict) else None
    return key if type(key) is str and is_key(key) else None


def is_key(text: str) -> bool:
    """Tell whether `text` may be an idempotency key; no record is stored under another."""
    return 1 <= len(text) <= MAX_IDEMPOTENCY_KEY and text.isprintable()


def _unknown(value: dict[str, Any]) -> list[Fault]:
    names = sorted(name for name in value if name not in _FIELDS)
    return [Fault(_shown(n), "unknown_field", "is no field of a usage record") for n in names[:_NAMED_FAULTS]]


def _unlisted(value: dict[str, Any]) -> int:
    """Return how many unknown fields are not listed."""
    return max(0, len(value.keys() - _FIELDS) - _NAMED_FAULTS)


def _shown(name: str) -> str:
    """Return a name that was sent, fit to be shown back: bounded, and free of what no text can carry."""
    bound = _SHOWN_ASCII if name.isascii() else _SHOWN
    shown = name if len(name) <= bound else f"{name[: bound - 1]}…"
    return shown.encode("utf-8", "replace").decode("utf-8")


def _instant(value: dict[str, Any], field: str, faults: list[Fault]) -> str:
    text = value.get(field)
    known = _instants.get(text) if type(text) is str else None
    if known is not None:
        return known
    if field not in value:
        faults.append(Fault(field, "missing", "is required"))
        return ""
    try:
        found = sortable(parse_instant(text if type(text) is str else None, field))
    except Refused as refused:
        faults += refused.faults
        return ""
    if not FIRST_YEAR <= int(found[:4]) <= LAST_YEAR:
        message = f"must be in the years {FIRST_YEAR} to {LAST_YEAR} (UTC)"
        faults.append(Fault(field, "out_of_range", message))
        return ""
    if len(_instants) >= _INSTANTS_REMEMBERED:
        _instants.clear()
    assert isinstance(text, str)  # noqa: S101  parsed, so for the type checker alone
    _instants[text] = found
    return found


def _quantity(value: dict[str, Any], faults: list[Fault]) -> tuple[Decimal, str]:
    given = value.get("quantity")
    if isinstance(given, str) and _PLAIN_NUMBER.fullmatch(given):
        return Decimal(given), str(given)  # as most are written, and as `plain` would write it
    if "quantity" not in value:
        faults.append(Fault("quantity", "missing", "is required"))
        return Decimal(0), ""
    try:
        quantity = parse_decimal(given, "quantity")
    except Refused as refused:
        faults += refused.faults
        return Decimal(0), ""
    return quantity, plain(quantity)


def _key(value: dict[str, Any], header_key: str | None, faults: list[Fault]) -> str | None:
    if "idempotency_key" not in value:
        if header_key is not None:
            faults += _named(text_fault("idempotency_key", header_key, MAX_IDEMPOTENCY_KEY))
        return header_key
    key = value["idempotency_key"]
    if type(key) is not str or not is_key(key):
        faults += _named(text_fault("idempotency_key", key, MAX_IDEMPOTENCY_KEY))
        return ""
    if header_key is not None and header_key != key:
        faults.append(Fault("idempotency_key", "mismatch", "differs from the header Idempotency-Key"))
    return key


def text_fault(field: str, value: object, longest: int, *, shortest: int = 1) -> Fault | None:
    """Return what is wrong with a text of `shortest` to `longest` printable characters, or None."""
    if type(value) is not str:
        return Fault(field, "not_a_string", "must be a string")
    if len(value) < shortest:
        return Fault(field, "empty", "must not be empty")
    if len(value) > longest:
        return Fault(field, "too_long", f"must have at most {longest} characters")
    if not value.isprintable():
        return Fault(field, "invalid_characters", "must hold printable characters only")
    return None


def _named(fault: Fault | None) -> tuple[Fault, ...]:
    return () if fault is None else (fault,)


def _code(value: dict[str, Any], field: str, pattern: re.Pattern[str], faults: list[Fault]) -> str:
    code = value.get(field)
    if type(code) is str and pattern.fullmatch(code):
        return code
    if field not in value:
        faults.append(Fault(field, "missing", "is required"))
    else:
        faults.append(Fault(field, "invalid_identifier", f"must be text that matches {pattern.pattern}"))
    return ""


def _sequence(value: object, faults: list[Fault]) -> int | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _DIGITS.fullmatch(value.removeprefix("-")):
        faults.append(Fault("sequence", "not_an_integer", "must be a whole number"))
    elif value.startswith("-"):
        faults.append(Fault("sequence", "negative", "must not be negative"))
    elif len(value) > MAX_DIGITS:
        faults.append(Fault("sequence", "too_many_digits", f"must have at most {MAX_DIGITS} digits"))
    else:
        return int(value)
    return None


def _member(value: object, faults: list[Fault]) -> str | None:
    if value is None:
        return None
    if type(value) is str and 1 <= len(value) <= MAX_MEMBER and value.isprintable():
        return value
    faults += _named(text_fault("member", value, MAX_MEMBER))
    return None


def _source(value: object, faults: list[Fault]) -> str:
    if value is None:
        return ""
    if type(value) is str and SOURCE_ID.fullmatch(value):
        return value
    faults.append(Fault("source", "invalid_identifier", f"must be text that matches {SOURCE_ID.pattern}"))
    return ""


def _properties(value: object, faults: list[Fault]) -> str:
    if value is None or value == {}:
        return ""
    found = list(_property_faults(value))
    if not found and isinstance(value, dict):
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        if len(text.encode()) <= MAX_PROPERTIES_BYTES:
            return text
        found = [Fault("properties", "too_large", f"must be at most {MAX_PROPERTIES_BYTES} bytes as JSON")]
    faults += found[:_NAMED_FAULTS]
    return ""


def _property_faults(value: object) -> list[Fault]:
    if not isinstance(value, dict):
        return [Fault("properties", "not_an_object", "must be an object of strings")]
    if len(value) > MAX_PROPERTIES:
        return [Fault("properties", "too_many", f"must be at most {MAX_PROPERTIES}")]
    faults = []
    if isinstance(value, Ambiguous):
        duplicates = value.duplicates
        faults += [Fault(f"properties.{_shown(n)}", "duplicate_key", "is named twice") for n in duplicates]
    for name, text in value.items():
        field = f"properties.{_shown(name)}"
        if not 1 <= len(name) <= MAX_PROPERTY_NAME or not name.isprintable():
            message = f"must have a name of 1 to {MAX_PROPERTY_NAME} printable characters"
            faults.append(Fault(field, "invalid_property_name", message))
        faults += _named(text_fault(field, text, MAX_PROPERTY_VALUE, shortest=0))
    return faults
