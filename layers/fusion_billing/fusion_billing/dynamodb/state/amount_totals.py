"""Totals of rated amounts (`AMOUNTS#<month>#<shard>`), one item a part: what an overview shows before it reads more."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zlib import compress, decompress

from botocore.exceptions import ClientError

from fusion_billing.billing.amount_totals import Group, Part, PartTotals, Sum
from fusion_billing.billing.attention import MissingCounter
from fusion_billing.dynamodb import batch_reads, errors, keys
from fusion_billing.dynamodb.attributes import Item, from_document, integer, time_to_live, utc
from fusion_billing.instants import rfc3339, sortable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=150)
"""Longer than a month is shown."""
_LARGEST = 300_000
"""Bytes of an item's totals; larger ones are not stored."""


class StoredTotals:
    """Totals in the state table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, parts: Iterable[Part]) -> dict[Part, PartTotals]:
        """Return the totals of those parts that were stored; raises `Unavailable`."""
        by_key = {keys.amounts_key(*part)["pk"]["S"]: part for part in parts}
        names = [keys.primary(pk) for pk in by_key]
        with errors.unavailable_when_transient():
            found = batch_reads.items(self._client, self._table, names, is_consistent=False)
            return {by_key[item["pk"]["S"]]: _totals(item) for item in found}

    def put(self, part: Part, totals: PartTotals) -> None:
        """Store the totals of a part, unless newer ones are stored; raises `Unavailable`."""
        packed = compress(json.dumps([_row(*each) for each in totals.sums.items()], separators=(",", ":")).encode())
        if len(packed) > _LARGEST:
            return
        at = {"S": sortable(totals.began_at)}
        item: Item = {
            **keys.amounts_key(*part),
            "at": at,
            "sums": {"B": packed},
            "ttl": time_to_live(totals.began_at, KEPT),
        }
        if totals.missing_count:
            item["missing"] = from_document([_missing_row(counter) for counter in totals.missing])
            item["missing_count"] = {"N": str(totals.missing_count)}
        try:
            with errors.unavailable_when_transient():
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(pk) OR #at < :at",
                    ExpressionAttributeNames={"#at": "at"},
                    ExpressionAttributeValues={":at": at},
                )
        except ClientError as error:
            if not errors.condition_failed(error):
                raise


def _row(group: Group, total: Sum) -> list[Any]:
    opens_at = None if group.opens_at is None else rfc3339(group.opens_at)
    return [
        group.ends.isoformat(),
        group.is_invoiced,
        group.plan,
        group.currency,
        opens_at,
        str(total.amount),
        total.ratings,
        total.subscriptions,
    ]


def _totals(item: Item) -> PartTotals:
    rows = json.loads(decompress(bytes(item["sums"]["B"])))
    totals = PartTotals(utc(item["at"]["S"]), dict(map(_group_and_sum, rows)))
    if "missing" in item:
        rows = json.loads(item["missing"]["S"])
        totals.missing = [MissingCounter(name, charge, metric, utc(at)) for name, charge, metric, at in rows]
        totals.missing_count = integer(item, "missing_count")
    return totals


def _missing_row(counter: MissingCounter) -> list[str]:
    return [counter.subscription, counter.charge, counter.metric, rfc3339(counter.changed_at)]


def _group_and_sum(row: Sequence[Any]) -> tuple[Group, Sum]:
    ends, is_invoiced, plan, currency, opens_at, amount, ratings, subscriptions = row
    group = Group(date.fromisoformat(ends), is_invoiced, plan, currency, None if opens_at is None else utc(opens_at))
    return group, Sum(Decimal(amount), ratings, subscriptions)
