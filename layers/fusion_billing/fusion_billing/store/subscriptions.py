"""Subscriptions, their billing periods, and the guard that keeps one order one subscription.

All of one subscription lies in one partition (docs/data-model.md, Catalogue) and is read by one query; it is
written by one transaction, under the version read. `store.subscription_writer` decides what to write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from fusion_billing.calendar.calendar import Calendar
from fusion_billing.calendar.states import rated_until
from fusion_billing.definitions.subscription import Subscription, is_subscription_id
from fusion_billing.errors import Conflict, Unavailable
from fusion_billing.store import subscription_items as items
from fusion_billing.store.failures import cancelled_by_condition, reasons, unavailable_when_transient

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIST_SHARDS = items.LIST_SHARDS

Origin = Literal["api", "odoo"]

_IS_NEW = "attribute_not_exists(pk)"
_IS_THE_VERSION_READ = "version = :expected"
_ORDER_IS_FREE_OR_OURS = "attribute_not_exists(pk) OR subscription = :id"
_ORDER_IS_OURS = "subscription = :id"

_SUBSCRIPTION, _ORDER = 0, 1  # where in the transaction they stand
_MOST_WRITES = 100


class Outdated(Conflict):
    """Somebody else wrote it since it was read: read again, decide again."""

    code = "outdated"


class OrderTaken(Conflict):
    """The order is another subscription's already: one order never becomes two."""

    code = "order_taken"


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """A subscription as it is kept.

    `stopped` is when it was seen to be no longer in progress; `origin` whether it was put in by the API or
    read from Odoo.
    """

    subscription: Subscription
    calendar: Calendar
    origin: Origin
    version: int
    stopped: datetime | None = None

    @property
    def id(self) -> str:
        """The subscription's id."""
        return self.subscription.id

    @property
    def rated_until(self) -> datetime | None:
        """The instant from which on usage is not rated, by its window's start; None where it goes on.

        `end_date` is the last day: what ends is the day after's midnight.
        """
        end = self.subscription.end_date
        ends = None if end is None else self.calendar.spec.midnight(end + timedelta(days=1))
        return rated_until(self.subscription.state, self.stopped, ends)


@dataclass(frozen=True, slots=True)
class Listed:
    """A subscription as a list has it: without its periods."""

    subscription: Subscription
    origin: Origin
    version: int


