"""Group orders by the subscription that they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fusion_billing.application.ports import Subscriptions
from fusion_billing.odoo.chains import Owner, owner_of
from fusion_billing.odoo.subscriptions import Reader, ReadSubscription


@dataclass(frozen=True, slots=True)
class OrderGroup:
    """The orders of a subscription (`members`), those that are on the page, and all orders that were read."""

    owner: Owner
    rows: Mapping[int, ReadSubscription]
    of_page: list[ReadSubscription]
    members: list[ReadSubscription]


def grouped(store: Subscriptions, reader: Reader, page: Sequence[ReadSubscription]) -> list[OrderGroup]:
    """Return a page's orders grouped by subscription, each group with all other orders of its subscription."""
    rows = reader.family(page)
    owned = _Owners(store, rows)
    stored = {owner_of(row.order, rows, owned).subscription for row in page}
    besides = [order for id_ in sorted(stored) for order in owned.orders(id_) if order not in rows]
    if besides:
        rows = reader.family(rows.values(), besides)
    owners = {order: owner_of(order, rows, owned) for order in rows}
    groups = {owners[row.order].subscription: OrderGroup(owners[row.order], rows, [], []) for row in page}
    for row in page:
        groups[owners[row.order].subscription].of_page.append(row)
    for order, owner in owners.items():
        if owner.subscription in groups:
            groups[owner.subscription].members.append(rows[order])
    return list(groups.values())


class _Owners:
    """The stored subscription of each order, read once."""

    def __init__(self, store: Subscriptions, rows: Mapping[int, ReadSubscription]) -> None:
        self._store = store
        self._rows = rows
        self._owners: dict[int, str | None] = {}

    def __call__(self, order: int) -> str | None:
        if order not in self._owners:
            self._owners[order] = self._store.of_order(order)
        return self._owners[order]

    def orders(self, subscription: str) -> list[int]:
        """Return the orders of a stored subscription that has several."""
        stored = self._store.get(subscription)
        return [order.odoo_order_id for order in stored.orders] if stored is not None else []
