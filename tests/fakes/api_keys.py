"""Sources and their API keys."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from fusion_billing.access.stored_key import Source, StoredKey
from fusion_billing.errors import NotFound


@dataclass
class FakeApiKeys:
    """API keys in memory; `reads` counts how often each was read."""

    items: dict[str, StoredKey] = field(default_factory=dict)
    reads: Counter[str] = field(default_factory=Counter)

    def get(self, key_id: str) -> StoredKey | None:
        self.reads[key_id] += 1
        return self.items.get(key_id)

    def create(self, key_id: str, key: StoredKey, source_version: int = 1, also: Sequence[object] = ()) -> None:
        del source_version
        self.items[key_id] = key

    def revoke(self, key_id: str, now: datetime, also: Sequence[object] = ()) -> None:
        if key_id not in self.items:
            raise NotFound("Unknown key")
        del self.items[key_id]


@dataclass
class FakeKeyUses:
    """The days on which keys were last used, in memory."""

    days: dict[str, date] = field(default_factory=dict)

    def note(self, key_id: str, now: datetime) -> None:
        self.days[key_id] = now.date()

    def last_day(self, key_id: str) -> date | None:
        return self.days.get(key_id)


@dataclass
class FakeSources:
    """Sources in memory."""

    items: dict[str, Source] = field(default_factory=dict)

    def get(self, source_id: str) -> Source | None:
        return self.items.get(source_id)

    def create(self, source: Source, also: Sequence[object] = ()) -> None:
        self.items[source.id] = source

    def unchanged(self, source: Source) -> object:
        return source.version

    def apply(self, source: Source, also: Sequence[object] = ()) -> None:
        self.items[source.id] = replace(source, version=source.version + 1)

    def listing(self, after: str | None, limit: int) -> tuple[list[Source], str | None]:
        ids = sorted(id_ for id_ in self.items if after is None or id_ > after)
        return [self.items[id_] for id_ in ids[:limit]], ids[limit - 1] if len(ids) > limit else None
