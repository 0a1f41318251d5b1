"""The watermark of the subscription sync: the item `SYNC` of the state table."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.errors import condition_failed
from fusion_billing.instants import sortable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEY = keys.SYNC_KEY
_IS_FURTHER = "attribute_not_exists(since) OR since < :since"


class SyncState:
    """`since`: everything changed in Odoo before it has been read."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def since(self) -> datetime | None:
        """Return the instant from which changes have to be read; None before the first sync."""
        item = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True).get("Item")
        return datetime.fromisoformat(item["since"]["S"]) if item and "since" in item else None

    def done(self, since: datetime, report: Mapping[str, object]) -> None:
        """Store that all changes before `since` are read. The watermark never moves back."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_KEY,
                UpdateExpression="SET since = :since, report = :report",
                ConditionExpression=_IS_FURTHER,
                ExpressionAttributeValues={
                    ":since": {"S": sortable(since)},
                    ":report": {"S": json.dumps(report, ensure_ascii=False)},
                },
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
