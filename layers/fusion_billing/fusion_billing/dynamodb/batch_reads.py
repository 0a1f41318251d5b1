"""Reads of many items of one table, 100 a call. What DynamoDB leaves unprocessed is read again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fusion_billing.dynamodb.attributes import Item, ItemView
from fusion_billing.errors import Unavailable
from fusion_billing.retry import WRITES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_READS = 100
"""Items that one call reads."""


@dataclass(frozen=True, slots=True)
class Projection:
    """The attributes that a read returns: a projection expression, and the attributes that its names stand for."""

    expression: str
    names: Mapping[str, str] = field(default_factory=dict)


def items(
    client: "DynamoDBClient",
    table: str,
    keys: Sequence[ItemView],
    *,
    is_consistent: bool = True,
    attributes: str | None = None,
) -> Iterator[Item]:
    """Yield the items that exist of those with the given `keys`, which are distinct, in no order.

    Reads that are not `is_consistent` cost half as much, and may return items as they were a moment ago. `attributes`
    is a projection expression, None for all. Raises `Unavailable` if the table stays throttled.
    """
    projection = Projection(attributes) if attributes else None
    for chunk in chunks(keys):
        pending: Sequence[ItemView] = chunk
        for _ in WRITES.attempts():
            found, pending = one_call(client, table, pending, is_consistent=is_consistent, projection=projection)
            yield from found
            if not pending:
                break
        else:
            raise Unavailable("The table is throttled: send the request again")


def one_call(
    client: "DynamoDBClient",
    table: str,
    keys: Sequence[ItemView],
    *,
    is_consistent: bool = True,
    projection: Projection | None = None,
) -> tuple[list[Item], list[ItemView]]:
    """Return the items that one call reads, and the keys that it leaves unprocessed, which the caller reads again."""
    request: Any = {"Keys": keys, "ConsistentRead": is_consistent}
    if projection is not None:
        request["ProjectionExpression"] = projection.expression
        if projection.names:
            request["ExpressionAttributeNames"] = projection.names
    response: Any = client.batch_get_item(RequestItems={table: request})
    unprocessed = response.get("UnprocessedKeys") or {}
    return response["Responses"].get(table, []), unprocessed.get(table, {}).get("Keys", [])


def chunks(keys: Sequence[ItemView]) -> Iterator[Sequence[ItemView]]:
    """Yield the keys in parts that one call reads."""
    for first in range(0, len(keys), MAX_READS):
        yield keys[first : first + MAX_READS]
