"""Statements: one item a closed period, written once (docs/data-model.md, Ratings)."""

import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.errors import reasons, unavailable_when_transient
from fusion_billing.errors import Conflict, Refused
from fusion_billing.instants import parse_instant
from fusion_billing.statements.chain import is_intact
from fusion_billing.statements.statement import StatementJson
from fusion_billing.webhooks.publishing import TransactionWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_IS_NEW = "attribute_not_exists(pk)"


class AlreadyClosed(Conflict):
    """The period has a statement, which is never written over."""

    code = "already_closed"


class TamperedStatement(Conflict):
    """The stored statement is not the one that was written: its hash differs."""

    code = "statement_tampered"


class StatementStore:
    """Reads and writes statements in the ratings table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, document: StatementJson, events: Sequence[TransactionWrite] = ()) -> None:
        """Store a statement with the writes of its `events`, all or nothing.

        Raises `AlreadyClosed` if the period has one, `Unavailable`.
        """
        put: Any = {
            "TableName": self._table,
            "Item": _item(document),
            "ConditionExpression": _IS_NEW,
        }
        writes: list[Any] = [{"Put": put}, *events]
        try:
            with unavailable_when_transient():
                self._client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if reasons(error)[:1] == ["ConditionalCheckFailed"]:
                start = document["period_start"]
                raise AlreadyClosed(f"the period from {start} has a statement already") from None
            raise

    def get(self, subscription: str, period_start: datetime) -> StatementJson | None:
        """Return a period's statement, or None; raises `TamperedStatement`, `Unavailable`."""
        with unavailable_when_transient():
            response = self._client.get_item(
                TableName=self._table, Key=keys.statement_key(subscription, period_start), ConsistentRead=True
            )
        item = response.get("Item")
        return None if item is None else _document(item)

    def latest(self, subscription: str) -> StatementJson | None:
        """Return the newest statement, or None; raises `TamperedStatement`, `Unavailable`."""
        newest, _ = self.page(subscription, None, 1)
        return newest[0] if newest else None

    def page(
        self, subscription: str, after: datetime | None, limit: int
    ) -> tuple[list[StatementJson], datetime | None]:
        """Return up to `limit` statements, the newest first, and after which start the next page begins.

        Raises `TamperedStatement`, `Unavailable`.
        """
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": keys.statement_partition(subscription)}},
            "ScanIndexForward": False,
            "Limit": limit,
            "ConsistentRead": True,
        }
        if after is not None:
            request["ExclusiveStartKey"] = keys.statement_key(subscription, after)
        with unavailable_when_transient():
            response = self._client.query(**request)
        found = [_document(item) for item in response["Items"]]
        more = response.get("LastEvaluatedKey") and found
        return found, parse_instant(found[-1]["period_start"]) if more else None


def _item(document: StatementJson) -> dict[str, Any]:
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return {
        **keys.statement_key(document["subscription"], parse_instant(document["period_start"])),
        "doc": {"B": zlib.compress(text.encode("utf-8"))},
        "hash": {"S": document.get("hash", "")},
    }


def _document(item: Mapping[str, Any]) -> StatementJson:
    """Return the statement in an item; raises `TamperedStatement` if it was changed in any way."""
    try:
        document: StatementJson = json.loads(zlib.decompress(item["doc"]["B"]))
        key = keys.statement_key(document["subscription"], parse_instant(document["period_start"]))
        expected = {**key, "hash": {"S": document.get("hash", "")}}
    except (KeyError, TypeError, ValueError, Refused, zlib.error):
        raise _tampered(item) from None
    if not is_intact(document) or any(item.get(name) != value for name, value in expected.items()):
        raise _tampered(item)
    return document


def _tampered(item: Mapping[str, Any]) -> TamperedStatement:
    return TamperedStatement(f"the statement {item['pk']['S']} {item['sk']['S']} is not as it was written")
