"""Change markers: which pairs changed in which hour."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zlib import crc32

from fusion_billing.billing.planning import hour_of
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.retry import Deadline


@dataclass
class FakeChangeMarkers:
    """Change markers in memory; `unwritable` are the names of pairs whose markers can't be written."""

    shards: int = 4
    hours: dict[datetime, set[str]] = field(default_factory=dict)
    unwritable: set[str] = field(default_factory=set)
    log: list[tuple[str, list[str]]] = field(default_factory=list)

    def mark(self, markers: Iterable[str], now: datetime, deadline: Deadline) -> set[str]:
        """Mark pairs as ingest does; return those that could not be marked."""
        requested = set(markers)
        self.log.append(("mark", sorted(name.removeprefix("!") for name in requested)))
        unwritten = {name for name in requested if name.removeprefix("!") in self.unwritable}
        self.hours.setdefault(hour_of(now), set()).update(requested - unwritten)
        return unwritten

    def change(self, pair: ChangedPair, hour: datetime) -> None:
        """Mark a pair as ingest does in an hour."""
        self.hours.setdefault(hour, set()).add(pair.name)

    def put(self, pair: ChangedPair, hour: datetime) -> None:
        self.hours.setdefault(hour, set()).add(f"!{pair.name}")

    def pages(
        self, hours: Sequence[datetime], shard: int, *, after: str | None = None, limit: int = 500
    ) -> Iterator[list[ChangedPair]]:
        marked = {name for hour in hours for name in self.hours.get(hour, ())}
        plain = sorted({name.removeprefix("!") for name in marked})
        rest = [name for name in plain if self._shard(name) == shard and (after is None or name > after)]
        for start in range(0, len(rest), limit):
            yield [
                ChangedPair.parse(f"!{name}" if f"!{name}" in marked else name) for name in rest[start : start + limit]
            ]

    def marked_shards(self, hours: Sequence[datetime]) -> set[int]:
        return {self._shard(name.removeprefix("!")) for hour in hours for name in self.hours.get(hour, ())}

    def names(self) -> list[str]:
        """Return the names of all pairs marked, in their order."""
        return sorted({name.removeprefix("!") for names in self.hours.values() for name in names})

    def _shard(self, name: str) -> int:
        return crc32(name.partition("#")[0].encode()) % self.shards


@dataclass
class FakeHourlyPairs:
    """The pairs that are rated hourly, in memory."""

    shards: int = 4
    pairs: dict[tuple[str, str], tuple[datetime, datetime]] = field(default_factory=dict)

    def of(self, shard: int, now: datetime) -> set[tuple[str, str]]:
        return {
            pair
            for pair, (since, until) in self.pairs.items()
            if crc32(pair[0].encode()) % self.shards == shard and since <= now < until
        }

    def put(self, subscription: str, metric: str, *, since: datetime, until: datetime) -> None:
        self.pairs[subscription, metric] = since, until
