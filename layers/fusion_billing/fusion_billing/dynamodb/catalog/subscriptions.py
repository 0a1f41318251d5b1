"""Store subscriptions, their billing periods, and the items that reserve an order or an alias for one subscription.

A subscription has one partition (docs/data-model.md, Catalog), is read by one query, and written by one transaction,
conditional on the version read. `application.save_subscription` decides what to write.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.catalog.change import Change, ChangeEntry
from fusion_billing.catalog.identifiers import is_subscription_id
from fusion_billing.catalog.stored_subscription import Listed, StoredSubscription
from fusion_billing.dynamodb import batch_reads, keys
from fusion_billing.dynamodb.attributes import MAX_TRANSACTION_WRITES
from fusion_billing.dynamodb.catalog import subscription_items as items
from fusion_billing.dynamodb.catalog.definition_history import DefinitionHistory
from fusion_billing.dynamodb.catalog.subscription_writes import SubscriptionWrites, Write
from fusion_billing.dynamodb.errors import cancelled_by_condition, reasons, unavailable_when_transient
from fusion_billing.dynamodb.query_pages import query_items
from fusion_billing.errors import AliasTaken, OrderTaken, Unavailable, VersionConflict
from fusion_billing.webhooks.publishing import TransactionWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


_MOST_RELEASED = 60


class SubscriptionStore:
    """Reads and writes subscriptions; `get` is consistent, lists are eventually consistent."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._history = DefinitionHistory(client, table)
        self._writes = SubscriptionWrites(table)

    def get(self, subscription: str) -> StoredSubscription | None:
        """Return a subscription with its periods by its ID, or None; raises `Unavailable`."""
        found = self._named(subscription)
        return None if isinstance(found, str) else found

    def find(self, name: str) -> StoredSubscription | None:
        """Return a subscription by its ID or an alias, or None; raises `Unavailable`."""
        found = self._named(name)
        return self.get(found) if isinstance(found, str) else found

    def alias_of(self, name: str) -> str | None:
        """Return the ID of the subscription that `name` is an alias of, or None; raises `Unavailable`."""
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
            erased=items.instant(item, "erased"),
            is_current="starts" in item,
        )

    def history(self, subscription: str) -> list[ChangeEntry]:
        """Return the latest changes of a subscription, newest first; raises `Unavailable`."""
        return self._history.newest("SUBSCRIPTION", subscription)

    def of_order(self, odoo_order_id: int) -> str | None:
        """Return the ID of the subscription that an order belongs to, or None."""
        with unavailable_when_transient():
            response = self._client.get_item(
                TableName=self._table, Key=keys.order_key(odoo_order_id), ConsistentRead=True
            )
        item = response.get("Item")
        return item["subscription"]["S"] if item else None

    def listing(self, shard: int, after: str | None, limit: int) -> tuple[list[Listed], str | None]:
        """Return a page of one shard's subscriptions by ID, and the ID that the next page starts after."""
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
            response = self._client.query(**request)
        last = response.get("LastEvaluatedKey")
        page = [items.listed(item) for item in response["Items"]]
        return page, last["list_sk"]["S"] if last else None

    def listed(self, ids: Iterable[str]) -> dict[str, Listed]:
        """Return the subscriptions that exist, by ID, as in a list; raises `Unavailable`."""
        requested = [keys.subscription_key(id_) for id_ in sorted(set(ids))]
        with unavailable_when_transient():
            found = list(batch_reads.items(self._client, self._table, requested))
        return {
            keys.parse_subscription_partition(item["pk"]["S"]): items.listed(item) for item in found if "doc" in item
        }

    def plans_of(self, ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return the current and former plans of subscriptions that changed their plan, by ID.

        Raises `Unavailable`.
        """
        requested = [keys.subscription_key(id_) for id_ in ids]
        with unavailable_when_transient():
            found = list(batch_reads.items(self._client, self._table, requested, attributes="pk, plans"))
        plans = {item["pk"]["S"]: frozenset(each.plan for each in items.read_plan_history(item)) for item in found}
        return {keys.parse_subscription_partition(pk): codes for pk, codes in plans.items() if codes}

    def put(
        self,
        new: StoredSubscription,
        stored: StoredSubscription | None,
        extra: Sequence[TransactionWrite] = (),
        change: Change | None = None,
    ) -> None:
        """Write `new` over `stored` (None: it is new), with `extra` writes, all or nothing.

        `change` is stored in its history.
        `new.version` is one more than `stored.version`, or equal if only the format of the item changes. Only
        periods, orders and aliases that differ are written. Raises `VersionConflict` if it was written since,
        `OrderTaken` and `AliasTaken` if another subscription has an order or an alias, and `Unavailable`.
        """
        writes = [*self._writes.subscription(new, stored), *self._writes.orders(new, stored)]
        aliases = self._writes.aliases(new, stored)
        writes += self._writes.periods(new, stored)
        writes += [Write(each) for each in extra]
        writes += self._entry(new, change)
        if len(writes) + len(aliases) > MAX_TRANSACTION_WRITES:
            # Many listeners and many aliases: those first. Cut short, the next save writes them again.
            self._transact(aliases)
            aliases = []
        self._transact([*writes, *aliases])

    def delete(self, stored: StoredSubscription, change: Change | None = None) -> None:
        """Delete a subscription in the version read, with its periods, orders and aliases.

        Raises `VersionConflict` and `Unavailable`. Check first that nothing was billed on it (`SubscriptionUse`).
        """
        periods = [keys.period_key(stored.id, period.start) for period in stored.calendar.known]
        releases = self._writes.releases(stored)
        early, releases = releases[:-_MOST_RELEASED], releases[-_MOST_RELEASED:]
        entry = self._entry(stored, change)
        room = MAX_TRANSACTION_WRITES - 1 - len(releases) - len(entry)
        # The oldest first, and what names the subscription last: cut short, it can be deleted again.
        for key in periods[:-room]:
            with unavailable_when_transient():
                self._client.delete_item(TableName=self._table, Key=key)
        if early:
            self._transact(early)
        rest = [Write({"Delete": {"TableName": self._table, "Key": key}}) for key in periods[-room:]]
        self._transact([self._writes.deletion(stored), *releases, *rest, *entry])

    def _entry(self, written: StoredSubscription, change: Change | None) -> list[Write]:
        if change is None:
            return []
        entry = self._history.write("SUBSCRIPTION", written.id, written.version, change)
        return [Write(each) for each in (entry, *change.also)]

    def _transact(self, writes: Sequence[Write]) -> None:
        if len(writes) > MAX_TRANSACTION_WRITES:
            raise Unavailable("The change has too many writes for one transaction: change less at once")
        try:
            with unavailable_when_transient():
                self._client.transact_write_items(TransactItems=[write.request for write in writes])
        except ClientError as error:
            if not cancelled_by_condition(error):
                raise
            failed = [reason == "ConditionalCheckFailed" for reason in reasons(error)]
            if not failed[0]:  # the subscription itself
                _raise_taken(writes, failed, error)
            raise VersionConflict("The subscription was changed by another request: read it again") from error

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
        with unavailable_when_transient():
            return {item["sk"]["S"]: item for item in query_items(self._client, request)}


def _raise_taken(writes: Sequence[Write], failed: Sequence[bool], error: ClientError) -> None:
    for write, refused in zip(writes, failed, strict=False):
        if refused and write.order:
            raise OrderTaken("The order belongs to another subscription") from error
        if refused and write.alias is not None:
            raise AliasTaken(write.alias) from error
