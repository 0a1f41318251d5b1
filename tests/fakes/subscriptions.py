"""Subscriptions and their billing calendars."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fusion_billing.catalog.change import Change, ChangeEntry
from fusion_billing.catalog.stored_subscription import Listed, StoredSubscription
from fusion_billing.dynamodb.keys import list_shard
from fusion_billing.errors import AliasTaken, OrderTaken, VersionConflict


@dataclass
class FakeSubscriptions:
    """Subscriptions in memory; a write over another version than the stored one, or of a taken order, fails.

    `overtaken_by` runs before the next `get`, as another writer would.
    """

    items: dict[str, StoredSubscription] = field(default_factory=dict)
    writes: list[object] = field(default_factory=list)
    changes: dict[str, list[Change]] = field(default_factory=dict)
    overtaken_by: Callable[[], object] | None = None

    def get(self, subscription: str) -> StoredSubscription | None:
        if self.overtaken_by is not None:
            other, self.overtaken_by = self.overtaken_by, None
            other()
        return self.items.get(subscription)

    def find(self, name: str) -> StoredSubscription | None:
        """Return the subscription with an id or an alias."""
        found = self.items.get(name)
        return found or next((stored for stored in self.items.values() if name in stored.aliases), None)

    def alias_of(self, name: str) -> str | None:
        """Return the id of the subscription that has an alias."""
        return next((stored.id for stored in self.items.values() if name in stored.aliases), None)

    def of_order(self, odoo_order_id: int) -> str | None:
        """Return the id of the subscription that an Odoo order belongs to."""
        for stored in self.items.values():
            if odoo_order_id in {order.odoo_order_id for order in stored.chain}:
                return stored.id
        return None

    def put(
        self,
        new: StoredSubscription,
        stored: StoredSubscription | None,
        extra: Sequence[object] = (),
        change: Change | None = None,
    ) -> None:
        current = self.items.get(new.id)
        if (current and current.version) != (stored and stored.version):
            raise VersionConflict("The subscription was written meanwhile")
        for other in self.items.values():
            if other.id != new.id:
                self._check_apart(new, other)
        self.items[new.id] = new
        self.writes += extra
        if change is not None:
            self.changes.setdefault(new.id, []).append(change)

    def delete(self, stored: StoredSubscription, change: Change | None = None) -> None:
        if self.items[stored.id].version != stored.version:
            raise VersionConflict("The subscription was changed by another request: read it again")
        del self.items[stored.id]

    def plans_of(self, ids: Sequence[str]) -> dict[str, frozenset[str]]:
        return {id_: frozenset(change.plan for change in self.items[id_].plans) for id_ in ids}

    def history(self, subscription: str) -> list[ChangeEntry]:
        """Return the changes of a subscription, the newest first."""
        changes = self.changes.get(subscription, [])
        return [change.as_json(number) for number, change in enumerate(changes, 1)][::-1]

    @staticmethod
    def _check_apart(new: StoredSubscription, other: StoredSubscription) -> None:
        if {order.odoo_order_id for order in new.chain} & {order.odoo_order_id for order in other.chain}:
            raise OrderTaken("The order belongs to another subscription")
        for alias in new.aliases:
            if alias == other.id or alias in other.aliases:
                raise AliasTaken(alias)

    def listing(self, shard: int, after: str | None, limit: int) -> tuple[list[Listed], str | None]:
        ids = sorted(id_ for id_ in self.items if list_shard(id_) == shard and (after is None or id_ > after))
        page = [self.items[id_] for id_ in ids[:limit]]
        listed = [Listed(stored.subscription, stored.origin, stored.version) for stored in page]
        return listed, page[-1].id if len(ids) > limit else None


@dataclass
class FakeSubscriptionUse:
    """What subscriptions are used by: a metric that was counted, and the start of a period that was billed."""

    counted: dict[str, str] = field(default_factory=dict)
    billed: dict[str, datetime] = field(default_factory=dict)

    def metric_counted(self, subscription: str, metrics: Iterable[str]) -> str | None:
        return self.counted.get(subscription)

    def period_billed(self, subscription: str, starts: Iterable[datetime]) -> datetime | None:
        return self.billed.get(subscription)
