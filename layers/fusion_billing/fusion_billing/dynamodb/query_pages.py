"""Pages and items of a query, to its end."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fusion_billing.dynamodb.attributes import Item, Request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def query_pages(
    client: "DynamoDBClient", request: Request, position: Item | None = None
) -> Iterator[tuple[list[Item], Item | None]]:
    """Yield the items of each page and the position that the next one starts after, None after the last.

    `position` is where the first page starts; None for the beginning. `request` may be changed between pages.
    """
    while True:
        start: Request = {} if position is None else {"ExclusiveStartKey": position}
        response: Any = client.query(**request, **start)
        position = response.get("LastEvaluatedKey")
        yield response["Items"], position
        if position is None:
            return


def query_items(client: "DynamoDBClient", request: Request, position: Item | None = None) -> Iterator[Item]:
    """Yield the items of all pages; `position` is where the first one starts, None for the beginning."""
    for items, _ in query_pages(client, request, position):
        yield from items
