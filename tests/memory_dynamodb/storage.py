"""Tables: items by key, in order of their sort keys, and sparse indexes over them."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.memory_dynamodb.errors import Refusal, invalid
from tests.memory_dynamodb.values import Comparable, Item, comparable, kind_of, size_of

Key = tuple[Comparable, ...]
Entry = tuple[Key, Key]
"""Where an item stands in an index's partition: by its sort key, then by its own key."""

LARGEST_ITEM = 400 * 1024
_LONGEST_HASH, _LONGEST_RANGE = 2048, 1024


@dataclass(frozen=True, slots=True)
class Schema:
    """The names of a key's attributes, the sort key's last, and their types."""

    names: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def hash(self) -> str:
        """Return the partition key's name."""
        return self.names[0]

    @property
    def range(self) -> str | None:
        """Return the sort key's name."""
        return self.names[1] if len(self.names) > 1 else None


@dataclass(frozen=True, slots=True)
class Stored:
    """An item and its size."""

    item: Item
    size: int


class Index:
    """Entries in order, partition by partition; `projected` None projects all attributes."""

    def __init__(self, schema: Schema, projected: frozenset[str] | None) -> None:
        self.schema = schema
        self._projected = projected
        self._partitions: dict[Comparable, list[Entry]] = {}

    def entries(self, partition: Comparable) -> list[Entry]:
        """Return a partition's entries, in order; not to be changed."""
        return self._partitions.get(partition, [])

    def add(self, item: Item, key: Key) -> None:
        """Take an item in, where it has the index's attributes."""
        place = self._place(item)
        if place is not None:
            insort(self._partitions.setdefault(place[0], []), (place[1:], key))

    def remove(self, item: Item, key: Key) -> None:
        """Take an item out."""
        place = self._place(item)
        if place is not None:
            entries = self._partitions[place[0]]
            del entries[bisect_left(entries, (place[1:], key))]

    def snapshot(self) -> "Index":
        """Return the index as it is now."""
        made = Index(self.schema, self._projected)
        made._partitions = {partition: list(entries) for partition, entries in self._partitions.items()}
        return made

    def project(self, item: Item) -> Item:
        """Return what the index holds of an item."""
        if self._projected is None:
            return item
        return {name: value for name, value in item.items() if name in self._projected}

    def held(self, names: AbstractSet[str]) -> AbstractSet[str]:
        """Return those of the attributes that the index holds."""
        return names if self._projected is None else names & self._projected

    def check(self, item: Item) -> None:
        """Check that an item's attributes for the index are of its types, and not empty."""
        for name, kind in zip(self.schema.names, self.schema.types, strict=True):
            if name not in item:
                continue
            if kind_of(item[name]) != kind:
                raise invalid(
                    f"One or more parameter values were invalid: Type mismatch for Index Key {name} "
                    f"Expected: {kind} Actual: {kind_of(item[name])}"
                )
            if not item[name][kind]:
                raise invalid(
                    "One or more parameter values are not valid. A value specified for a secondary index key "
                    "is not supported: it cannot contain an empty string value."
                )

    def _place(self, item: Item) -> Key | None:
        try:
            return tuple([comparable(item[name]) for name in self.schema.names])
        except KeyError:
            return None


