"""Many items of one table read as they are now, 100 to a call; what a call leaves over is asked for again."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fusion_billing.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BATCH = 100
_TRIES = 6
_FIRST_PAUSE = 0.05


def items(client: "DynamoDBClient", table: str, keys: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """Yield those of the items under `keys`, which are distinct, that exist, in no order.

    Raises `Unavailable` where the table keeps leaving keys over, throttled.
    """
    for first in range(0, len(keys), _BATCH):
        pending: Any = {table: {"Keys": keys[first : first + _BATCH], "ConsistentRead": True}}
        for tried in range(_TRIES):
            answer = client.batch_get_item(RequestItems=pending)
            yield from answer["Responses"].get(table, ())
            pending = answer.get("UnprocessedKeys")
            if not pending:
                break
            time.sleep(_FIRST_PAUSE * 2**tried)
        else:
            raise Unavailable("the ratings table answers too slowly")