class SubscriptionStore:
    """Reads and writes subscriptions; `get` is of the state as it is now, lists may be a moment behind."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, subscription: str) -> StoredSubscription | None:
        """Return a subscription with its periods, or None; raises `Unavailable`."""
        found = self._partition(subscription)
        item = found.pop(items.SUB, None)
        if item is None:
            return None
        return StoredSubscription(
            subscription=items.read_subscription(item),
            calendar=items.read_calendar(item, found.values()),
            origin=item["origin"]["S"],
            version=int(item["version"]["N"]),
            stopped=items.instant(item, "stopped"),
        )

    def of_order(self, odoo_order_id: int) -> str | None:
        """Return the id of the subscription that an order is, or None."""
        with unavailable_when_transient():
            answer = self._client.get_item(
                TableName=self._table, Key=items.order_key(odoo_order_id), ConsistentRead=True
            )
        item = answer.get("Item")
        return item["subscription"]["S"] if item else None

    def listing(self, shard: int, after: str | None, limit: int) -> tuple[list[Listed], str | None]:
        """Return a page of one shard's subscriptions by id, and after which id the next one begins."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "listing",
            "KeyConditionExpression": "list_pk = :shard",
            "ExpressionAttributeValues": {":shard": {"S": items.list_pk(shard)}},
            "Limit": limit,
        }
        if after is not None:
            request["ExclusiveStartKey"] = items.list_position(shard, after)
        with unavailable_when_transient():
            answer = self._client.query(**request)
        last = answer.get("LastEvaluatedKey")
        page = [
            Listed(items.read_subscription(item), item["origin"]["S"], int(item["version"]["N"]))  # type: ignore[arg-type]
            for item in answer["Items"]
        ]
        return page, last["list_sk"]["S"] if last else None

    def put(
        self,
        new: StoredSubscription,
        stored: StoredSubscription | None,
        extra: Sequence[Any] = (),
    ) -> None:
        """Write `new` over `stored` (None: there was none), with `extra` writes, all or nothing.

        `new.version` is one more than `stored.version`. Only periods that differ are written. Raises
        `Outdated` where it was written since, `OrderTaken` where the order is another's, and `Unavailable`.
        """
        writes: list[Any] = [
            self._put(
                items.write_subscription(new), _IS_NEW if stored is None else _IS_THE_VERSION_READ, stored
            ),
            self._claim(new.subscription),
        ]
        if stored is not None and stored.subscription.odoo_order_id != new.subscription.odoo_order_id:
            writes.append(self._release(stored.subscription))
        known = set(stored.calendar.known) if stored is not None else set()
        writes += [
            {"Put": {"TableName": self._table, "Item": items.write_period(new.id, period)}}
            for period in new.calendar.known
            if period not in known
        ]
        self._transact([*writes, *extra])

    def delete(self, stored: StoredSubscription) -> None:
        """Delete a subscription in the version read, its periods and its guard.

        Raises `Outdated` and `Unavailable`. Whoever calls it has seen that nothing was billed on it.
        """
        periods = [items.period_key(stored.id, period.start) for period in stored.calendar.known]
        writes: list[Any] = [
            {
                "Delete": {
                    "TableName": self._table,
                    "Key": items.subscription_key(stored.id),
                    "ConditionExpression": _IS_THE_VERSION_READ,
                    "ExpressionAttributeValues": {":expected": {"N": str(stored.version)}},
                }
            },
            self._release(stored.subscription),
        ]
        room = _MOST_WRITES - len(writes)
        # The oldest first, and what names the subscription last: cut short, it can be deleted again.
        for key in periods[:-room]:
            with unavailable_when_transient():
                self._client.delete_item(TableName=self._table, Key=key)
        writes += [{"Delete": {"TableName": self._table, "Key": key}} for key in periods[-room:]]
        self._transact(writes)

    def _put(self, item: dict[str, Any], condition: str, stored: StoredSubscription | None) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self._table, "Item": item, "ConditionExpression": condition}
        if stored is not None:
            put["ExpressionAttributeValues"] = {":expected": {"N": str(stored.version)}}
        return {"Put": put}

    def _claim(self, subscription: Subscription) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": {
                    **items.order_key(subscription.odoo_order_id),
                    "subscription": {"S": subscription.id},
                },
                "ConditionExpression": _ORDER_IS_FREE_OR_OURS,
                "ExpressionAttributeValues": {":id": {"S": subscription.id}},
            }
        }

    def _release(self, subscription: Subscription) -> dict[str, Any]:
        return {
            "Delete": {
                "TableName": self._table,
                "Key": items.order_key(subscription.odoo_order_id),
                "ConditionExpression": _ORDER_IS_OURS,
                "ExpressionAttributeValues": {":id": {"S": subscription.id}},
            }
        }

    def _transact(self, writes: Sequence[Any]) -> None:
        if len(writes) > _MOST_WRITES:
            raise Unavailable("too much changes at once")
        try:
            with unavailable_when_transient():
                self._client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if not cancelled_by_condition(error):
                raise
            failed = [reason == "ConditionalCheckFailed" for reason in reasons(error)]
            if failed[_ORDER] and not failed[_SUBSCRIPTION]:
                raise OrderTaken("this order is another subscription's already") from error
            raise Outdated("the subscription was just changed by another request") from error

    def _partition(self, subscription: str) -> dict[str, Mapping[str, Any]]:
        """Return the items of a subscription's partition by sort key."""
        if not is_subscription_id(subscription):
            return {}  # no item has such a key, and some are none that a table can have
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": items.subscription_key(subscription)["pk"]},
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
