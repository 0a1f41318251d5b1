"""API keys and sources in the catalog table (docs/data-model.md, Catalog)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fusion_billing.access.principal import Principal
from fusion_billing.access.sessions import MAX_SESSIONS, NewSession, StoredSession
from fusion_billing.access.stored_key import StoredKey
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.catalog.sources import SourceStore
from fusion_billing.dynamodb.errors import cancelled_by_condition, condition_failed, reasons, unavailable_when_transient
from fusion_billing.dynamodb.expressions import UpdateExpression
from fusion_billing.errors import Conflict, NotFound, Unavailable, VersionConflict
from fusion_billing.instants import parse_instant, rfc3339
from fusion_billing.retry import VERSION_CONFLICTS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from fusion_billing.webhooks.publishing import TransactionWrite

_SESSION = "session_"
"""Each session is an attribute of its key's item: two that begin at once don't overwrite each other."""
LIMITS = ("metrics", "plans", "subscriptions")
"""Attributes of a source's limits on its keys and endpoints."""

_OPTIONAL = ("rps", *LIMITS)
"""Attributes that a key has only while its source has such a limit."""

LIVE_KEYS = 2  # the old one and the new one, while an app moves from one to the other


class KeyStore:
    """Reads and writes API keys. Reads are consistent."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, key_id: str) -> StoredKey | None:
        """Return the key as it is now, or None; raises `Unavailable`."""
        with unavailable_when_transient():
            response = self._client.get_item(TableName=self._table, Key=keys.api_key_key(key_id), ConsistentRead=True)
        item = response.get("Item")
        return _read(key_id, item) if item else None

    def create(
        self, key_id: str, stored: StoredKey, source_version: int = 1, also: "Sequence[TransactionWrite]" = ()
    ) -> None:
        """Store a new key of an existing source, read at `source_version`: the key has copies of its limits.

        Raises `NotFound` if the source does not exist, `VersionConflict` if it has changed since,
        `Conflict` (`too_many_keys`) if it has two active keys already, and `Unavailable`.
        """
        source_is_as_read = "#version = :read"
        room_for_one = "size(#keys) < :most"
        key_is_new = "attribute_not_exists(pk)"
        add_to_source: Any = {
            "TableName": self._table,
            "Key": keys.source_key(stored.principal.source),
            "UpdateExpression": "SET #keys = list_append(#keys, :added)",
            "ConditionExpression": f"{source_is_as_read} AND {room_for_one}",
            "ExpressionAttributeNames": {"#keys": "keys", "#version": "version"},
            "ExpressionAttributeValues": {
                ":added": {"L": [{"S": key_id}]},
                ":most": {"N": str(LIVE_KEYS)},
                ":read": {"N": str(source_version)},
            },
        }
        put_key: Any = {
            "TableName": self._table,
            "Item": _write(key_id, stored),
            "ConditionExpression": key_is_new,
        }
        writes: Any = [{"Update": add_to_source}, {"Put": put_key}, *also]
        try:
            with unavailable_when_transient():
                self._client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if not cancelled_by_condition(error):
                raise
            if reasons(error)[1] == "ConditionalCheckFailed":
                raise Conflict("A key with this ID exists already") from error
            source = SourceStore(self._client, self._table).get(stored.principal.source)
            if source is None:
                raise NotFound(f"Unknown source: {stored.principal.source}") from error
            if source.version != source_version:
                raise VersionConflict("The source was changed by another request: read it again") from error
            raise Conflict(
                f"the source has {LIVE_KEYS} live keys: delete one before another is made",
                code="too_many_keys",
            ) from error

    def put_person(self, key_id: str, stored: StoredKey) -> None:
        """Store what a person may do now; its sessions go on, unless they were revoked. Raises `Unavailable`."""
        item = _write(key_id, stored)
        attributes = {name: value for name, value in item.items() if name not in keys.api_key_key(key_id)}
        names = {f"#{name}": name for name in (*attributes, *_OPTIONAL)}
        change = UpdateExpression().set_all(f"#{name}" for name in attributes)
        is_not_revoked = "attribute_exists(pk) AND attribute_not_exists(revoked)"
        update: Any = {
            "TableName": self._table,
            "Key": keys.api_key_key(key_id),
            "UpdateExpression": str(change.remove(*(f"#{name}" for name in _OPTIONAL if name not in attributes))),
            "ConditionExpression": is_not_revoked,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {f":{name}": value for name, value in attributes.items()},
        }
        # A sign-in at the same time may be the first one too, and its session must stay.
        is_new_or_revoked = "attribute_not_exists(pk) OR attribute_exists(revoked)"
        put: Any = {"TableName": self._table, "Item": item, "ConditionExpression": is_new_or_revoked}
        for _ in VERSION_CONFLICTS.attempts():
            if _done(self._client.update_item, update) or _done(self._client.put_item, put):
                return
        raise Unavailable("The person is signing in elsewhere: sign in again")

    def begin_session(self, key_id: str, session: NewSession, now: datetime) -> None:
        """Store a session of a key, and delete its expired sessions, or the oldest if there are too many.

        Raises `NotFound` and `Unavailable`.
        """
        stored = self.get(key_id)
        if stored is None:
            raise NotFound(f"Unknown API key: {key_id}")
        by_age = sorted(stored.sessions, key=lambda id_: stored.sessions[id_].expires_at)
        live = [id_ for id_ in by_age if stored.sessions[id_].expires_at > now]
        ended = [id_ for id_ in by_age if id_ not in live[-(MAX_SESSIONS - 1) :]]
        self._change_sessions(key_id, add=(session.id, _session_attribute(session.stored)), remove=ended)

    def end_session(self, key_id: str, session_id: str) -> None:
        """End a session. An ended session stays ended. Raises `Unavailable`."""
        self._change_sessions(key_id, add=None, remove=[session_id])

    def _change_sessions(self, key_id: str, *, add: tuple[str, Any] | None, remove: list[str]) -> None:
        names = {f"#r{number}": f"{_SESSION}{id_}" for number, id_ in enumerate(remove)}
        expression = f"REMOVE {', '.join(names)}" if names else ""
        values: dict[str, Any] = {}
        if add is not None:
            expression = f"SET #added = :added {expression}"
            names["#added"], values[":added"] = f"{_SESSION}{add[0]}", add[1]
        request: Any = {
            "TableName": self._table,
            "Key": keys.api_key_key(key_id),
            "UpdateExpression": expression.strip(),
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeNames": names,
        }
        if values:
            request["ExpressionAttributeValues"] = values
        try:
            with unavailable_when_transient():
                self._client.update_item(**request)
        except ClientError as error:
            if not condition_failed(error):
                raise
            raise NotFound(f"Unknown API key: {key_id}") from error

    def revoke(self, key_id: str, now: datetime, also: "Sequence[TransactionWrite]" = ()) -> None:
        """Revoke a key. A revoked key stays revoked. Raises `NotFound` and `Unavailable`."""
        for _ in VERSION_CONFLICTS.attempts():
            stored = self.get(key_id)
            if stored is None:
                raise NotFound(f"Unknown API key: {key_id}")
            if stored.revoked is not None or self._revoked(key_id, stored.principal.source, now, also):
                return
        raise Unavailable("The keys of the source are being changed by other requests: send the request again")

    def _revoked(self, key_id: str, source_id: str, now: datetime, also: "Sequence[TransactionWrite]") -> bool:
        """Revoke the key and remove it from its source's list; return False if the list has changed since."""
        source = SourceStore(self._client, self._table).get(source_id)
        live = source.keys if source else ()
        list_is_as_read = "#keys = :read"
        key_exists = "attribute_exists(pk)"
        take_off: Any = {
            "TableName": self._table,
            "Key": keys.source_key(source_id),
            "UpdateExpression": "SET #keys = :left",
            "ConditionExpression": list_is_as_read,
            "ExpressionAttributeNames": {"#keys": "keys"},
            "ExpressionAttributeValues": {
                ":read": _strings(live),
                ":left": _strings(tuple(each for each in live if each != key_id)),
            },
        }
        mark: Any = {
            "TableName": self._table,
            "Key": keys.api_key_key(key_id),
            "UpdateExpression": "SET revoked = :now",
            "ConditionExpression": key_exists,
            "ExpressionAttributeValues": {":now": {"S": rfc3339(now)}},
        }
        try:
            with unavailable_when_transient():
                revoking: Any = [{"Update": take_off}, {"Update": mark}, *also]
                self._client.transact_write_items(TransactItems=revoking)
        except ClientError as error:
            if not cancelled_by_condition(error):
                raise
            return False
        return True


