"""JSON read strictly: numbers keep their digits, and what is doubtful is kept visible.

A batch must not fail for one bad record, so nothing inside it is refused here: a number stays the
text it was (NaN and Infinity too), and an object that names a key twice says so. Whoever validates the
object decides (`metering.parsing` per record, `definitions` for a whole body).
"""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from fusion_billing.errors import Fault, Refused


class Number(str):
    """The text of a JSON number, digit for digit; `NaN` and `Infinity` arrive as these too."""

    __slots__ = ()


class Ambiguous(dict[str, Any]):
    """A JSON object that named keys twice; which of the two was meant can't be known."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.duplicates = sorted(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else Ambiguous(pairs)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=Number, parse_int=Number, parse_constant=Number)


def loads(body: bytes | str) -> Any:
    """Return the value that `body` holds, its numbers as `Number`, doubtful objects as `Ambiguous`.

    Raises `Refused` with the code `malformed_json` where it is no JSON (or not UTF-8, or nested
    past what any body of ours has).
    """
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is not UTF-8, or nested too deeply"
        raise Refused([Fault("", "malformed_json", f"the body is no JSON: {reason}")], code="malformed_json") from None


def first_ambiguity(value: object) -> Fault | None:
    """Return a fault for an object in `value` that names a key twice, or None.

    Walks without recursion: a body may be nested deeper than Python calls can be.
    """
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Ambiguous):
            key = value.duplicates[0]
            return Fault(f"{path}.{key}" if path else key, "duplicate_key", "is named twice")
        children: Iterable[tuple[object, object]] = ()
        if isinstance(value, dict):
            children = value.items()
        elif isinstance(value, list):
            children = enumerate(value)
        waiting += [(f"{path}.{name}" if path else str(name), child) for name, child in children]
    return None
