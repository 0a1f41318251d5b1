"""Subscriptions, their billing periods, and the guards that keep an order or an alias one subscription's.

All of one subscription lies in one partition (docs/data-model.md, Catalogue) and is read by one query; it is
written by one transaction, under the version read. `application.save_subscription` decides what to write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.catalog.change import Change
from fusion_billing.catalog.identifiers import is_subscription_id
from fusion_billing.catalog.stored_subscription import Listed, StoredSubscription
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.catalog import subscription_items as items
from fusion_billing.dynamodb.catalog.definition_history import DefinitionHistory
from fusion_billing.dynamodb.errors import cancelled_by_condition, reasons, unavailable_when_transient
from fusion_billing.errors import AliasTaken, OrderTaken, Unavailable, VersionConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIST_SHARDS = keys.LIST_SHARDS

_IS_NEW = "attribute_not_exists(pk)"
_IS_THE_VERSION_READ = "version = :expected"
_ORDER_IS_FREE_OR_OURS = "attribute_not_exists(pk) OR subscription = :id"
_ORDER_IS_OURS = "subscription = :id"
_ALIAS_IS_FREE_OR_OURS = "attribute_not_exists(pk) OR alias_of = :id"
_ALIAS_IS_OURS = "alias_of = :id"

_MOST_WRITES = 100
_MOST_RELEASED = 60


class SubscriptionStore:
    """Reads and writes subscriptions; `get` is of the state as it is now, lists may be a moment behind."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._history = DefinitionHistory(client, table)

    def get(self, subscription: str) -> StoredSubscription | None:
        """Return the subscription of that id with its periods, or None; raises `Unavailable`."""
        found = self._named(subscription)
        return None if isinstance(found, str) else found

    def find(self, name: str) -> StoredSubscription | None:
        """Return the subscription of that id or alias, or None; raises `Unavailable`."""
        found = self._named(name)
        return self.get(found) if isinstance(found, str) else found

    def alias_of(self, name: str) -> str | None:
        """Return the id of the subscription that `name` is an alias of, or None; raises `Unavailable`."""
        found = self._named(name)
        return found if isinstance(found, str) else None

    def _named(self, name: str) -> StoredSubscription | str | None:
        found = self._partition(name)
        item = found.pop(keys.SUBSCRIPTION_SORT_KEY, None)
        if item is None:
            return None
        if "alias_of" in item:
            alias_of: str = item["alias_of"]["S"]
            return alias_of
        return StoredSubscription(
            subscription=items.read_subscription(item),
            calendar=items.read_calendar(item, found.values()),
            origin=item["origin"]["S"],
            version=int(item["version"]["N"]),
            stopped=items.instant(item, "stopped"),
            orders=items.read_orders(item),
            plan_history=items.read_plan_history(item),
            order_aliases=items.read_order_aliases(item),
            is_current="starts" in item,
        )

    def history(self, subscription: str) -> list[dict[str, Any]]:
        """Return the newest changes of a subscription, the newest first; raises `Unavailable`."""
        return self._history.newest("SUBSCRIPTION", subscription)

    def of_order(self, odoo_order_id: int) -> str | None:
        """Return the id of the subscription that an order is, or None."""
        with unavailable_when_transient():
            answer = self._client.get_item(
                TableName=self._table, Key=keys.order_key(odoo_order_id), ConsistentRead=True
            )
        item = answer.get("Item")
        return item["subscription"]["S"] if item else None

    def listing(self, shard: int, after: str | None, limit: int) -> tuple[list[Listed], str | None]:
        """Return a page of one shard's subscriptions by id, and after which id the next one begins."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "listing",
            "KeyConditionExpression": "list_pk = :shard",
            "ExpressionAttributeValues": {":shard": {"S": keys.list_partition(shard)}},
            "Limit": limit,
        }
        if after is not None:
            request["ExclusiveStartKey"] = keys.list_position(shard, after)
        with unavailable_when_transient():
            answer = self._client.query(**request)
        last = answer.get("LastEvaluatedKey")
        page = [
            Listed(items.read_subscription(item), item["origin"]["S"], int(item["version"]["N"]))  # type: ignore[arg-type]
            for item in answer["Items"]
        ]
        return page, last["list_sk"]["S"] if last else None

    def plans_of(self, ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return by id which plans each subscription was ever on, of those (at most 100) that changed theirs.

        Raises `Unavailable`.
        """
        found: dict[str, frozenset[str]] = {}
        pending: list[Any] = [keys.subscription_key(id_) for id_ in ids]
        while pending:
            request: Any = {"Keys": pending, "ProjectionExpression": "pk, plans", "ConsistentRead": True}
            with unavailable_when_transient():
                answer: Any = self._client.batch_get_item(RequestItems={self._table: request})
            for item in answer["Responses"].get(self._table, []):
                if plans := items.read_plan_history(item):
                    found[keys.parse_subscription_partition(item["pk"]["S"])] = frozenset(each.plan for each in plans)
            pending = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return found

    def put(
        self,
        new: StoredSubscription,
        stored: StoredSubscription | None,
        extra: Sequence[Any] = (),
        change: Change | None = None,
    ) -> None:
        """Write `new` over `stored` (None: there was none), with `extra` writes, all or nothing.

        `change` is kept in its history.
        `new.version` is one more than `stored.version`, or the same where only the item's form changes. Only
        periods, orders and aliases that differ are written. Raises `VersionConflict` where it was written since,
        `OrderTaken` and `AliasTaken` where an order or an alias is another's, and `Unavailable`.
        """
        item = items.write_subscription(new)
        writes = [_Write(self._put(item, _IS_NEW if stored is None else _IS_THE_VERSION_READ, stored))]
        writes += self._order_writes(new, stored)
        aliases = self._alias_writes(new, stored)
        known = set(stored.calendar.known) if stored is not None else set()
        periods = [period for period in new.calendar.known if period not in known]
        starts = {period.start for period in new.calendar.known}
        writes += [
            _Write({"Put": {"TableName": self._table, "Item": items.write_period(new.id, period)}})
            for period in periods
        ]
        writes += [
            _Write({"Delete": {"TableName": self._table, "Key": keys.period_key(new.id, period.start)}})
            for period in known
            if period.start not in starts
        ]
        writes += [_Write(each) for each in extra]
        writes += self._entry(new, change)
        if len(writes) + len(aliases) > _MOST_WRITES:
            # Many listeners and many aliases: those first. Cut short, the next save writes them again.
            self._transact(aliases)
            aliases = []
        self._transact([*writes, *aliases])

    def delete(self, stored: StoredSubscription, change: Change | None = None) -> None:
        """Delete a subscription in the version read, its periods, its guards and its aliases.

        Raises `VersionConflict` and `Unavailable`. Whoever calls it has seen that nothing was billed on it.
        """
        periods = [keys.period_key(stored.id, period.start) for period in stored.calendar.known]
        subscription = {
            "Delete": {
                "TableName": self._table,
                "Key": keys.subscription_key(stored.id),
                "ConditionExpression": _IS_THE_VERSION_READ,
                "ExpressionAttributeValues": {":expected": {"N": str(stored.version)}},
            }
        }
        orders = dict.fromkeys(order.odoo_order_id for order in stored.chain)
        releases = [_Write(self._release(stored.id, order)) for order in orders]
        releases += [_Write(self._release_alias(stored.id, alias)) for alias in stored.aliases]
        early, releases = releases[:-_MOST_RELEASED], releases[-_MOST_RELEASED:]
        entry = self._entry(stored, change)
        room = _MOST_WRITES - 1 - len(releases) - len(entry)
        # The oldest first, and what names the subscription last: cut short, it can be deleted again.
        for key in periods[:-room]:
            with unavailable_when_transient():
                self._client.delete_item(TableName=self._table, Key=key)
        if early:
            self._transact(early)
        rest = [_Write({"Delete": {"TableName": self._table, "Key": key}}) for key in periods[-room:]]
        self._transact([_Write(subscription), *releases, *rest, *entry])

    def _entry(self, written: StoredSubscription, change: Change | None) -> "list[_Write]":
        if change is None:
            return []
        return [_Write(self._history.write("SUBSCRIPTION", written.id, written.version, change))]

    def _put(self, item: dict[str, Any], condition: str, stored: StoredSubscription | None) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self._table, "Item": item, "ConditionExpression": condition}
        if stored is not None:
            put["ExpressionAttributeValues"] = {":expected": {"N": str(stored.version)}}
        return {"Put": put}

    def _order_writes(self, new: StoredSubscription, stored: StoredSubscription | None) -> "list[_Write]":
        running = new.subscription.odoo_order_id
        before = _order_ids(stored)
        claimed = [order for order in _order_ids(new) if order == running or order not in before]
        released = [order for order in before if order not in _order_ids(new)]
        return [
            *(_Write(self._claim(new.id, order), order=True) for order in claimed),
            *(_Write(self._release(new.id, order)) for order in released),
        ]

    def _alias_writes(self, new: StoredSubscription, stored: StoredSubscription | None) -> "list[_Write]":
        before = stored.aliases if stored is not None and stored.is_current else ()
        writes = [
            _Write(self._claim_alias(new, alias), alias=alias)
            for alias in new.aliases
            if alias not in before
            or stored is None
            or items.write_alias(stored, alias) != items.write_alias(new, alias)
        ]
        released = [alias for alias in before if alias not in new.aliases]
        return [*writes, *(_Write(self._release_alias(new.id, alias)) for alias in released)]

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
            "TableName": self._table,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {":id": {"S": subscription}},
        }

    def _transact(self, writes: "Sequence[_Write]") -> None:
        if len(writes) > _MOST_WRITES:
            raise Unavailable("too much changes at once")
        try:
            with unavailable_when_transient():
                self._client.transact_write_items(TransactItems=[write.request for write in writes])
        except ClientError as error:
            if not cancelled_by_condition(error):
                raise
            failed = [reason == "ConditionalCheckFailed" for reason in reasons(error)]
            if not failed[0]:  # the subscription itself
                _raise_taken(writes, failed, error)
            raise VersionConflict("the subscription was just changed by another request") from error

    def _partition(self, subscription: str) -> dict[str, Mapping[str, Any]]:
        """Return the items of a subscription's partition by sort key."""
        if not is_subscription_id(subscription):
            return {}  # no item has such a key, and some are none that a table can have
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": keys.subscription_partition(subscription)}},
            "ConsistentRead": True,
        }
        found: dict[str, Mapping[str, Any]] = {}
        while True:
            with unavailable_when_transient():
                answer = self._client.query(**request)
            found |= {item["sk"]["S"]: item for item in answer["Items"]}
            last = answer.get("LastEvaluatedKey")
            if not last:
                return found
            request["ExclusiveStartKey"] = last


@dataclass(frozen=True, slots=True)
class _Write:
    """A write of a transaction, and what it means where its condition does not hold."""

    request: Any
    order: bool = False
    alias: str | None = None


def _raise_taken(writes: Sequence[_Write], failed: Sequence[bool], error: ClientError) -> None:
    for write, refused in zip(writes, failed, strict=False):
        if refused and write.order:
            raise OrderTaken("this order is another subscription's already") from error
        if refused and write.alias is not None:
            raise AliasTaken(write.alias) from error


def _order_ids(stored: StoredSubscription | None) -> tuple[int, ...]:
    if stored is None:
        return ()
    return tuple(dict.fromkeys((stored.subscription.odoo_order_id, *(o.odoo_order_id for o in stored.chain))))
