"""Moves waiting order lines to the partition of their order, after the number of line partitions changed."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.errors import condition_failed
from fusion_billing.dynamodb.keys import line_partition
from fusion_billing.dynamodb.ratings.order_line_items import StoredLine
from fusion_billing.dynamodb.ratings.order_lines import LineStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_LINE_PARTITIONS = 100
"""The most line partitions that a stack may have: their keys have two digits."""

_PAGE = 100
_IS_WHERE_IT_WAS = "line_pk = :previous"


@dataclass(frozen=True, slots=True)
class Repartitioned:
    """The result: lines that wait, and lines among them that were moved."""

    waiting: int
    moved: int


class Repartitioning:
    """Moves lines that are due, and lines whose invoices are to be read."""

    def __init__(self, client: "DynamoDBClient", ratings_table: str) -> None:
        self._client = client
        self._table = ratings_table
        self._lines = LineStore(client, ratings_table)

    def run(self, line_partitions: int) -> Repartitioned:
        """Move every waiting line to its partition out of `line_partitions`.

        It is safe to repeat, and while the relay runs: a line that the relay takes out of its list in the meantime
        is left alone.
        """
        waiting: set[tuple[str, str]] = set()
        moved = 0
        for number in range(MAX_LINE_PARTITIONS):
            for partition_of in (keys.due_lines_partition, keys.invoices_partition):
                for line in self._in_partition(partition_of(number)):
                    target = partition_of(line_partition(_order(line), line_partitions))
                    waiting.add((line.pk, line.sk))
                    moved += target != line.line_partition and self._move(line, target)
        return Repartitioned(len(waiting), moved)

    def _in_partition(self, partition: str) -> list[StoredLine]:
        """Return all lines of a partition, read before the first of them is moved."""
        lines, following = self._lines.listing(partition, _PAGE)
        while following is not None:
            page, following = self._lines.listing(partition, _PAGE, following)
            lines += page
        return lines

    def _move(self, line: StoredLine, partition: str) -> bool:
        if line.is_shared:
            return self._lines.move_to_partition(line, partition)
        try:
            self._client.update_item(
                TableName=self._table,
                Key=keys.primary(line.pk, line.sk),
                UpdateExpression="SET line_pk = :partition",
                ConditionExpression=_IS_WHERE_IT_WAS,
                ExpressionAttributeValues={
                    ":partition": {"S": partition},
                    ":previous": {"S": line.line_partition},
                },
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True


def _order(line: StoredLine) -> int:
    """Return the order of a line, also from a document of an earlier release; 0 if it names none."""
    order = json.loads(line.document_json).get("odoo_order_id")
    return order if isinstance(order, int) else 0