def _done(write: Callable[..., object], request: Mapping[str, Any]) -> bool:
    """Return whether the condition of a write held; raises `Unavailable`."""
    try:
        with unavailable_when_transient():
            write(**request)
    except ClientError as error:
        if not condition_failed(error):
            raise
        return False
    return True


def _session_attribute(session: StoredSession) -> Any:
    return {"M": {"hash": {"S": session.hash}, "expires_at": {"S": rfc3339(session.expires_at)}}}


def _strings(values: tuple[str, ...]) -> dict[str, Any]:
    return {"L": [{"S": value} for value in values]}


def _write(key_id: str, stored: StoredKey) -> dict[str, Any]:
    principal = stored.principal
    item = {
        **keys.api_key_key(key_id),
        "hash": {"S": stored.hash},
        "source": {"S": principal.source},
        "scopes": _strings(tuple(sorted(principal.scopes))),
        "created": {"S": rfc3339(stored.created)},
    }
    if principal.person is not None:
        item["person"] = {"S": principal.person}
    if stored.expires is not None:
        item["expires"] = {"S": rfc3339(stored.expires)}
    if stored.requests_per_second is not None:
        item["rps"] = {"N": str(stored.requests_per_second)}
    return item | limit_attributes(principal.metrics, principal.plans, principal.subscriptions)


