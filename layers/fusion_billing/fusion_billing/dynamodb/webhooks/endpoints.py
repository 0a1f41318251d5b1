"""Store endpoints. All are in one partition (`ENDPOINT`), so that one query finds those that listen to an event."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.errors import cancelled_by_condition
from fusion_billing.dynamodb.query_pages import query_items
from fusion_billing.errors import Conflict, VersionConflict
from fusion_billing.instants import parse_instant, rfc3339
from fusion_billing.webhooks.endpoint import Endpoint, SealedSecret
from fusion_billing.webhooks.publishing import TransactionWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LIMITS = ("metrics", "plans", "subscriptions")
_OPTIONAL = (*_LIMITS, "disabled_at", "disabled_reason")


class EndpointStore:
    """Reads and writes endpoints."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def get(self, endpoint_id: str) -> Endpoint | None:
        """Return an endpoint (consistent read), or None."""
        item = self._dynamodb.get_item(
            TableName=self._table, Key=keys.endpoint_key(endpoint_id), ConsistentRead=True
        ).get("Item")
        return None if item is None else from_item(item)

    def all(self) -> list[Endpoint]:
        """Return every endpoint of every source (consistent read)."""
        return list(self._query(None))

    def listing(self, *, source: str | None, limit: int, after: str | None) -> tuple[list[Endpoint], str | None]:
        """Return up to `limit` endpoints, of one source or of all, and the ID to go on after, if any."""
        found: list[Endpoint] = []
        for endpoint in self._query(after):
            if source is None or endpoint.source == source:
                if len(found) == limit:
                    return found, found[-1].id
                found.append(endpoint)
        return found, None

    def create(self, endpoint: Endpoint, also: Sequence[TransactionWrite] = ()) -> None:
        """Store a new endpoint, in one transaction with the check that its source is as it was read.

        `also` are the check and further writes. Raises `VersionConflict` if the source was changed since.
        """
        put: Any = {
            "TableName": self._table,
            "Item": to_item(endpoint),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        try:
            self._transact([{"Put": put}, *also])
        except ClientError as error:
            if not cancelled_by_condition(error):
                raise
            raise VersionConflict("The source was changed by another request: read it again") from error

    def replace(
        self, endpoint: Endpoint, *, forget_failures: bool = False, also: Sequence[TransactionWrite] = ()
    ) -> Endpoint:
        """Store `endpoint` over the version it was read at, `also` with it, and return it as it is stored.

        `failing_since` is written by attempts alone: it stays as stored, or is removed by `forget_failures`.
        Raises `Conflict` if the endpoint was changed or deleted meanwhile.
        """
        item = to_item(replace(endpoint, version=endpoint.version + 1))
        values = {name: value for name, value in item.items() if name not in {"pk", "sk", "failing_since"}}
        gone = [name for name in _OPTIONAL if name not in values]
        if forget_failures:
            gone.append("failing_since")
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in values)
        if gone:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
        update: Any = {
            "TableName": self._table,
            "Key": keys.endpoint_key(endpoint.id),
            "UpdateExpression": expression,
            "ConditionExpression": "#version = :read",
            "ExpressionAttributeNames": {f"#{name}": name for name in [*values, *gone]},
            "ExpressionAttributeValues": {
                **{f":{name}": value for name, value in values.items()},
                ":read": {"N": str(endpoint.version)},
            },
        }
        try:
            self._transact([{"Update": update}, *also])
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            if not cancelled_by_condition(error):
                raise
            raise Conflict("the endpoint was changed by someone else; read it again") from None
        stored = self.get(endpoint.id)
        if stored is None:
            raise Conflict("the endpoint was deleted by someone else")
        return stored

    def delete(self, endpoint_id: str, also: Sequence[TransactionWrite] = ()) -> None:
        """Delete an endpoint, with further writes of the transaction; its deliveries expire by their time to live."""
        self._transact([{"Delete": {"TableName": self._table, "Key": keys.endpoint_key(endpoint_id)}}, *also])

    def _transact(self, writes: Sequence[Any]) -> None:
        self._dynamodb.transact_write_items(TransactItems=list(writes))

    def note_failure(self, endpoint_id: str, now: datetime) -> datetime | None:
        """Record that an attempt failed at `now`. Return since when all fail, or None if the endpoint is deleted."""
        try:
            updated = self._dynamodb.update_item(
                TableName=self._table,
                Key=keys.endpoint_key(endpoint_id),
                UpdateExpression="SET failing_since = if_not_exists(failing_since, :now)",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":now": {"S": rfc3339(now)}},
                ReturnValues="UPDATED_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return None
        return parse_instant(updated["Attributes"]["failing_since"]["S"])

    def note_success(self, endpoint_id: str) -> None:
        """Record that an attempt succeeded."""
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=keys.endpoint_key(endpoint_id),
                UpdateExpression="REMOVE failing_since",
                ConditionExpression="attribute_exists(pk)",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

    def disable(self, endpoint: Endpoint, writes: Sequence[TransactionWrite]) -> bool:
        """Store that `endpoint` is disabled, with the event that reports it, in one transaction.

        Returns False and writes nothing if the endpoint is no longer enabled, or deleted.
        """
        still_enabled = "#state = :enabled"
        update = {
            "Update": {
                "TableName": self._table,
                "Key": keys.endpoint_key(endpoint.id),
                "UpdateExpression": "SET #state = :disabled, disabled_at = :at, disabled_reason = :why "
                "ADD version :one",
                "ConditionExpression": still_enabled,
                "ExpressionAttributeNames": {"#state": "state"},
                "ExpressionAttributeValues": {
                    ":enabled": {"S": "enabled"},
                    ":disabled": {"S": "disabled"},
                    ":at": {"S": rfc3339(endpoint.disabled_at)} if endpoint.disabled_at else {"NULL": True},
                    ":why": {"S": endpoint.disabled_reason or ""},
                    ":one": {"N": "1"},
                },
            }
        }
        items: Any = [update, *writes]
        try:
            self._dynamodb.transact_write_items(TransactItems=items)
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            reasons: Any = error.response.get("CancellationReasons") or [{}]
            if reasons[0].get("Code") == "ConditionalCheckFailed":
                return False
            raise
        return True

    def _query(self, after: str | None) -> Iterator[Endpoint]:
        request: Any = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :all",
            "ExpressionAttributeValues": {":all": {"S": keys.ENDPOINT_PARTITION}},
            "ConsistentRead": True,
        }
        position = None if after is None else keys.endpoint_key(after)
        return map(from_item, query_items(self._dynamodb, request, position))


