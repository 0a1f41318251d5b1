"""Marks order lines as unknown after the ratings table was restored to an earlier point in time.

Of what Odoo acknowledged since then, the table knows nothing. So every line that may have been written since gets an
intent, as before a call whose result is unknown: the relay then looks for it in Odoo by its external ID before it
writes it, and rating adjusts nothing in an invoiced period until its lines were found.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fusion_billing.billing.rating import RatingKey
from fusion_billing.decimals import plain
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.keys import line_partition
from fusion_billing.dynamodb.ratings.line_conditions import STILL_THIS
from fusion_billing.dynamodb.ratings.order_line_items import Intent, StoredLine
from fusion_billing.dynamodb.ratings.order_lines import LineStore
from fusion_billing.dynamodb.ratings.period_ends import EndPosition, EndRange, PeriodEnds
from fusion_billing.instants import sortable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PAGE = 50
_LONGEST_PERIOD = timedelta(days=3 * 366)
_LATEST_INVOICE = timedelta(days=123)
"""How long after its end a period may be invoiced, and its lines be written until then."""
_AT_ONCE = timedelta(minutes=10)
"""How long ago the intents are: the relay waits a while for the result of a call that was just made."""


@dataclass(frozen=True, slots=True)
class Marked:
    """The result: ratings that were looked at, and lines among them that were marked."""

    ratings: int
    marked: int


class _Lines(LineStore):
    """The order lines, and the write that marks one of them."""

    def mark(self, line: StoredLine, intent: Intent, partition: str | None, now: datetime) -> bool:
        """Write that the result of a call is unknown, and make the line due in `partition` unless that is None.

        Return False if the line changed since it was read.
        """
        values: Item = {"line_intent": {"S": intent.text()}, "line_rated": {"N": str(line.version)}}
        if partition is not None:
            values |= {"line_state": {"S": "due"}, "line_pk": {"S": partition}, "line_at": {"S": sortable(now)}}
        removed = ["line_digest", "line_error", "line_message"]
        is_written = self._shared.write(line, values, removed, STILL_THIS, may_be_new=True)
        return self._write(line, values, removed, STILL_THIS) if is_written is None else is_written


class RestoredLines:
    """Marks the lines of ratings whose period may not have been invoiced at the point in time of the restore."""

    def __init__(self, client: "DynamoDBClient", table: str, line_partitions: int) -> None:
        self._ends = PeriodEnds(client, table)
        self._lines = _Lines(client, table)
        self._line_partitions = line_partitions

    def mark(self, restored_to: datetime, now: datetime) -> Marked:
        """Mark every line of a period that was not invoiced at `restored_to`. It is safe to repeat.

        Raises `Unavailable`.
        """
        ratings = marked = 0
        for page in self._pages(EndRange(restored_to - _LATEST_INVOICE, now + _LONGEST_PERIOD)):
            ratings += len(page)
            marked += sum(self._mark(line, now) for line in self._lines.get_many(page))
        return Marked(ratings, marked)

    def _pages(self, ends: EndRange) -> Iterator[list[RatingKey]]:
        position: EndPosition | None = None
        while True:
            found, position = self._ends.page(ends, position, _PAGE)
            yield found
            if position is None:
                return

    def _mark(self, line: StoredLine, now: datetime) -> bool:
        order = line.document.odoo_order_id
        if line.frozen or line.intent is not None or not order:
            return False
        intent = Intent(line.version, plain(line.amount), "", order, now - _AT_ONCE)
        is_upcoming = line.key.period_start > now
        due = None if is_upcoming else keys.due_lines_partition(line_partition(order, self._line_partitions))
        return self._lines.mark(line, intent, due, now)
