"""Store closed periods in the ratings table: one item per invoiced period, one partition per subscription."""

import json
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.billing.closed_periods import ClosedPeriod
from fusion_billing.billing.large_documents import canonical
from fusion_billing.billing.stored_price import StoredPrice
from fusion_billing.catalog.identifiers import MAX_STORED_BYTES
from fusion_billing.dynamodb import errors, keys
from fusion_billing.dynamodb.attributes import Request
from fusion_billing.dynamodb.query_pages import query_items
from fusion_billing.instants import sortable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ClosedPeriodStore:
    """Reads and writes closed periods."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def since(self, subscription: str, start: datetime) -> dict[datetime, ClosedPeriod]:
        """Return the closed periods that start at or after `start`, by start."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk >= :start",
            "ExpressionAttributeValues": {
                ":pk": {"S": keys.closed_period_partition(subscription)},
                ":start": {"S": sortable(start)},
            },
            "ConsistentRead": True,
        }
        closed_periods = map(_closed_period, query_items(self._client, request))
        return {closed_period.start: closed_period for closed_period in closed_periods}

    def put(self, subscription: str, closed_period: ClosedPeriod) -> ClosedPeriod:
        """Store a closed period unless it is stored already, and return the stored one."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=_item(subscription, closed_period),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ClientError as error:
            if not errors.condition_failed(error):
                raise
            return self.since(subscription, closed_period.start)[closed_period.start]
        return closed_period

    def note(self, subscription: str, start: datetime, digest: str) -> None:
        """Store the digest of the inputs that a period was last found to be billed by."""
        self._client.update_item(
            TableName=self._table,
            Key=keys.closed_period_key(subscription, start),
            UpdateExpression="SET digest = :digest",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":digest": {"S": digest}},
        )

    def statement_made(self, subscription: str, start: datetime) -> Request:
        """Return the write that marks a period as having its statement, for the transaction that stores it."""
        return {
            "Update": {
                "TableName": self._table,
                "Key": keys.closed_period_key(subscription, start),
                "UpdateExpression": "SET #statement = :true",
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeNames": {"#statement": "statement"},
                "ExpressionAttributeValues": {":true": {"BOOL": True}},
            }
        }


def _item(subscription: str, closed_period: ClosedPeriod) -> dict[str, Any]:
    item = {**keys.closed_period_key(subscription, closed_period.start), "fees": {"BOOL": closed_period.fees}}
    unpriced = set(closed_period.unpriced)
    if closed_period.prices:
        prices = {code: price.to_json() for code, price in closed_period.prices.items()}
        packed = zlib.compress(canonical(prices).encode("utf-8"))
        if len(packed) <= MAX_STORED_BYTES:
            item["prices"] = {"B": packed}
        else:
            unpriced |= set(closed_period.prices)  # priced by the current definitions when they are needed
    if unpriced:
        item["unpriced"] = {"SS": sorted(unpriced)}
    if closed_period.ended:
        item["ended"] = {"SS": sorted(closed_period.ended)}
    return item


def _closed_period(item: dict[str, Any]) -> ClosedPeriod:
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