class EndpointDirectory:
    """Every endpoint, cached for a moment, so that ratings do not read them for each event."""

    def __init__(
        self, store: EndpointStore, *, monotonic: Callable[[], float], ttl: timedelta = timedelta(seconds=1)
    ) -> None:
        self._store = store
        self._monotonic = monotonic
        self._ttl = ttl.total_seconds()
        self._known: list[Endpoint] = []
        self._until: float | None = None

    def endpoints(self) -> Sequence[Endpoint]:
        """Return every endpoint, no older than the time to live."""
        moment = self._monotonic()
        if self._until is None or moment >= self._until:
            self._known = self._store.all()
            self._until = moment + self._ttl
        return self._known


def to_item(endpoint: Endpoint) -> Item:
    """Return an endpoint as it is stored."""
    item: Item = {
        **keys.endpoint_key(endpoint.id),
        "source": {"S": endpoint.source},
        "url": {"S": endpoint.url},
        "events": {"L": [{"S": event} for event in endpoint.events]},
        "created": {"S": rfc3339(endpoint.created_at)},
        "description": {"S": endpoint.description},
        "state": {"S": endpoint.state},
        "secrets": {"L": [_secret_item(secret) for secret in endpoint.secrets]},
        "version": {"N": str(endpoint.version)},
    }
    for name, limit in zip(_LIMITS, endpoint.limits, strict=True):
        if limit is not None:
            item[name] = {"L": [{"S": value} for value in sorted(limit)]}
    for name, instant in (("failing_since", endpoint.failing_since), ("disabled_at", endpoint.disabled_at)):
        if instant is not None:
            item[name] = {"S": rfc3339(instant)}
    if endpoint.disabled_reason is not None:
        item["disabled_reason"] = {"S": endpoint.disabled_reason}
    return item


def from_item(item: Item) -> Endpoint:
    """Return the endpoint of an item."""
    return Endpoint(
        id=item["sk"]["S"],
        source=item["source"]["S"],
        url=item["url"]["S"],
        events=tuple(event["S"] for event in item["events"]["L"]),
        created_at=parse_instant(item["created"]["S"]),
        description=item["description"]["S"],
        state=item["state"]["S"],
        metrics=_limit(item, "metrics"),
        plans=_limit(item, "plans"),
        subscriptions=_limit(item, "subscriptions"),
        secrets=tuple(_secret(secret["M"]) for secret in item["secrets"]["L"]),
        failing_since=_instant(item, "failing_since"),
        disabled_at=_instant(item, "disabled_at"),
        disabled_reason=item["disabled_reason"]["S"] if "disabled_reason" in item else None,
        version=int(item["version"]["N"]),
    )


def _limit(item: Any, name: str) -> frozenset[str] | None:
    return frozenset(value["S"] for value in item[name]["L"]) if name in item else None


def _instant(item: Any, name: str) -> datetime | None:
    return parse_instant(item[name]["S"]) if name in item else None


def _secret_item(secret: SealedSecret) -> Item:
    item: Item = {"sealed": {"B": secret.sealed}, "created": {"S": rfc3339(secret.created_at)}}
    if secret.expires_at is not None:
        item["expires"] = {"S": rfc3339(secret.expires_at)}
    return {"M": item}


def _secret(item: Any) -> SealedSecret:
    return SealedSecret(
        sealed=bytes(item["sealed"]["B"]),
        created_at=parse_instant(item["created"]["S"]),
        expires_at=_instant(item, "expires"),
    )
