"""Find order lines: due lines by partition, lines in a state, lines of a period.

The index `lines` names the items that hold them, a moment late perhaps, so what is taken from it is read again,
consistently. An item is a rating with its line, or the lines of a period (`period_lines`), of which some may be due.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fusion_billing.billing.rating import RatingKey
from fusion_billing.dynamodb import batch_reads, keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.query_pages import query_items
from fusion_billing.dynamodb.ratings.order_line_items import (
    StoredLine,
    read_line,
)
from fusion_billing.dynamodb.ratings.period_lines import LineMoved, is_period_lines
from fusion_billing.dynamodb.ratings.period_lines_store import PeriodLinesStore
from fusion_billing.errors import NotFound, Unavailable
from fusion_billing.instants import sortable
from fusion_billing.retry import VERSION_CONFLICTS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INDEX = "lines"

Key = tuple[str, str]


class LineReading:
    """Lines in the ratings table, read."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._lines = PeriodLinesStore(client, table)

    def due(
        self, line_partition: int, now: datetime, limit: int, after: Item | None = None
    ) -> tuple[list[StoredLine], Item | None]:
        """Return a page of a partition's due lines, the longest due first, and where the next page starts.

        A page may hold fewer than `limit` lines, or none, and yet have a next one.
        """
        partition = keys.due_lines_partition(line_partition)
        found, following = self._keys(partition, limit, after, sortable(now))
        lines = [line for line in self._read(found) if line.state == "due" and line.line_partition == partition]
        return [line for line in lines if line.at <= sortable(now) and not line.frozen], following

    def to_be_read(self, line_partition: int, now: datetime, limit: int) -> list[StoredLine]:
        """Return lines of the partition whose invoices are to be read by `now`, the longest due first."""
        partition = keys.invoices_partition(line_partition)
        found, _ = self._keys(partition, limit, None, sortable(now))
        return [line for line in self._read(found) if line.line_partition == partition and line.at <= sortable(now)]

    def listing(self, partition: str, limit: int, after: Item | None = None) -> tuple[list[StoredLine], Item | None]:
        """Return a page of the lines under `partition` (a state, or a line partition), the oldest first."""
        found, following = self._keys(partition, limit, after, None)
        return [line for line in self._read(found) if line.is_shared or line.line_partition == partition], following

    def count(self, partition: str, most: int) -> int:
        """Return how many lines the index has under `partition`, `most` at most."""
        response = self._client.query(
            TableName=self._table,
            IndexName=_INDEX,
            KeyConditionExpression="line_pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            Select="COUNT",
            Limit=most,
        )
        return response["Count"]

    def get(self, key: RatingKey) -> StoredLine:
        """Return the line of a rating; raises `NotFound` if it does not exist."""
        found = self._read([_key(key)])
        if not found:
            raise NotFound(f"Unknown order line: {key.line}")
        return found[0]

    def get_many(self, ratings: Iterable[RatingKey]) -> list[StoredLine]:
        """Return the lines of those of the ratings that there are, as they are now; raises `Unavailable`."""
        return self._read(dict.fromkeys(map(_key, ratings)))

    def in_period(self, subscription: str, period_start: datetime, *, consistent: bool = True) -> list[StoredLine]:
        """Return every rating billed in a period, adjustments included, with its line.

        Half as dear where they need not be `consistent`: they may be a moment old then.
        """
        pk = keys.rating_partition(subscription, period_start)
        return self._with_lines(lambda: self._partition(pk, consistent=consistent))

    def _partition(self, pk: str, *, consistent: bool = True) -> list[Item]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ConsistentRead": consistent,
        }
        return list(query_items(self._client, request))

    def _keys(self, partition: str, limit: int, after: Item | None, until: str | None) -> tuple[list[Key], Item | None]:
        values: dict[str, Any] = {":pk": {"S": partition}}
        condition = "line_pk = :pk"
        if until is not None:
            condition += " AND line_at <= :until"
            values[":until"] = {"S": until}
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": _INDEX,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "Limit": limit,
        }
        if after is not None:
            request["ExclusiveStartKey"] = after
        response = self._client.query(**request)
        return [(item["pk"]["S"], item["sk"]["S"]) for item in response["Items"]], response.get("LastEvaluatedKey")

    def _read(self, requested: Iterable[Key]) -> list[StoredLine]:
        """Return the lines of ratings, and the due lines of periods, in the order in which they are requested.

        A period is read by one query, which costs a unit for all its lines.
        """
        ordered = list(requested)
        ratings = [(pk, sk) for pk, sk in ordered if sk != keys.PERIOD_LINES]
        periods = dict.fromkeys(pk for pk, sk in ordered if sk == keys.PERIOD_LINES)
        by_rating = {(line.pk, line.sk): [line] for line in self._with_lines(lambda: self._items(ratings))}
        by_period = {pk: self._due_of(pk) for pk in periods}
        found: list[StoredLine] = []
        for pk, sk in ordered:
            found += by_period[pk] if sk == keys.PERIOD_LINES else by_rating.get((pk, sk), ())
        return found

    def _due_of(self, pk: str) -> list[StoredLine]:
        """Return the due lines of a period."""
        lines = self._with_lines(lambda: self._partition(pk))
        return [line for line in lines if line.is_shared and line.line_partition]

    def _items(self, ratings: Iterable[Key]) -> list[Item]:
        """Return the items of ratings, and of the lines of their periods."""
        names = dict.fromkeys(ratings)
        names |= dict.fromkeys((pk, keys.PERIOD_LINES) for pk, _ in list(names))
        return list(batch_reads.items(self._client, self._table, [keys.primary(*name) for name in names]))

    def _with_lines(self, read: Callable[[], list[Item]]) -> list[StoredLine]:
        """Return the ratings that are read, each with its line; they are read again if a line was moved meanwhile."""
        for _ in VERSION_CONFLICTS.attempts():
            items = read()
            lines = {item["pk"]["S"]: self._lines.noted(item) for item in items if is_period_lines(item)}
            try:
                return [read_line(item, lines.get(item["pk"]["S"])) for item in items if not is_period_lines(item)]
            except LineMoved:
                continue
        raise Unavailable("The lines of the ratings keep being moved: send the request again")


def _key(rating: RatingKey) -> Key:
    return keys.rating_partition(rating.subscription, rating.period_start), rating.name
