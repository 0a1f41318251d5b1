"""Reads of many items of one table, 100 a call. What DynamoDB leaves unprocessed is read again."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fusion_billing.dynamodb.attributes import Item, ItemView
from fusion_billing.errors import Unavailable
from fusion_billing.retry import WRITES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_READS = 100
"""Items that one call reads."""


def items(
    client: "DynamoDBClient",
    table: str,
    keys: Sequence[ItemView],
    *,
    is_consistent: bool = True,
    attributes: str | None = None,
) -> Iterator[Item]:
    """Yield the items that exist of those with the given `keys`, which are distinct, in no order.

    They are as they are now, or half as dear and as of a moment ago unless `is_consistent`. `attributes` is a
    projection expression, None for all. Raises `Unavailable` if the table stays throttled.
    """
    how: Any = {"ConsistentRead": is_consistent} | ({"ProjectionExpression": attributes} if attributes else {})
    for first in range(0, len(keys), MAX_READS):
        pending: Any = {table: {"Keys": keys[first : first + MAX_READS], **how}}
        for _ in WRITES.attempts():
            response = client.batch_get_item(RequestItems=pending)
            yield from response["Responses"].get(table, ())
            pending = response.get("UnprocessedKeys")
            if not pending:
                break
        else:
            raise Unavailable("The table is throttled: send the request again")
