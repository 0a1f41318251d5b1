"""Find ratings of all subscriptions by the end of their billing period, with the index `ends`.

The index holds keys alone, which no new version of a rating changes: it costs one write a rating. Its partitions are
months, each spread over the shards of the subscription list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fusion_billing.billing.rating import RatingKey
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.errors import unavailable_when_transient

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INDEX = "ends"
_TO_NEXT_SECOND = timedelta(microseconds=999_999)


@dataclass(frozen=True, slots=True)
class EndPosition:
    """Where a list of ratings goes on: within a partition after `key` (`end_at`, `pk`, `sk`), or at its beginning."""

    partition: str
    key: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True)
class EndRange:
    """Billing periods that end from `start` on and before `end`."""

    start: datetime
    end: datetime

    @property
    def partitions(self) -> Sequence[str]:
        """Return the partitions of the index that hold their ratings, in the order of a list."""
        return keys.period_end_partitions(self.start, self.end)

    def holds(self, position: EndPosition) -> bool:
        """Return whether a position lies within the range."""
        if position.partition not in self.partitions:
            return False
        first, last = self.bounds
        return position.key is None or first <= position.key[0] < last

    @property
    def bounds(self) -> tuple[str, str]:
        """Return what the positions of their ratings lie between; a period ends with a second."""
        return keys.period_end_bound(self.start), keys.period_end_bound(self.end + _TO_NEXT_SECOND)


class PeriodEnds:
    """Reads the index `ends`, which may be a moment behind."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def page(self, ends: EndRange, after: EndPosition | None, limit: int) -> tuple[list[RatingKey], EndPosition | None]:
        """Return up to `limit` ratings, and where the list goes on, if it does; raises `Unavailable`."""
        partitions = ends.partitions
        position = after or EndPosition(partitions[0])
        found: list[RatingKey] = []
        for index in range(partitions.index(position.partition), len(partitions)):
            key = position.key if partitions[index] == position.partition else None
            page, following = self.partition_page(ends, EndPosition(partitions[index], key), limit - len(found))
            found += page
            if following is not None:
                return found, following
            if len(found) >= limit and index + 1 < len(partitions):
                return found, EndPosition(partitions[index + 1])
        return found, None

    def partition_page(
        self, ends: EndRange, position: EndPosition, limit: int
    ) -> tuple[list[RatingKey], EndPosition | None]:
        """Return up to `limit` ratings of one partition, and where it goes on, if it does."""
        first, last = ends.bounds
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": _INDEX,
            "KeyConditionExpression": "end_pk = :partition AND end_at BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":partition": {"S": position.partition},
                ":first": {"S": first},
                ":last": {"S": last},
            },
            "Limit": limit,
        }
        if position.key is not None:
            request["ExclusiveStartKey"] = _start_key(position.partition, *position.key)
        with unavailable_when_transient():
            response = self._client.query(**request)
        found = [_rating_key(item["pk"]["S"], item["sk"]["S"]) for item in response["Items"]]
        after = response.get("LastEvaluatedKey")
        if not after:
            return found, None
        return found, EndPosition(position.partition, (after["end_at"]["S"], after["pk"]["S"], after["sk"]["S"]))


def _start_key(partition: str, end_at: str, pk: str, sk: str) -> dict[str, Any]:
    return {"end_pk": {"S": partition}, "end_at": {"S": end_at}, **keys.primary(pk, sk)}


def _rating_key(pk: str, sk: str) -> RatingKey:
    subscription, start, charge, corrects = keys.parse_rating_key(pk, sk)
    return RatingKey(
        subscription,
        datetime.fromisoformat(start).astimezone(UTC),
        charge,
        datetime.fromisoformat(corrects).astimezone(UTC) if corrects else None,
    )
