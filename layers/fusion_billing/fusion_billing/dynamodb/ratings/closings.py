"""Closings in the ratings table: an item an invoiced period, all of one subscription in one partition."""

import json
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.billing.closed_periods import ClosedPeriod
from fusion_billing.billing.large_documents import canonical
from fusion_billing.billing.rating_document import StoredPrice
from fusion_billing.catalog.identifiers import MAX_STORED_BYTES
from fusion_billing.dynamodb import errors, keys
from fusion_billing.instants import sortable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ClosingStore:
    """Reads and writes closings."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def since(self, subscription: str, start: datetime) -> dict[datetime, ClosedPeriod]:
        """Return the closings of the periods that start at or after `start`, by their starts."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk >= :start",
            "ExpressionAttributeValues": {
                ":pk": {"S": keys.closing_partition(subscription)},
                ":start": {"S": sortable(start)},
            },
            "ConsistentRead": True,
        }
        found: dict[datetime, ClosedPeriod] = {}
        while True:
            answer = self._client.query(**request)
            for item in answer["Items"]:
                closing = _closing(item)
                found[closing.start] = closing
            after = answer.get("LastEvaluatedKey")
            if not after:
                return found
            request["ExclusiveStartKey"] = after

    def put(self, subscription: str, closing: ClosedPeriod) -> ClosedPeriod:
        """Write a closing unless there is one, and return the one there is."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=_item(subscription, closing),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ClientError as error:
            if not errors.condition_failed(error):
                raise
            return self.since(subscription, closing.start)[closing.start]
        return closing

    def note(self, subscription: str, start: datetime, digest: str) -> None:
        """Note by what a period was found to be billed."""
        self._client.update_item(
            TableName=self._table,
            Key=keys.closing_key(subscription, start),
            UpdateExpression="SET digest = :digest",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":digest": {"S": digest}},
        )

    def statement_made(self, subscription: str, start: datetime) -> dict[str, Any]:
        """Return the write that notes that a period has its statement, for the transaction that makes it."""
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.closing_key(subscription, start),
                "UpdateExpression": "SET #statement = :true",
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeNames": {"#statement": "statement"},
                "ExpressionAttributeValues": {":true": {"BOOL": True}},
            }
        }


def _item(subscription: str, closing: ClosedPeriod) -> dict[str, Any]:
    item = {**keys.closing_key(subscription, closing.start), "fees": {"BOOL": closing.fees}}
    unpriced = set(closing.unpriced)
    if closing.prices:
        prices = {code: price.to_json() for code, price in closing.prices.items()}
        packed = zlib.compress(canonical(prices).encode("utf-8"))
        if len(packed) <= MAX_STORED_BYTES:
            item["prices"] = {"B": packed}
        else:
            unpriced |= set(closing.prices)  # priced as they are when they are needed
    if unpriced:
        item["unpriced"] = {"SS": sorted(unpriced)}
    if closing.ended:
        item["ended"] = {"SS": sorted(closing.ended)}
    return item


def _closing(item: dict[str, Any]) -> ClosedPeriod:
    return ClosedPeriod(
        start=datetime.fromisoformat(item["sk"]["S"]).astimezone(UTC),
        prices=_prices(bytes(item["prices"]["B"])) if "prices" in item else {},
        unpriced=frozenset(item["unpriced"]["SS"]) if "unpriced" in item else frozenset(),
        ended=frozenset(item["ended"]["SS"]) if "ended" in item else frozenset(),
        fees=item["fees"]["BOOL"],
        digest=item["digest"]["S"] if "digest" in item else None,
        has_statement="statement" in item,
    )


def _prices(packed: bytes) -> dict[str, StoredPrice]:
    prices: dict[str, Any] = json.loads(zlib.decompress(packed))
    return {code: StoredPrice.from_json(price) for code, price in prices.items()}