def limit_attributes(*limits: frozenset[str] | None) -> Item:
    """Return the attributes of a source's limits (metrics, plans, subscriptions) on its keys and endpoints."""
    named = zip(LIMITS, limits, strict=True)
    return {name: _strings(tuple(sorted(limit))) for name, limit in named if limit is not None}


def _read(key_id: str, item: dict[str, Any]) -> StoredKey:
    principal = Principal(
        key_id=key_id,
        source=item["source"]["S"],
        scopes=_set(item, "scopes") or frozenset(),
        metrics=_set(item, "metrics"),
        plans=_set(item, "plans"),
        subscriptions=_set(item, "subscriptions"),
        person=item["person"]["S"] if "person" in item else None,
    )
    revoked, expires, rate = item.get("revoked"), item.get("expires"), item.get("rps")
    return StoredKey(
        principal=principal,
        hash=item["hash"]["S"],
        created=parse_instant(item["created"]["S"]),
        revoked=parse_instant(revoked["S"]) if revoked else None,
        sessions=_sessions(item),
        expires=parse_instant(expires["S"]) if expires else None,
        requests_per_second=int(rate["N"]) if rate else None,
    )


def _sessions(item: dict[str, Any]) -> dict[str, StoredSession]:
    return {
        name.removeprefix(_SESSION): StoredSession(
            value["M"]["hash"]["S"], parse_instant(value["M"]["expires_at"]["S"])
        )
        for name, value in item.items()
        if name.startswith(_SESSION)
    }


def _set(item: dict[str, Any], name: str) -> frozenset[str] | None:
    return frozenset(each["S"] for each in item[name]["L"]) if name in item else None
