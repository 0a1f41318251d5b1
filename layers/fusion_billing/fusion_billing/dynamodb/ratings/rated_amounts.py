"""Read the amounts of many ratings: their keys from the index `ends`, then of each only what a total needs.

Reads are not consistent: they cost half as much, and a total is as of a moment ago anyway.
"""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from fusion_billing.billing.amount_totals import Part, RatedAmount
from fusion_billing.billing.attention import MissingCounter, expected_change
from fusion_billing.billing.rating import HistoryEntry
from fusion_billing.dynamodb import batch_reads, keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.errors import unavailable_when_transient
from fusion_billing.dynamodb.ratings.packed_documents import read_documents
from fusion_billing.dynamodb.ratings.packed_history import PackedHistory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INDEX = "ends"
_GROWING = frozenset({"sum", "count"})
_ATTRIBUTES = "pk, sk, amount, frozen, packed, doc"


class RatedAmounts:
    """Reads amounts from the ratings table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def page(self, part: Part, after: Item | None, limit: int) -> tuple[Sequence[RatedAmount], Item | None]:
        """Return up to `limit` ratings of a part by subscription, and where they go on; raises `Unavailable`."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": _INDEX,
            "KeyConditionExpression": "end_pk = :partition",
            "ExpressionAttributeValues": {":partition": {"S": keys.month_end_partition(part.month, part.shard)}},
            "Limit": limit,
        }
        if after is not None:
            request["ExclusiveStartKey"] = after
        with unavailable_when_transient():
            response = self._client.query(**request)
            names = [{"pk": row["pk"], "sk": row["sk"]} for row in response["Items"]]
            items = batch_reads.items(self._client, self._table, names, is_consistent=False, attributes=_ATTRIBUTES)
            found = {(item["pk"]["S"], item["sk"]["S"]): item for item in items}
        rows = [found.get((row["pk"]["S"], row["sk"]["S"])) for row in response["Items"]]
        amounts = [_amount(item) for item in rows if item is not None]
        return [amount for amount in amounts if amount is not None], response.get("LastEvaluatedKey")


def _amount(item: Item) -> RatedAmount | None:
    """Return what a total needs of a rating; None if its document can't be read."""
    subscription, start, charge, corrects = keys.parse_rating_key(item["pk"]["S"], item["sk"]["S"])
    document_json, history = read_documents(item)
    document = json.loads(document_json)
    try:
        ends = _local_date(document["period_end"], document["timezone"])
        plan, currency = str(document["plan"]), str(document["currency"])
    except (KeyError, TypeError, ValueError):
        return None
    amount, is_invoiced = Decimal(item["amount"]["S"]), "frozen" in item and bool(item["frozen"]["BOOL"])
    rated = RatedAmount(subscription, _instant(start), ends, plan, currency, amount, is_invoiced)
    if is_invoiced or corrects or not _counts_on(document):
        return rated
    expected = expected_change(_unit_times(history))
    if expected is None or expected.expected_by >= _instant(document["period_end"]):
        return rated
    counter = MissingCounter(subscription, charge, str(document.get("metric", "")), expected.changed_at)
    return rated._replace(counter=counter, expected_by=expected.expected_by)


def _unit_times(history: Sequence[HistoryEntry]) -> list[tuple[str, datetime]]:
    if isinstance(history, PackedHistory):
        return history.unit_times()
    return [(entry.units, _instant(entry.at)) for entry in history]


def _counts_on(document: dict[str, Any]) -> bool:
    """Return whether any usage changes the units, and the subscription goes on: else they may rest for good."""
    aggregation = (document.get("metric_definition") or {}).get("aggregation")
    return aggregation in _GROWING and document.get("is_rated") is not False and not document.get("final_invoice")


@lru_cache(maxsize=4096)
def _local_date(period_end: str, timezone: str) -> date:
    return datetime.fromisoformat(period_end).astimezone(ZoneInfo(timezone)).date()


@lru_cache(maxsize=4096)
def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