class Table:
    """One table."""

    def __init__(self, name: str, definition: Mapping[str, Any]) -> None:
        self.name = name
        self.created = datetime.now(UTC)
        types = {one["AttributeName"]: one["AttributeType"] for one in definition["AttributeDefinitions"]}
        self.schema = _schema(definition["KeySchema"], types)
        self.key_names = frozenset(self.schema.names)
        self.items: dict[Key, Stored] = {}
        self._primary = Index(self.schema, None)
        self.indexes: dict[str, Index] = {}
        for one in definition.get("GlobalSecondaryIndexes", ()):
            self.indexes[one["IndexName"]] = self._index(one, types)

    def _index(self, definition: Mapping[str, Any], types: Mapping[str, str]) -> Index:
        schema = _schema(definition["KeySchema"], types)
        projection = definition["Projection"]
        if projection["ProjectionType"] == "ALL":
            return Index(schema, None)
        names = {*self.schema.names, *schema.names, *projection.get("NonKeyAttributes", ())}
        return Index(schema, frozenset(names))

    def snapshot(self) -> "Table":
        """Return the table as it is now; stored items are replaced, never changed."""
        made = copy(self)
        made.items = dict(self.items)
        made._primary = self._primary.snapshot()
        made.indexes = {name: index.snapshot() for name, index in self.indexes.items()}
        return made

    def index(self, name: str | None) -> Index:
        """Return an index, the table's own order for None."""
        if name is None:
            return self._primary
        if name not in self.indexes:
            raise invalid(f"The table does not have the specified index: {name}")
        return self.indexes[name]

    def key_of(self, item: Mapping[str, Any], *, alone: bool = False) -> Key:
        """Return an item's key; `ValidationException` where it has none that is valid.

        `alone` says that `item` is a key, and may hold nothing else.
        """
        if alone and item.keys() != self.key_names:
            raise invalid("The provided key element does not match the schema")
        for name, kind in zip(self.schema.names, self.schema.types, strict=True):
            if name not in item:
                raise invalid(f"One or more parameter values were invalid: Missing the key {name} in the item")
            value = item[name]
            if kind not in value:
                if alone:
                    raise invalid("The provided key element does not match the schema")
                raise invalid(
                    f"One or more parameter values were invalid: Type mismatch for key {name} expected: "
                    f"{kind} actual: {kind_of(value)}"
                )
            _check_key(name, value[kind], is_hash=name == self.schema.hash)
        return tuple([comparable(item[name]) for name in self.schema.names])

    def check(self, item: Item) -> int:
        """Check an item that is to be stored; return its size."""
        for index in self.indexes.values():
            index.check(item)
        size = size_of(item)
        if size > LARGEST_ITEM:
            raise invalid("Item size has exceeded the maximum allowed size")
        return size

    def get(self, key: Key) -> Item | None:
        """Return the item under a key."""
        stored = self.items.get(key)
        return None if stored is None else stored.item

    def put(self, key: Key, item: Item, size: int) -> None:
        """Store an item that was checked."""
        self.remove(key)
        self.items[key] = Stored(item, size)
        for index in (self._primary, *self.indexes.values()):
            index.add(item, key)

    def remove(self, key: Key) -> None:
        """Take an item away, if it is there."""
        stored = self.items.pop(key, None)
        if stored is not None:
            for index in (self._primary, *self.indexes.values()):
                index.remove(stored.item, key)


@dataclass(frozen=True, slots=True)
class Range:
    """Sort keys from `low` to `high`, each with whether it is included; None is without a bound."""

    low: Comparable | None = None
    high: Comparable | None = None
    low_included: bool = True
    high_included: bool = True

    def within(self, entries: Sequence[Entry]) -> tuple[int, int]:
        """Return the places of the first entry in range, and after the last."""
        first, last = 0, len(entries)
        if self.low is not None:
            find = bisect_left if self.low_included else bisect_right
            first = find(entries, (self.low,), key=_sort_key)
        if self.high is not None:
            find = bisect_right if self.high_included else bisect_left
            last = find(entries, (self.high,), key=_sort_key)
        return first, max(first, last)

    def ends_at(self, entry: Entry, *, forward: bool) -> bool:
        """Tell whether a unique sort key is the bound itself, so that nothing can follow it."""
        bound = self.high if forward else self.low
        included = self.high_included if forward else self.low_included
        return bound is not None and self.low != self.high and included and entry[0] == (bound,)


def walk(entries: Sequence[Entry], bounds: Range, after: Entry | None, *, forward: bool) -> Iterator[Entry]:
    """Yield the entries in range, in order or backwards, from past `after` on."""
    first, last = bounds.within(entries)
    if forward:
        if after is not None:
            first = max(first, bisect_right(entries, after))
        yield from entries[first:last]
    else:
        if after is not None:
            last = min(last, bisect_left(entries, after))
        yield from reversed(entries[first:last])


def _sort_key(entry: Entry) -> Any:
    return entry[0]


def _schema(keys: Sequence[Mapping[str, str]], types: Mapping[str, str]) -> Schema:
    ordered = sorted(keys, key=lambda one: one["KeyType"])  # HASH, RANGE
    names = tuple(one["AttributeName"] for one in ordered)
    return Schema(names, tuple(types[name] for name in names))


def _check_key(name: str, content: Any, *, is_hash: bool) -> None:
    if content in ("", b""):
        raise invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
            f"contain an empty string value. Key: {name}"
        )
    length = len(content.encode()) if isinstance(content, str) else len(content)
    longest = _LONGEST_HASH if is_hash else _LONGEST_RANGE
    if length > longest:
        which = "hashkey" if is_hash else "aggregated size of all range keys"
        raise invalid(
            f"One or more parameter values were invalid: Size of {which} has exceeded the maximum size "
            f"limit of {longest} bytes"
        )


def no_table() -> Refusal:
    """Return that there is no such table."""
    return Refusal("ResourceNotFoundException", "Cannot do operations on a non-existent table")
