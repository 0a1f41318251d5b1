"""Erase what the tables hold about the customer of a subscription, apart from what was billed."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
from fusion_billing.dynamodb.errors import unavailable_when_transient
from fusion_billing.dynamodb.query_pages import query_items
from fusion_billing.errors import Unavailable
from fusion_billing.retry import WRITES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ERASED = "Erased"
"""What stands in place of a customer's name."""

_DELETIONS = 25  # in one call


class Erasing:
    """Deletes a subscription's usage, its names and its history. Everything may be repeated."""

    def __init__(
        self, client: "DynamoDBClient", *, usage_table: str, window_usage_table: str, catalog_table: str
    ) -> None:
        self._client = client
        self._usage_table = usage_table
        self._window_usage_table = window_usage_table
        self._catalog_table = catalog_table

    def names(self, stored: StoredSubscription, now: datetime) -> None:
        """Take the customer's name and the aliases out of a subscription, and note that it is erased.

        From here on usage is refused, the subscription is not rated, and Odoo's changes are not read.
        """
        nameless = stored.subscription.model_copy(update={"customer_name": ERASED, "name": stored.id, "aliases": None})
        new = replace(
            stored, subscription=nameless, order_aliases=(), erased=now, version=stored.version + 1, is_current=True
        )
        SubscriptionStore(self._client, self._catalog_table).put(new, stored)

    def metrics(self) -> list[str]:
        """Return the codes of all metrics that were created, deleted ones too, but by earlier releases."""
        partition = keys.metric_keying_key("")["pk"]["S"]
        return [item["sk"]["S"] for item in self._keys({"TableName": self._catalog_table}, "pk", partition)]

    def history(self, subscription: str) -> int:
        """Delete the changes of a subscription; return how many."""
        partition = keys.history_partition("SUBSCRIPTION", subscription)
        found = self._keys({"TableName": self._catalog_table}, "pk", partition)
        return self._delete(self._catalog_table, (keys.primary(item["pk"]["S"], item["sk"]["S"]) for item in found))

    def usage(self, subscription: str, metrics: Iterable[str]) -> int:
        """Delete the usage records of a subscription, voided ones too; return how many."""
        return sum(self._usage_of(keys.pair(subscription, metric)) for metric in metrics)

    def _usage_of(self, pair: str) -> int:
        by_window = self._keys({"TableName": self._window_usage_table}, "pk", pair)
        deleted = self._delete(
            self._window_usage_table, (keys.primary(item["pk"]["S"], item["sk"]["S"]) for item in by_window)
        )
        for partition in (pair, keys.voided_pair(pair)):
            records = self._records(partition)
            deleted += self._delete(self._usage_table, (keys.primary(item["pk"]["S"]) for item in records))
        return deleted

    def _records(self, partition: str) -> Iterator[Item]:
        return self._keys({"TableName": self._usage_table, "IndexName": "pair"}, "pair", partition)

    def _keys(self, request: dict[str, Any], attribute: str, value: str) -> Iterator[Item]:
        request = {
            **request,
            "KeyConditionExpression": "#name = :value",
            "ExpressionAttributeNames": {"#name": attribute},
            "ExpressionAttributeValues": {":value": {"S": value}},
        }
        with unavailable_when_transient():
            yield from query_items(self._client, request)

    def _delete(self, table: str, items: Iterable[Item]) -> int:
        deleted = 0
        keys_left = iter(items)
        while batch := [{"DeleteRequest": {"Key": key}} for key in islice(keys_left, _DELETIONS)]:
            self._until_none_is_left(table, batch)
            deleted += len(batch)
        return deleted

    def _until_none_is_left(self, table: str, requests: list[Any]) -> None:
        pending: Any = {table: requests}
        for _ in WRITES.attempts():
            with unavailable_when_transient():
                pending = self._client.batch_write_item(RequestItems=pending).get("UnprocessedItems")
            if not pending:
                return
        raise Unavailable("The table is throttled: run the command again")
