"""Define the types of a definition's fields: each checks a JSON value and names what is wrong by an error code."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from fusion_billing.catalog.identifiers import CODE, CODE_RULE, DATE, ID_RULE, MAX_TEXT, SUBSCRIPTION_ID
from fusion_billing.currencies import digits_of
from fusion_billing.decimals import parse_decimal, plain
from fusion_billing.errors import Refused
from fusion_billing.instants import parse_instant, rfc3339
from fusion_billing.strict_json import Number

Filled = TypeVar("Filled")

_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)


def as_error(refused: Refused) -> PydanticCustomError:
    """Return the first fault of `refused` as the error a pydantic validator raises."""
    fault = refused.faults[0]
    return PydanticCustomError(fault.code, fault.message)


def _amount(value: object) -> Decimal:
    try:
        return parse_decimal(value)
    except Refused as refused:
        raise as_error(refused) from None


def _positive(value: object) -> Decimal:
    number = _amount(value)
    if not number:
        raise PydanticCustomError("not_positive", "must be greater than zero")
    return number


def whole_number(value: object) -> int:
    """Return a JSON number as an int, for validators; strings and booleans are not integers."""
    if isinstance(value, Number) and _INTEGER.fullmatch(value.text):
        return int(value.text)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise PydanticCustomError("not_an_integer", "must be an integer")


def _count(value: object) -> int:
    number = whole_number(Number(value) if isinstance(value, str) else value)
    if number < 0:
        raise PydanticCustomError("negative", "must not be negative")
    return number


def _identifier(value: object) -> int:
    number = whole_number(value)
    if number < 1:
        raise PydanticCustomError("not_positive", "must be greater than zero")
    return number


def text(value: object) -> str:
    """Return a JSON string that is neither blank nor too long, for validators."""
    if not isinstance(value, str):
        raise PydanticCustomError("not_a_string", "must be a string")
    if not value.strip():
        raise PydanticCustomError("empty", "must not be empty")
    if len(value) > MAX_TEXT:
        raise PydanticCustomError("too_long", f"must have at most {MAX_TEXT} characters")
    return value


def _code(value: object) -> str:
    if not isinstance(value, str) or not CODE.fullmatch(value):
        raise PydanticCustomError("invalid_identifier", CODE_RULE)
    return value


def _subscription_id(value: object) -> str:
    if not isinstance(value, str) or not SUBSCRIPTION_ID.fullmatch(value):
        raise PydanticCustomError("invalid_identifier", ID_RULE)
    return value


def _currency(value: object) -> str:
    code = value.upper() if isinstance(value, str) and value.isascii() else ""
    try:
        digits_of(code)
    except Refused as refused:
        raise as_error(refused) from None
    return code


def _instant(value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, str) and DATE.fullmatch(value):
        value = f"{value}T00:00:00Z"
    try:
        return parse_instant(value)
    except Refused as refused:
        raise as_error(refused) from None


def filled(value: Filled) -> Filled:
    """Return a list or object that is not empty; runs after its entries were validated."""
    if not value:
        raise PydanticCustomError("empty", "must not be empty")
    return value


_SHOWN = {"type": "string", "pattern": r"^\d+(\.\d+)?$", "examples": ["12.5"]}
_TAKEN = {
    "type": ["string", "number"],
    "pattern": r"^\+?\d*\.?\d*([eE][+-]?\d+)?$",
    "minimum": 0,
    "examples": ["12.5"],
}
_PLAIN = (
    PlainSerializer(plain, return_type=str),
    WithJsonSchema(_TAKEN, mode="validation"),
    WithJsonSchema(_SHOWN, mode="serialization"),
)

Amount = Annotated[Decimal, PlainValidator(_amount), *_PLAIN]
"""A decimal of zero or more: up to 38 digits, never through a float, a plain string in JSON."""

Positive = Annotated[Decimal, PlainValidator(_positive), *_PLAIN]
"""A decimal greater than zero."""

Count = Annotated[int, PlainValidator(_count), WithJsonSchema({"type": "integer", "minimum": 0})]
Identifier = Annotated[int, PlainValidator(_identifier), WithJsonSchema({"type": "integer", "minimum": 1})]
"""The id of a record in Odoo."""

Text = Annotated[str, PlainValidator(text), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_TEXT})]
Code = Annotated[str, PlainValidator(_code), WithJsonSchema({"type": "string", "pattern": f"^{CODE.pattern}$"})]
SubscriptionId = Annotated[
    str,
    PlainValidator(_subscription_id),
    WithJsonSchema({"type": "string", "pattern": f"^{SUBSCRIPTION_ID.pattern}$"}),
]
Currency = Annotated[str, PlainValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})]
"""An ISO 4217 code; accepted in any case, stored in upper case."""

Instant = Annotated[
    datetime,
    PlainValidator(_instant),
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An aware UTC datetime; RFC 3339 in JSON. A date means its midnight in UTC."""
