"""Reading usage records: one by its key, or a pair's by the start of their windows."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fusion_billing.instants import sortable
from fusion_billing.store.failures import unavailable_when_transient
from fusion_billing.store.usage_items import UsageRecord, primary_key, record_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INSTANT = 27  # the length of a sortable instant
_QUERIES = 10  # to a page, where most of a pair's records are other sources'
_FIRST, _LAST = "0", ":"  # before and after every instant, as text sorts


@dataclass(frozen=True, slots=True)
class Selection:
    """A pair's records whose windows start at or after `start` and before `end` (None: without a bound).

    `source` None stands for every source's.
    """

    subscription: str
    metric: str
    start: datetime | None = None
    end: datetime | None = None
    source: str | None = None


class UsageReader:
    """The usage table, to look at."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, source: str, key: str) -> UsageRecord | None:
        """Return a source's record with its history as it is now, or None; raises `Unavailable`."""
        with unavailable_when_transient():
            answer = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": primary_key(source, key)}}, ConsistentRead=True
            )
        item = answer.get("Item")
        return record_of(item) if item else None

    def page(self, wanted: Selection, after: str | None, limit: int) -> tuple[list[UsageRecord], str | None]:
        """Return up to `limit` records by the start of their windows, without history, and where to go on.

        The latter is None where there is no more; a page may be short, or empty, and have a next one.
        """
        pair = f"{wanted.subscription}#{wanted.metric}"
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "pair",
            "KeyConditionExpression": "#pair = :pair AND ws BETWEEN :start AND :end",
            "ExpressionAttributeNames": {"#pair": "pair"},
            "ExpressionAttributeValues": {
                ":pair": {"S": pair},
                ":start": {"S": sortable(wanted.start) if wanted.start else _FIRST},
                ":end": {"S": _before(wanted.end) if wanted.end else _LAST},
            },
        }
        if wanted.source is not None:
            request["FilterExpression"] = "begins_with(pk, :own)"
            request["ExpressionAttributeValues"][":own"] = {"S": primary_key(wanted.source, "")}
        found: list[UsageRecord] = []
        position = _position(after, pair) if after else None
        for _ in range(_QUERIES):
            if position is not None:
                request["ExclusiveStartKey"] = position
            request["Limit"] = limit - len(found)
            with unavailable_when_transient():
                answer: Any = self._client.query(**request)
            found += [record_of(item) for item in answer["Items"]]
            position = answer.get("LastEvaluatedKey")
            if position is None or len(found) == limit:
                break
        return found, f"{position['ws']['S']}{position['pk']['S']}" if position else None


def _before(end: datetime) -> str:
    """Return the text just before an instant's, since BETWEEN takes both ends in."""
    text = sortable(end)
    return text[:-1] + chr(ord(text[-1]) - 1)


def _position(after: str, pair: str) -> dict[str, Any]:
    return {"pair": {"S": pair}, "ws": {"S": after[:_INSTANT]}, "pk": {"S": after[_INSTANT:]}}
