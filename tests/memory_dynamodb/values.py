"""Attribute values: checked and brought into one form as they come in, compared, measured, copied."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from tests.memory_dynamodb.errors import invalid

Value = dict[str, Any]
"""One attribute value, `{"S": "text"}`; never changed once it is stored."""

Item = dict[str, Value]
Comparable = str | Decimal | bytes

_MOST_DIGITS = 38
_LARGEST_EXPONENT, _SMALLEST_EXPONENT = 125, -130
_MOST_LEVELS = 32
ORDERED = frozenset({"S", "N", "B"})
SETS = {"SS": "S", "NS": "N", "BS": "B"}


def normalised(value: Mapping[str, Any], level: int = 0) -> Value:
    """Return a value as it is stored: numbers in one form, sets in order; refuse what is none."""
    if len(value) != 1:
        raise invalid(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
            if not value
            else "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
            "supported datatypes"
        )
    [(kind, content)] = value.items()
    if kind == "S":
        return {"S": _text(content)}
    if kind == "N":
        return {"N": number_text(_text(content))}
    if kind == "B":
        return {"B": _bytes(content)}
    if kind == "BOOL":
        return {"BOOL": bool(content)}
    if kind == "NULL":
        if content is not True:
            raise invalid("One or more parameter values were invalid: Null attribute value types must be true")
        return {"NULL": True}
    if level >= _MOST_LEVELS:
        raise invalid("Nesting Levels have exceeded supported limits")
    if kind == "L":
        return {"L": [normalised(one, level + 1) for one in content]}
    if kind == "M":
        return {"M": {_text(name): normalised(one, level + 1) for name, one in content.items()}}
    if kind in SETS:
        return {kind: _set(kind, content)}
    raise invalid(f"Supplied AttributeValue has an unknown datatype: {kind}")


def _text(content: object) -> str:
    if not isinstance(content, str):
        raise invalid("a text was expected")
    return content


def _bytes(content: object) -> bytes:
    if isinstance(content, str):
        return content.encode()
    if not isinstance(content, bytes | bytearray):
        raise invalid("bytes were expected")
    return bytes(content)


def _set(kind: str, content: list[Any]) -> list[Any]:
    if not content:
        raise invalid(
            "One or more parameter values were invalid: An "
            + {"SS": "string", "NS": "number", "BS": "binary"}[kind]
            + " set  may not be empty"
        )
    if kind == "NS":
        members: list[Any] = sorted({number_text(one) for one in content}, key=Decimal)
    else:
        members = sorted({_text(one) if kind == "SS" else _bytes(one) for one in content})
    if len(members) != len(content):
        raise invalid("One or more parameter values were invalid: Input collection contains duplicates.")
    return members


@lru_cache(65_536)
def number_text(text: str) -> str:
    """Return a number in the one form that DynamoDB answers it in."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}") from None
    if not number.is_finite() or "_" in text or text != text.strip():
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}")
    return plain(number)


def plain(number: Decimal) -> str:
    """Return a number's text; `ValidationException` where it has too many digits or is out of range."""
    if number.is_zero():
        return "0"
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    end = len(digits)
    while digits[end - 1] == 0:
        end -= 1
    exponent += len(digits) - end
    digits = digits[:end]
    if len(digits) > _MOST_DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    largest = exponent + len(digits) - 1
    if largest > _LARGEST_EXPONENT:
        raise invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if largest < _SMALLEST_EXPONENT:
        raise invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    return format(Decimal((sign, digits, exponent)), "f")


def kind_of(value: Mapping[str, Any]) -> str:
    """Return a value's type, `S`."""
    return next(iter(value))


def comparable(value: Mapping[str, Any]) -> Comparable:
    """Return what an ordered value (`S`, `N`, `B`) is compared by."""
    [(kind, content)] = value.items()
    if kind == "N":
        return _number(content)
    result: Comparable = content
    return result


@lru_cache(65_536)
def _number(text: str) -> Decimal:
    return Decimal(text)


def size_of(item: Mapping[str, Value]) -> int:
    """Return an item's size in bytes, as DynamoDB's documentation counts it."""
    return sum(_length(name) + value_size(value) for name, value in item.items())


def value_size(value: Mapping[str, Any]) -> int:
    """Return a value's size in bytes."""
    [(kind, content)] = value.items()
    if kind == "S":
        return _length(content)
    if kind == "N":
        return _number_size(content)
    if kind == "B":
        return len(content)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "L":
        return 3 + sum(1 + value_size(one) for one in content)
    if kind == "M":
        return 3 + sum(1 + _length(name) + value_size(one) for name, one in content.items())
    return sum(value_size({SETS[kind]: one}) for one in content)


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _number_size(text: str) -> int:
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def copied(value: Any) -> Any:
    """Return a copy of an item or value that a caller may change."""
    if isinstance(value, dict):
        return {name: copied(one) for name, one in value.items()}
    if isinstance(value, list):
        return [copied(one) for one in value]
    return value
