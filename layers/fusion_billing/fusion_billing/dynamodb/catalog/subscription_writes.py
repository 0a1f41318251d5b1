"""Build the writes of a subscription: its item, its billing periods, and the guards of its orders and aliases."""

from dataclasses import dataclass
from typing import Any

from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Request
from fusion_billing.dynamodb.catalog import subscription_items as items

_IS_NEW = "attribute_not_exists(pk)"
_IS_THE_VERSION_READ = "version = :expected"
_ORDER_IS_FREE_OR_OURS = "attribute_not_exists(pk) OR subscription = :id"
_ORDER_IS_OURS = "subscription = :id"
_ALIAS_IS_FREE_OR_OURS = "attribute_not_exists(pk) OR alias_of = :id"
_ALIAS_IS_OURS = "alias_of = :id"


@dataclass(frozen=True, slots=True)
class Write:
    """A write of a transaction. `order` or `alias` says what is taken if its condition fails."""

    request: Request
    order: bool = False
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionWrites:
    """Builds writes for a table."""

    table: str

    def subscription(self, new: StoredSubscription, stored: StoredSubscription | None) -> list[Write]:
        """Return the write of the subscription itself, over the version `stored` (None: it is new)."""
        put: dict[str, Any] = {
            "TableName": self.table,
            "Item": items.write_subscription(new),
            "ConditionExpression": _IS_NEW if stored is None else _IS_THE_VERSION_READ,
        }
        if stored is not None:
            put["ExpressionAttributeValues"] = {":expected": {"N": str(stored.version)}}
        return [Write({"Put": put})]

    def periods(self, new: StoredSubscription, stored: StoredSubscription | None) -> list[Write]:
        """Return the writes of billing periods that are new or changed, and the deletions of those that are gone."""
        known = set(stored.calendar.known) if stored is not None else set()
        changed = [period for period in new.calendar.known if period not in known]
        starts = {period.start for period in new.calendar.known}
        gone = [period for period in known if period.start not in starts]
        return [
            *(Write({"Put": {"TableName": self.table, "Item": items.write_period(new.id, each)}}) for each in changed),
            *(
                Write({"Delete": {"TableName": self.table, "Key": keys.period_key(new.id, each.start)}})
                for each in gone
            ),
        ]

    def deletion(self, stored: StoredSubscription) -> Write:
        """Return the write that deletes the subscription itself, in the version read."""
        return Write(
            {
                "Delete": {
                    "TableName": self.table,
                    "Key": keys.subscription_key(stored.id),
                    "ConditionExpression": _IS_THE_VERSION_READ,
                    "ExpressionAttributeValues": {":expected": {"N": str(stored.version)}},
                }
            }
        )

    def releases(self, stored: StoredSubscription) -> list[Write]:
        """Return the writes that release all orders and aliases of a subscription."""
        orders = dict.fromkeys(order.odoo_order_id for order in stored.chain)
        return [
            *(Write(self._release(stored.id, order)) for order in orders),
            *(Write(self._release_alias(stored.id, alias)) for alias in stored.aliases),
        ]

    def orders(self, new: StoredSubscription, stored: StoredSubscription | None) -> list[Write]:
        """Return the writes that claim the orders of `new`, and release those that it no longer has."""
        running = new.subscription.odoo_order_id
        before = _order_ids(stored)
        claimed = [order for order in _order_ids(new) if order == running or order not in before]
        released = [order for order in before if order not in _order_ids(new)]
        return [
            *(Write(self._claim(new.id, order), order=True) for order in claimed),
            *(Write(self._release(new.id, order)) for order in released),
        ]

    def aliases(self, new: StoredSubscription, stored: StoredSubscription | None) -> list[Write]:
        """Return the writes that claim new and changed aliases, and release those that are gone."""
        before = stored.aliases if stored is not None and stored.is_current else ()
        writes = [
            Write(self._claim_alias(new, alias), alias=alias)
            for alias in new.aliases
            if alias not in before
            or stored is None
            or items.write_alias(stored, alias) != items.write_alias(new, alias)
        ]
        released = [alias for alias in before if alias not in new.aliases]
        return [*writes, *(Write(self._release_alias(new.id, alias)) for alias in released)]

    def _claim(self, subscription: str, odoo_order_id: int) -> dict[str, Any]:
        item = {**keys.order_key(odoo_order_id), "subscription": {"S": subscription}}
        return {"Put": self._ours(subscription, _ORDER_IS_FREE_OR_OURS) | {"Item": item}}

    def _release(self, subscription: str, odoo_order_id: int) -> dict[str, Any]:
        return {"Delete": self._ours(subscription, _ORDER_IS_OURS) | {"Key": keys.order_key(odoo_order_id)}}

    def _claim_alias(self, new: StoredSubscription, alias: str) -> dict[str, Any]:
        return {"Put": self._ours(new.id, _ALIAS_IS_FREE_OR_OURS) | {"Item": items.write_alias(new, alias)}}

    def _release_alias(self, subscription: str, alias: str) -> dict[str, Any]:
        return {"Delete": self._ours(subscription, _ALIAS_IS_OURS) | {"Key": keys.subscription_key(alias)}}

    def _ours(self, subscription: str, condition: str) -> dict[str, Any]:
        return {
            "TableName": self.table,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {":id": {"S": subscription}},
        }


def _order_ids(stored: StoredSubscription | None) -> tuple[int, ...]:
    if stored is None:
        return ()
    return tuple(dict.fromkeys((stored.subscription.odoo_order_id, *(o.odoo_order_id for o in stored.chain))))
