"""The large fields of ratings' documents, in items of their own (docs/data-model.md, Ratings).

They are written before the rating that names them, under its version and digest, and never changed: whoever
reads a rating finds the fields that belong to it. Those of a version that was replaced are deleted after it.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.billing.large_documents import from_parts
from fusion_billing.billing.rating import ComputedRating, RatingKey
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.query_pages import query_items
from fusion_billing.errors import Unavailable
from fusion_billing.json_types import JsonObject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def parts_name(version: int, rated: ComputedRating) -> str:
    """Return under which name the large fields of a rating's version are kept."""
    return f"{version}-{rated.digest[:16]}"


class RatingParts:
    """Writes, reads and deletes the large fields of ratings."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, key: RatingKey, name: str, parts: Sequence[bytes]) -> None:
        """Write a rating's large fields; repeated, it writes the same again."""
        for number, part in enumerate(parts):
            item: dict[str, Any] = {**keys.rating_part_key(key, name, number), "part": {"B": part}}
            self._client.put_item(TableName=self._table, Item=item)

    def read(self, key: RatingKey, name: str) -> JsonObject:
        """Return a rating's large fields; raises `Unavailable` where a newer version just replaced them."""
        items = self._items(key, name, "part")
        if not items:
            raise Unavailable("the rating was just replaced: read it again")
        return from_parts(bytes(item["part"]["B"]) for item in items)

    def delete(self, key: RatingKey, name: str) -> None:
        """Delete the large fields of a replaced version; what can't be deleted is left, and does no harm."""
        with suppress(ClientError, BotoCoreError):
            for item in self._items(key, name, "sk"):
                at = {"pk": {"S": keys.rating_parts_partition(key)}, "sk": item["sk"]}
                self._client.delete_item(TableName=self._table, Key=at)

    def _items(self, key: RatingKey, name: str, attribute: str) -> list[Any]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :name)",
            "ExpressionAttributeValues": {
                ":pk": {"S": keys.rating_parts_partition(key)},
                ":name": {"S": keys.rating_parts_prefix(name)},
            },
            "ProjectionExpression": attribute,
            "ConsistentRead": True,
        }
        return list(query_items(self._client, request))
