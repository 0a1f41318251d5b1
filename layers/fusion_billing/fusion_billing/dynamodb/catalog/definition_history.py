"""The history of definitions: one item for each version (docs/data-model.md, Catalog).

An entry is written in the transaction that writes the version. The history has a partition of its own, since rating
often reads all definitions, and never their history. Entries outlive their definition.
"""

import json
from typing import TYPE_CHECKING

from fusion_billing.catalog.change import HISTORY, Change, ChangeEntry
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Request
from fusion_billing.dynamodb.errors import unavailable_when_transient
from fusion_billing.dynamodb.keys import HistoryKind

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DefinitionHistory:
    """Reads and writes the history of metrics, charges and subscriptions."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def write(self, kind: HistoryKind, name: str, version: int, change: Change) -> Request:
        """Return the write of the entry of `version`, for a transaction."""
        text = json.dumps(change.as_json(version), ensure_ascii=False, separators=(",", ":"))
        item = {
            **keys.history_key(kind, name, change.at, version),
            "entry": {"S": text},
        }
        return {"Put": {"TableName": self._table, "Item": item}}

    def newest(self, kind: HistoryKind, name: str) -> list[ChangeEntry]:
        """Return the latest entries, newest first; raises `Unavailable`."""
        with unavailable_when_transient():
            response = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": keys.history_partition(kind, name)}},
                ScanIndexForward=False,
                Limit=HISTORY,
                ConsistentRead=True,
            )
        return [json.loads(item["entry"]["S"]) for item in response["Items"]]
