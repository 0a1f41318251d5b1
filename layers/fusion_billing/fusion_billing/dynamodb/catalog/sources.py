"""Sources in the catalog table (docs/data-model.md, Catalog)."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.access.stored_key import Source
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.errors import cancelled_by_condition, unavailable_when_transient
from fusion_billing.errors import Conflict
from fusion_billing.instants import parse_instant, rfc3339

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from fusion_billing.webhooks.publishing import TransactionWrite


class SourceStore:
    """Reads and writes sources. There are few, so they have one partition."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def create(self, source: Source, also: "Sequence[TransactionWrite]" = ()) -> None:
        """Store a new source, without keys; raises `Conflict` if its ID exists, and `Unavailable`."""
        source_is_new = "attribute_not_exists(pk)"
        item: Item = {
            **keys.source_key(source.id),
            "doc": {"S": document_of(source)},
            "version": {"N": "1"},
            "keys": {"L": []},
        }
        try:
            with unavailable_when_transient():
                put: Any = {"TableName": self._table, "Item": item, "ConditionExpression": source_is_new}
                writes: Any = [{"Put": put}, *also]
                self._client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if cancelled_by_condition(error):
                raise Conflict(f"The source {source.id} exists already") from error
            raise

    def unchanged(self, source: Source) -> "TransactionWrite":
        """Return the condition check of a transaction that a source, its limits and its keys have not changed."""
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": keys.source_key(source.id),
                "ConditionExpression": "#version = :read",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":read": {"N": str(source.version)}},
            }
        }

    def get(self, source_id: str) -> Source | None:
        """Return a source by a consistent read, or None; raises `Unavailable`."""
        with unavailable_when_transient():
            response = self._client.get_item(TableName=self._table, Key=keys.source_key(source_id), ConsistentRead=True)
        item = response.get("Item")
        return _read(item) if item else None

    def listing(self, after: str | None, limit: int) -> tuple[list[Source], str | None]:
        """Return a page of sources by ID, and the ID that the next page starts after (None: no more)."""
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": keys.SOURCE}},
            "Limit": limit,
        }
        if after is not None:
            arguments["ExclusiveStartKey"] = keys.source_key(after)
        with unavailable_when_transient():
            response = self._client.query(**arguments)
        last = response.get("LastEvaluatedKey")
        return [_read(item) for item in response["Items"]], last["sk"]["S"] if last else None


def document_of(source: Source) -> str:
    """Return a source's document, as it is stored."""
    document: dict[str, Any] = {"name": source.name}
    named = zip(("metrics", "plans", "subscriptions"), source.limits, strict=True)
    document |= {name: sorted(limit) for name, limit in named if limit is not None}
    if source.requests_per_second is not None:
        document["requests_per_second"] = source.requests_per_second
    if source.created is not None:
        document["created"] = rfc3339(source.created)
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _read(item: dict[str, Any]) -> Source:
    document = json.loads(item["doc"]["S"])
    created = document.get("created")
    return Source(
        id=item["sk"]["S"],
        name=document["name"],
        metrics=frozenset(document["metrics"]) if "metrics" in document else None,
        plans=frozenset(document["plans"]) if "plans" in document else None,
        subscriptions=frozenset(document["subscriptions"]) if "subscriptions" in document else None,
        keys=tuple(each["S"] for each in item["keys"]["L"]),
        created=parse_instant(created) if created else None,
        version=int(item["version"]["N"]),
        requests_per_second=document.get("requests_per_second"),
    )
