"""Split rating documents that are too large for one item: large fields are stored apart, in parts.

A rating grouped by a property with thousands of values has thousands of steps. An item holds 400 KB, and a
rating is read and written far more often than its steps are shown. So every field longer than `INLINE_BYTES` is
taken out, compressed and cut into parts. Steps leave one step behind, with their number and amount, so that an
order line can be made of the document alone.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fusion_billing.catalog.identifiers import MAX_STORED_BYTES
from fusion_billing.json_types import JsonMapping, JsonObject

INLINE_BYTES = 32 * 1024
"""Longer fields are stored in parts."""


_FOR_THE_LINE = frozenset({"names", "analytic_distribution"})
"""Fields that the order line is made of: they stay in the document."""


def canonical(document: object) -> str:
    """Return JSON text as it is stored: compact, with sorted keys."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def split(document: JsonMapping) -> tuple[JsonObject, JsonObject]:
    """Return a document without its large fields, and those fields; empty if it is small enough."""
    small, large = dict(document), {}
    for name, value in document.items():
        if name in _FOR_THE_LINE or not _is_large(value):
            continue
        if name == "corrects":
            large[name] = {"steps": value["steps"]}
            small[name] = {**value, "steps": _summary(value["steps"], value["amount"])}
            continue
        large[name] = value
        if name == "steps":
            small[name] = _summary(value, document["unrounded_amount"])
        else:
            del small[name]
    return small, large


def join(small: JsonMapping, large: JsonMapping) -> JsonObject:
    """Return the whole document."""
    whole = {**small, **large}
    if "corrects" in large:
        whole["corrects"] = {**small["corrects"], **large["corrects"]}
    return whole


def to_parts(large: Mapping[str, object]) -> list[bytes]:
    """Return the large fields as parts to store; empty if there are no large fields."""
    if not large:
        return []
    packed = zlib.compress(canonical(large).encode("utf-8"))
    return [packed[first : first + MAX_STORED_BYTES] for first in range(0, len(packed), MAX_STORED_BYTES)]


def from_parts(parts: Iterable[bytes]) -> JsonObject:
    """Return the large fields in stored parts."""
    read: dict[str, Any] = json.loads(zlib.decompress(b"".join(parts)))
    return read


def _is_large(value: object) -> bool:
    if not isinstance(value, list | dict | str):
        return False
    return len(canonical(value).encode("utf-8")) > INLINE_BYTES


def _summary(steps: Sequence[Mapping[str, Any]], amount: str) -> list[dict[str, str]]:
    description = f"{len(steps)} steps, kept with the rating"
    return [{"description": description, "units": "1", "unit_amount": amount, "amount": amount}]
