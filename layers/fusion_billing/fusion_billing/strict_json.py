"""Read JSON strictly: numbers keep their digits, and an object that repeats a key says so.

Nothing inside a body is refused here, because one bad usage record must not fail its batch. Whoever validates the
object decides: `metering.parsing` for each record, `catalog.validation` for a whole body.
"""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from fusion_billing.errors import Fault, Refused
from fusion_billing.json_types import JsonValue


class Number:
    """A JSON number, digit for digit; `NaN` and `Infinity` arrive as these too.

    It is neither a string nor an int, so no check for one of these accepts it by accident. Do not change `text`:
    equal numbers have equal hashes.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.text == other.text

    def __hash__(self) -> int:
        return hash((Number, self.text))

    def __repr__(self) -> str:
        return f"Number({self.text!r})"


class Ambiguous(dict[str, Any]):
    """A JSON object that repeats a key: which of the values was meant can't be known."""

    def __init__(self, pairs: list[tuple[str, JsonValue]]) -> None:
        super().__init__(pairs)
        self.duplicates = sorted(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else Ambiguous(pairs)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=Number, parse_int=Number, parse_constant=Number)


def loads(body: bytes | str) -> JsonValue:
    """Return the value of a JSON text, its numbers as `Number`, objects that repeat a key as `Ambiguous`.

    Raises:
        Refused: with the code `malformed_json`, if `body` is not JSON, not UTF-8, or nested too deeply to be read.
    """
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "not UTF-8, or nested too deeply"
        message = f"Request body is not valid JSON: {reason}"
        raise Refused([Fault("", "malformed_json", message)], code="malformed_json") from None


def first_ambiguity(value: object) -> Fault | None:
    """Return a fault for an object in `value` that repeats a key, or None.

    Walks without recursion, because a body may be nested deeper than Python calls can be.
    """
    pending: list[tuple[str, object]] = [("", value)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, Ambiguous):
            key = value.duplicates[0]
            return Fault(f"{path}.{key}" if path else key, "duplicate_key", "must not be given twice")
        children: Iterable[tuple[object, object]] = ()
        if isinstance(value, dict):
            children = value.items()
        elif isinstance(value, list):
            children = enumerate(value)
        pending += [(f"{path}.{name}" if path else str(name), child) for name, child in children]
    return None
