"""Subscriptions and their billing calendars."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fusion_billing.dynamodb.catalog.subscriptions import Listed, StoredSubscription
from fusion_billing.dynamodb.keys import list_shard
from fusion_billing.errors import VersionConflict


@dataclass
class FakeSubscriptions:
    """Subscriptions in memory; a write over another version than the stored one is a conflict."""

    items: dict[str, StoredSubscription] = field(default_factory=dict)

    def get(self, subscription: str) -> StoredSubscription | None:
        return self.items.get(subscription)

    def find(self, name: str) -> StoredSubscription | None:
        """Return the subscription with an id or an alias."""
        found = self.items.get(name)
        return found or next((stored for stored in self.items.values() if name in stored.aliases), None)

    def put(self, new: StoredSubscription, stored: StoredSubscription | None) -> None:
        current = self.items.get(new.id)
        if (current and current.version) != (stored and stored.version):
            raise VersionConflict("The subscription was written meanwhile")
        self.items[new.id] = new

    def listing(self, shard: int, after: str | None, limit: int) -> tuple[Sequence[Listed], str | None]:
        ids = sorted(id_ for id_ in self.items if list_shard(id_) == shard and (after is None or id_ > after))
        page = [self.items[id_] for id_ in ids[:limit]]
        listed = [Listed(stored.subscription, stored.origin, stored.version) for stored in page]
        return listed, page[-1].id if len(ids) > limit else None
