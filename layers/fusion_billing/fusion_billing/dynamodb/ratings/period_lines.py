"""The order lines of a subscription's period, in one item: what each line is, and when the first of them is due.

A due line, an intent and a result then cost one write for all lines of an order. Each line has the attributes that a
rating's item has for a line (`line_...`), so that both are read by the same code, and a line can be moved onto its
rating's item as it is. The names of lines that were moved stay in the item: they never come back.

Every write names the revision that it read, so none is lost.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item, ItemView, binary, integer

if TYPE_CHECKING:
    from typing import Self

_FORMAT = 1
_LEVEL = 6
_WINDOW = -15
_MEMORY = 9
_DICTIONARY_1 = (
    '{"lines":{},"moved":["api_calls"@2026-11-01T00:00:00Z","line_error":{"S":"order_locked"},"line_message":{"S":"'
    '"line_plain":{"BOOL":true},"line_suffix":{"S":"--o--p"},"line_state":{"S":"waiting"},'
    '"line_intent":{"S":"{\\"version\\":1,\\"amount\\":\\"1.00\\",\\"digest\\":\\"\\",\\"order\\":1,'
    '\\"at\\":\\"2026-12-01T00:00:00Z\\"}"},"line_amount":{"S":"1.00"},"line_at":{"S":"2026-12-01T00:00:00.000000Z"},'
    '"line_digest":{"S":""},"line_form":{"S":"1 1.00 0"},"line_id":{"N":"1"},"line_order":{"N":"1"},'
    '"line_pk":{"S":"due#00"},"line_rated":{"N":"1"},"line_sent_at":{"S":"2026-12-01T00:00:00Z"},'
    '"line_state":{"S":"sent"},"line_state":{"S":"due"},"line_tries":{"N":"0"},"line_version":{"N":"1"}}}'
).encode("ascii")


class LineMoved(Exception):
    """The line is on its rating's item by now."""


@dataclass(frozen=True, slots=True)
class PeriodLines:
    """The lines of a partition of ratings, by the sort key of their ratings.

    `revision` is 0 if there is no item yet. `moved` are the lines that are on their ratings' items.
    """

    pk: str
    revision: int = 0
    lines: Mapping[str, Item] = field(default_factory=dict)
    moved: frozenset[str] = frozenset()

    @classmethod
    def of(cls, item: ItemView) -> "Self":
        """Return the lines in an item."""
        stored = json.loads(_unpacked(binary(item, "period_lines")))
        return cls(item["pk"]["S"], integer(item, "revision"), stored["lines"], frozenset(stored["moved"]))

    def line(self, name: str) -> Item | None:
        """Return the attributes of a line, or None if it was never due; raises `LineMoved`."""
        if name in self.moved:
            raise LineMoved(name)
        return self.lines.get(name)

    def changed(self, name: str, values: ItemView, removed: Iterable[str] = ()) -> "Self":
        """Return the lines after an update of one of them; raises `LineMoved`."""
        line = {**(self.line(name) or {}), **values}
        for attribute in removed:
            if attribute not in values:
                line.pop(attribute, None)
        return replace(self, lines={**self.lines, name: line})

    def without(self, name: str) -> "Self":
        """Return the lines after one of them was moved onto its rating's item."""
        lines = {other: line for other, line in self.lines.items() if other != name}
        return replace(self, lines=lines, moved=self.moved | {name})

    def values(self) -> Item:
        """Return the item's attributes, as its next revision."""
        due = sorted((line["line_at"]["S"], line["line_pk"]["S"]) for line in self.lines.values() if "line_pk" in line)
        stored = {"lines": self.lines, "moved": sorted(self.moved)}
        text = json.dumps(stored, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        values = {"period_lines": {"B": _packed(text)}, "revision": {"N": str(self.revision + 1)}}
        return {**values, "line_pk": {"S": due[0][1]}, "line_at": {"S": due[0][0]}} if due else values

    @property
    def key(self) -> Item:
        """Return the item's key."""
        return keys.primary(self.pk, keys.PERIOD_LINES)


def with_line(rating: Item, lines: PeriodLines | None) -> Item:
    """Return a rating's item with the attributes of its line.

    Raises `LineMoved` if the line was moved onto the rating's item after that was read.
    """
    if lines is None or has_own_line(rating):
        return rating
    line = lines.line(rating["sk"]["S"])
    return rating if line is None else {**rating, **line}


def has_own_line(rating: ItemView) -> bool:
    """Return whether a rating's line is on its own item: moved there, or stored by an earlier release."""
    return "line_state" in rating or "frozen" in rating


def is_period_lines(item: ItemView) -> bool:
    """Return whether an item of a partition of ratings holds lines, not a rating."""
    return bool(item["sk"]["S"] == keys.PERIOD_LINES)


def _packed(text: str) -> bytes:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, zdict=_DICTIONARY_1)
    return bytes([_FORMAT]) + compressor.compress(text.encode("utf-8")) + compressor.flush()


def _unpacked(packed: bytes) -> str:
    if packed[0] != _FORMAT:
        raise ValueError(f"lines are stored in format {packed[0]}, which this release can't read")
    decompressor = zlib.decompressobj(_WINDOW, zdict=_DICTIONARY_1)
    return (decompressor.decompress(packed[1:]) + decompressor.flush()).decode("utf-8")
