"""Change a source, with the copies of its limits on its keys and endpoints (docs/data-model.md, Catalog)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.access.stored_key import Source
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import MAX_TRANSACTION_WRITES
from fusion_billing.dynamodb.catalog.api_keys import LIMITS, limit_attributes
from fusion_billing.dynamodb.catalog.sources import document_of
from fusion_billing.dynamodb.errors import cancelled_by_condition, unavailable_when_transient
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.errors import VersionConflict
from fusion_billing.webhooks.publishing import TransactionWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class SourceChanges:
    """Writes a source over the version that was read."""

    def __init__(self, client: "DynamoDBClient", *, catalog_table: str, webhooks_table: str) -> None:
        self._client = client
        self._catalog = catalog_table
        self._webhooks = webhooks_table

    def apply(self, source: Source, also: Sequence[TransactionWrite] = ()) -> None:
        """Store a source with further writes of the transaction, and the copies of its limits.

        The source, its keys and as many endpoints as fit are one transaction; further endpoints follow in
        transactions of their own. If a call is interrupted, repeat it: endpoints that have other
        limits than the source are written, whatever was written before.

        Raises `VersionConflict` if the source, or one of its keys or endpoints, was changed since, and `Unavailable`.
        """
        writes = [self._source(source), *also, *(self._key(source, key_id) for key_id in source.keys)]
        writes += self._endpoints(source)
        for start in range(0, len(writes), MAX_TRANSACTION_WRITES):
            self._transact(writes[start : start + MAX_TRANSACTION_WRITES])

    def _source(self, source: Source) -> Any:
        source_is_as_read = "#version = :read AND #keys = :keys"
        return {
            "Update": {
                "TableName": self._catalog,
                "Key": keys.source_key(source.id),
                "UpdateExpression": "SET #doc = :doc, #version = :new",
                "ConditionExpression": source_is_as_read,
                "ExpressionAttributeNames": {"#doc": "doc", "#version": "version", "#keys": "keys"},
                "ExpressionAttributeValues": {
                    ":doc": {"S": document_of(source)},
                    ":new": {"N": str(source.version + 1)},
                    ":read": {"N": str(source.version)},
                    ":keys": {"L": [{"S": key_id} for key_id in source.keys]},
                },
            }
        }

    def _key(self, source: Source, key_id: str) -> Any:
        values = limit_attributes(*source.limits)
        if source.requests_per_second is not None:
            values["rps"] = {"N": str(source.requests_per_second)}
        return _copy(self._catalog, keys.api_key_key(key_id), values, (*LIMITS, "rps"))

    def _endpoints(self, source: Source) -> Iterator[Any]:
        values = limit_attributes(*source.limits)
        for endpoint in EndpointStore(self._client, self._webhooks).all():
            if endpoint.source == source.id and endpoint.limits != source.limits:
                yield _copy(self._webhooks, keys.endpoint_key(endpoint.id), values, LIMITS, counted=True)

    def _transact(self, writes: Sequence[Any]) -> None:
        try:
            with unavailable_when_transient():
                self._client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if not cancelled_by_condition(error):
                raise
            raise VersionConflict("The source was changed by another request: read it again") from error


def _copy(
    table: str, key: keys.Key, values: dict[str, Any], names: Sequence[str], *, counted: bool = False
) -> dict[str, Any]:
    """Return the write that sets `values` on an item, and removes the other `names`.

    An endpoint's version is `counted` up, so that a change of it that was read before is a conflict.
    """
    sets = [f"#{name} = :{name}" for name in values]
    removed = [name for name in names if name not in values]
    parts = [f"SET {', '.join(sets)}"] if sets else []
    parts += [f"REMOVE {', '.join(f'#{name}' for name in removed)}"] if removed else []
    attributes = {f":{name}": value for name, value in values.items()}
    named = {f"#{name}": name for name in names}
    if counted:
        parts.append("ADD #version :one")
        attributes[":one"], named["#version"] = {"N": "1"}, "version"
    update: dict[str, Any] = {
        "TableName": table,
        "Key": key,
        "UpdateExpression": " ".join(parts),
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeNames": named,
    }
    return {"Update": update | ({"ExpressionAttributeValues": attributes} if attributes else {})}
