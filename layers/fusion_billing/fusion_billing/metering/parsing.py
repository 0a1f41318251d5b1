"""Parse one pushed usage record from JSON to a `UsageRecord`, and report every fault in it.

| field | |
|---|---|
| `subscription` | `[A-Za-z0-9._:-]{1,64}` |
| `metric` | `[a-z0-9_.-]{1,64}` |
| `period_start`, `period_end` | RFC 3339 with an offset, in the years 2000 to 2199; the end after the start |
| `quantity` | a decimal as JSON number or string, not negative, at most 38 digits |
| `idempotency_key` | optional; 1 to 256 printable characters |
| `sequence` | optional; an integer from 0, at most 38 digits, as JSON number or string |
| `member` | optional; 1 to 256 printable characters |
| `properties` | optional; at most 32 names (1 to 64 characters) with strings (at most 256), 4 KB in all |
| `reason` | optional; 1 to 256 printable characters: why the record is corrected, for its history |
| `source` | optional; `[A-Za-z0-9._:-]{1,64}`: the source that an operator pushes for |

A `null` is the same as a missing `sequence`, `member`, `properties`, `reason` or `source`, but not
`idempotency_key`: a null there is a bug of the app, and would count every re-send again.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from fusion_billing.catalog.identifiers import (
    CODE,
    CODE_RULE,
    FIRST_YEAR,
    ID_RULE,
    LAST_YEAR,
    MAX_IDEMPOTENCY_KEY,
    MAX_MEMBER,
    MAX_REASON,
    SOURCE_ID,
    SUBSCRIPTION_ID,
)
from fusion_billing.decimals import MAX_DIGITS, parse_decimal, plain
from fusion_billing.errors import Fault, Refused
from fusion_billing.instants import parse_instant, sortable
from fusion_billing.metering.field_faults import (
    MAX_FAULTS_OF_A_KIND,
    MAX_RECORD_FAULTS,
    displayed_name,
    refuse,
    text_fault,
)
from fusion_billing.metering.properties import parse_properties
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.strict_json import Ambiguous, Number

_MAX_CACHED_INSTANTS = 2_000

_PLAIN_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{0,17}[1-9])?", re.ASCII)

# The same few windows come again and again, in a batch and from batch to batch.
_instants: dict[str, str] = {}


def parse(value: object, new_key: Callable[[], str], header_key: str | None = None) -> UsageRecord:
    """Return the usage record in a JSON value that `strict_json.loads` read.

    Args:
        value: The JSON value.
        new_key: Makes an idempotency key for a record without one.
        header_key: The request's `Idempotency-Key` header.

    Raises:
        Refused: with every fault found; a fault's field is the record's own (`quantity`, `properties.region`).
    """
    if not isinstance(value, dict):
        raise Refused([Fault("", "not_an_object", "must be a JSON object")])
    try:
        record = _record(value, header_key)
    except (KeyError, Refused):  # a required field is missing, or a field is invalid
        raise _refusal(value, header_key) from None
    if isinstance(value, Ambiguous) or not _FIELDS.issuperset(value):
        raise _refusal(value, header_key)
    if record.key_made:
        record.key = new_key()
    return record


def readable_key(value: object) -> str | None:
    """Return the idempotency key of a record that may be invalid otherwise, or None if it has no valid one."""
    key = value.get("idempotency_key") if isinstance(value, dict) else None
    return key if isinstance(key, str) and is_key(key) else None


def is_key(text: str) -> bool:
    """Return whether `text` can be an idempotency key; no record is stored under another."""
    return 1 <= len(text) <= MAX_IDEMPOTENCY_KEY and text.isprintable()


def _record(value: dict[str, Any], header_key: str | None) -> UsageRecord:
    """Return the usage record of an object; raises `KeyError` or `Refused` at the first fault."""
    start, end = _instant(value["period_start"], "period_start"), _instant(value["period_end"], "period_end")
    if end <= start:
        raise Refused([_EMPTY_WINDOW])
    quantity, number = _quantity(value["quantity"], "quantity")
    key = _key(value, header_key)
    record = UsageRecord(
        key=key or "",
        key_made=key is None,
        subscription=_subscription(value["subscription"], "subscription"),
        metric=_metric(value["metric"], "metric"),
        start=start,
        end=end,
        quantity=quantity,
        number=number,
    )
    for name in _OPTIONAL_NAMES.intersection(value):
        if value[name] is not None:
            setattr(record, name, _OPTIONAL[name](value[name], name))
    return record


def _refusal(value: dict[str, Any], header_key: str | None) -> Refused:
    """Return the refusal of an invalid record, every fault in it."""
    faults = _object_faults(value)
    unlisted = _unlisted(value)
    parsed: dict[str, Any] = {}
    for name, parse_field in (_REQUIRED | _OPTIONAL).items():
        if name in _REQUIRED and name not in value:
            faults.append(Fault(name, "missing", "is required"))
        elif name in _REQUIRED or value.get(name) is not None:
            try:
                parsed[name] = parse_field(value[name], name)
            except Refused as refused:
                faults += refused.faults
                unlisted += refused.total - len(refused.faults)
    if {"period_start", "period_end"} <= parsed.keys() and parsed["period_end"] <= parsed["period_start"]:
        faults.append(_EMPTY_WINDOW)
    try:
        _key(value, header_key)
    except Refused as refused:
        faults += refused.faults
    return Refused(faults[:MAX_RECORD_FAULTS], total=len(faults) + unlisted)


_EMPTY_WINDOW = Fault("period_end", "invalid_window", "must be later than period_start")


def _object_faults(value: dict[str, Any]) -> list[Fault]:
    faults = []
    if isinstance(value, Ambiguous):
        names = value.duplicates[:MAX_FAULTS_OF_A_KIND]
        faults += [Fault(displayed_name(name), "duplicate_key", "must not be given twice") for name in names]
    if not value.keys() <= _FIELDS:
        unknown = sorted(value.keys() - _FIELDS)[:MAX_FAULTS_OF_A_KIND]
        faults += [Fault(displayed_name(name), "unknown_field", "is not a field of a usage record") for name in unknown]
    return faults


def _unlisted(value: dict[str, Any]) -> int:
    """Return how many unknown and duplicate fields are not listed among the faults."""
    duplicates = len(value.duplicates) if isinstance(value, Ambiguous) else 0
    return sum(max(0, count - MAX_FAULTS_OF_A_KIND) for count in (len(value.keys() - _FIELDS), duplicates))


def _key(value: dict[str, Any], header_key: str | None) -> str | None:
    """Return the key of a record, from its body or the header; None if there is none."""
    key = value.get("idempotency_key", header_key)
    if isinstance(key, str) and is_key(key):
        if header_key is None or header_key == key:
            return key
        raise refuse("idempotency_key", "mismatch", "must equal the header Idempotency-Key")
    if key is None and "idempotency_key" not in value:
        return None
    fault = text_fault("idempotency_key", key, MAX_IDEMPOTENCY_KEY)
    raise Refused([] if fault is None else [fault])


# Each of these parses one field, or raises `Refused`.


def _instant(raw: object, field: str) -> str:
    known = _instants.get(raw) if isinstance(raw, str) else None
    if known is not None:
        return known
    parsed = sortable(parse_instant(raw, field))
    if not FIRST_YEAR <= int(parsed[:4]) <= LAST_YEAR:
        raise refuse(field, "out_of_range", f"must be in the years {FIRST_YEAR} to {LAST_YEAR} (UTC)")
    if len(_instants) >= _MAX_CACHED_INSTANTS:
        _instants.clear()
    _instants[str(raw)] = parsed
    return parsed


def _quantity(raw: object, field: str) -> tuple[Decimal, str]:
    """Return the quantity, and its plain text."""
    text = raw.text if isinstance(raw, Number) else raw
    if isinstance(text, str) and _PLAIN_NUMBER.fullmatch(text):
        return Decimal(text), text  # the usual form, which is also that of `plain`
    quantity = parse_decimal(raw, field)
    return quantity, plain(quantity)


def _subscription(raw: object, field: str) -> str:
    if isinstance(raw, str) and SUBSCRIPTION_ID.fullmatch(raw):
        return raw
    raise refuse(field, "invalid_identifier", ID_RULE)


def _metric(raw: object, field: str) -> str:
    if isinstance(raw, str) and CODE.fullmatch(raw):
        return raw
    raise refuse(field, "invalid_identifier", CODE_RULE)


def _sequence(raw: object, field: str) -> int:
    text = raw.text if isinstance(raw, Number) else raw
    digits = text.removeprefix("-") if isinstance(text, str) else ""
    if not (digits.isascii() and digits.isdigit()):
        raise refuse(field, "not_an_integer", "must be an integer")
    if digits != text:
        raise refuse(field, "negative", "must not be negative")
    if len(digits) > MAX_DIGITS:
        raise refuse(field, "too_many_digits", f"must have at most {MAX_DIGITS} digits")
    return int(digits)


def _member(raw: object, field: str) -> str:
    fault = text_fault(field, raw, MAX_MEMBER)
    if fault is not None:
        raise Refused([fault])
    return str(raw)


def _reason(raw: object, field: str) -> str:
    fault = text_fault(field, raw, MAX_REASON)
    if fault is not None:
        raise Refused([fault])
    return str(raw)


def _source(raw: object, field: str) -> str:
    if isinstance(raw, str) and SOURCE_ID.fullmatch(raw):
        return raw
    raise refuse(field, "invalid_identifier", ID_RULE)


_FieldParser = Callable[[object, str], object]

_REQUIRED: Final[dict[str, _FieldParser]] = {
    "period_start": _instant,
    "period_end": _instant,
    "quantity": _quantity,
    "subscription": _subscription,
    "metric": _metric,
}
_OPTIONAL: Final[dict[str, _FieldParser]] = {
    "sequence": _sequence,
    "member": _member,
    "properties": parse_properties,
    "reason": _reason,
    "source": _source,
}
_OPTIONAL_NAMES: Final = frozenset(_OPTIONAL)
_FIELDS: Final = frozenset({"idempotency_key", *_REQUIRED, *_OPTIONAL})
