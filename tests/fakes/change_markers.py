"""Change markers: which pairs changed in which hour."""

from collections.abc import Iterable, Iterator
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
        self.log.append(("mark", sorted(requested)))
        self.hours.setdefault(hour_of(now), set()).update(requested - self.unwritable)
        return requested & self.unwritable

    def put(self, pair: ChangedPair, hour: datetime) -> None:
        self.hours.setdefault(hour, set()).add(pair.name)

    def pages(
        self, hour: datetime, shard: int, *, after: str | None = None, limit: int = 500
    ) -> Iterator[list[ChangedPair]]:
        names = sorted(name for name in self.hours.get(hour, ()) if self._shard(name) == shard)
        rest = [name for name in names if after is None or name > after]
        for start in range(0, len(rest), limit):
            yield [ChangedPair(*name.split("#")) for name in rest[start : start + limit]]

    def names(self) -> list[str]:
        """Return the names of all pairs marked, in their order."""
        return sorted({name for names in self.hours.values() for name in names})

    def _shard(self, name: str) -> int:
        return crc32(name.partition("#")[0].encode()) % self.shards
