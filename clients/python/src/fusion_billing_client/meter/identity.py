"""What is counted: the identity of a usage record, its validation and its idempotency key."""

import hashlib
import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, Literal, NamedTuple

from fusion_billing_client.errors import InvalidUsageError

Quantity = int | Decimal | str
"""What can be counted: a whole number, a `Decimal`, or a decimal as text."""

Kind = Literal["count", "last", "max", "min", "unique"]

_SUBSCRIPTION: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_METRIC: Final = re.compile(r"[a-z0-9_.-]{1,64}", re.ASCII)
_MOST_PROPERTIES, _MOST_PROPERTIES_BYTES = 32, 4096
_LONGEST_NAME, _LONGEST_VALUE, _LONGEST_MEMBER = 64, 256, 256
_MOST_DIGITS: Final = 38
_PLAIN: Final = re.compile(r"\d{1,38}(\.\d{1,37})?", re.ASCII)


class Identity(NamedTuple):
    """One usage record of the ledger: what is counted in which window."""

    kind: Kind
    subscription: str
    metric: str
    start: str
    end: str
    properties: str = ""
    member: str | None = None

    def key(self, instance: str) -> str:
        """Return the idempotency key: the ledger's own, but for members, which every ledger counts alike."""
        where = f"{self.subscription}:{self.metric}:{self.start}"
        if self.kind == "unique":
            return f"meter:unique:{where}:{_digest(self.end, self.properties, self.member or '')}"
        return f"meter:{instance}:{where}:{_digest(self.kind, self.end, self.properties)}"


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def check_names(subscription: object, metric: object) -> None:
    """Raise `InvalidUsageError` unless both can be identifiers."""
    if not isinstance(subscription, str) or not _SUBSCRIPTION.fullmatch(subscription):
        raise InvalidUsageError("subscription", "must be 1 to 64 of A-Z, a-z, 0-9, '.', '_', ':' and '-', as a string")
    if not isinstance(metric, str) or not _METRIC.fullmatch(metric):
        raise InvalidUsageError("metric", "must be 1 to 64 of a-z, 0-9, '_', '.' and '-', as a string")


def properties_text(properties: Mapping[str, object]) -> str:
    """Return properties as canonical JSON, empty if there are none; raises `InvalidUsageError`."""
    if not properties:
        return ""
    if len(properties) > _MOST_PROPERTIES:
        raise InvalidUsageError("properties", f"must be at most {_MOST_PROPERTIES}")
    for name, value in properties.items():
        if not isinstance(value, str):
            raise InvalidUsageError(f"properties.{name}", f"must be a string, not {type(value).__name__}")
        if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
            raise InvalidUsageError("properties", f"names must have 1 to {_LONGEST_NAME} printable characters")
        if len(value) > _LONGEST_VALUE or not value.isprintable():
            message = f"must have at most {_LONGEST_VALUE} printable characters"
            raise InvalidUsageError(f"properties.{name}", message)
    text = json.dumps(properties, sort_keys=True, separators=(",", ":"))
    if len(json.dumps(properties, ensure_ascii=False).encode()) > _MOST_PROPERTIES_BYTES:
        raise InvalidUsageError("properties", f"must be at most {_MOST_PROPERTIES_BYTES} bytes")
    return text


def check_member(member: object) -> str:
    """Return the member; raises `InvalidUsageError`."""
    if not isinstance(member, str) or not 1 <= len(member) <= _LONGEST_MEMBER or not member.isprintable():
        raise InvalidUsageError("member", f"must be a string of 1 to {_LONGEST_MEMBER} printable characters")
    return member


def quantity_text(value: object, field: str) -> str:
    """Return a quantity as plain text; raises `InvalidUsageError`."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        fix = f": pass Decimal({str(value)!r})" if isinstance(value, float) else ""
        raise InvalidUsageError(
            field, f"must be an int, a Decimal or a decimal string, not {type(value).__name__}{fix}"
        )
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise InvalidUsageError(field, "must be a decimal number such as '12.5'") from None
    if not number.is_finite():
        raise InvalidUsageError(field, "must be finite")
    if number < 0:
        raise InvalidUsageError(field, "must not be negative")
    text = format(number, "f") if abs(int(number.as_tuple().exponent)) <= _MOST_DIGITS else ""
    if not _PLAIN.fullmatch(text) or len(text.replace(".", "")) > _MOST_DIGITS:
        raise InvalidUsageError(field, f"must have at most {_MOST_DIGITS} digits")
    return text
