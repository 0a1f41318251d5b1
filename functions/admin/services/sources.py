"""Create, show and list sources; create and revoke their API keys."""

import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NotRequired, TypedDict

from functions.admin.ports import ApiKeys, Sources
from fusion_billing.access import keys as key_format
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import Source, StoredKey
from fusion_billing.catalog.source import NewKey, NewSource
from fusion_billing.catalog.validation import parse
from fusion_billing.errors import NotFound
from fusion_billing.http.authentication import REMEMBERED_SECONDS
from fusion_billing.instants import rfc3339


class SourceJson(TypedDict):
    """A source. It is limited to `metrics` and `plans` if it has them."""

    id: str
    name: str
    metrics: NotRequired[list[str]]
    plans: NotRequired[list[str]]
    created_at: NotRequired[str]


class KeyJson(TypedDict):
    """A live key of a source."""

    id: str
    scopes: list[str]
    created_at: str


class SourceWithKeysJson(SourceJson):
    """A source with its live keys."""

    keys: list[KeyJson]


class NewKeyJson(TypedDict):
    """A new key; only this response contains `key`."""

    id: str
    key: str
    scopes: list[str]
    source: str


def create(sources: Sources, body: object, now: datetime) -> SourceJson:
    """Create the source that `body` describes and return it; raises `Refused`."""
    requested = parse(NewSource, body)
    source = Source(
        id=f"src_{secrets.token_hex(8)}",
        name=requested.name,
        metrics=frozenset(requested.metrics) if requested.metrics else None,
        plans=frozenset(requested.plans) if requested.plans else None,
        created=now,
    )
    sources.create(source)
    return _shown(source)


def get(sources: Sources, keys: ApiKeys, source_id: str) -> SourceWithKeysJson:
    """Return a source with its live keys, by id, scopes and age; raises `NotFound`."""
    source = _existing(sources, source_id)
    found = ((key_id, keys.get(key_id)) for key_id in source.keys)
    live = [_key_shown(key_id, key) for key_id, key in found if key is not None]
    return {**_shown(source), "keys": live}


def listing(sources: Sources, after: str | None, limit: int) -> tuple[list[SourceJson], str | None]:
    """Return a page of sources by id, and the id to go on after."""
    found, last = sources.listing(after, limit)
    return [_shown(source) for source in found], last


def create_key(sources: Sources, keys: ApiKeys, source_id: str, body: object, now: datetime) -> NewKeyJson:
    """Make a key of a source; what is returned holds it, and nothing else ever does.

    Raises `Refused`, `NotFound`, and `Conflict` (`too_many_keys`) where two are live already.
    """
    requested = parse(NewKey, body)
    return issue(keys, _existing(sources, source_id), requested.scopes, now)


def issue(keys: ApiKeys, source: Source, scopes: Iterable[str], now: datetime) -> NewKeyJson:
    """Make a key of `source` with `scopes` and return it, as `create_key` does."""
    made = key_format.generate()
    principal = Principal(made.id, source.id, frozenset(scopes), source.metrics, source.plans)
    keys.create(made.id, StoredKey(principal, made.hash, now))
    return {"id": made.id, "key": made.text, "scopes": sorted(principal.scopes), "source": source.id}


def revoke_key(keys: ApiKeys, key_id: str, now: datetime, pause: Callable[[float], None]) -> None:
    """Revoke a key and return once it is dead in every container; raises `NotFound`."""
    if key_format.ID_PATTERN.fullmatch(key_id) is None:
        raise NotFound(f"No such API key: {key_id}")
    keys.revoke(key_id, now)
    pause(REMEMBERED_SECONDS)


def _existing(sources: Sources, source_id: str) -> Source:
    source = sources.get(source_id)
    if source is None:
        raise NotFound(f"No such source: {source_id}")
    return source


def _shown(source: Source) -> SourceJson:
    shown: SourceJson = {"id": source.id, "name": source.name}
    if source.metrics is not None:
        shown["metrics"] = sorted(source.metrics)
    if source.plans is not None:
        shown["plans"] = sorted(source.plans)
    if source.created is not None:
        shown["created_at"] = rfc3339(source.created)
    return shown


def _key_shown(key_id: str, key: StoredKey) -> KeyJson:
    return {"id": key_id, "scopes": sorted(key.principal.scopes), "created_at": rfc3339(key.created)}
