"""Create, show and list sources; create and revoke their API keys."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NotRequired, TypedDict

from functions.admin.ports import ApiKeys, KeyUses, SourceChanges, Sources, Subscriptions
from functions.admin.services.write_attempts import attempts
from fusion_billing.access import keys as key_format
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import Source, StoredKey
from fusion_billing.audit.recorder import Record, unrecorded
from fusion_billing.catalog.source import NewKey, NewSource
from fusion_billing.catalog.validation import parse
from fusion_billing.errors import Fault, NotFound, Refused
from fusion_billing.http.authentication import REMEMBERED_SECONDS
from fusion_billing.instants import rfc3339

_READ_ONLY = ("id", "created_at")


class SourceJson(TypedDict):
    """A source. It is limited to `metrics`, `plans` and `subscriptions` if it has them."""

    id: str
    name: str
    metrics: NotRequired[list[str]]
    plans: NotRequired[list[str]]
    subscriptions: NotRequired[list[str]]
    requests_per_second: NotRequired[int]
    created_at: NotRequired[str]


class KeyJson(TypedDict):
    """A key of a source that is not revoked; `last_used_on` is null for a key that was never used."""

    id: str
    scopes: list[str]
    created_at: str
    expires_at: NotRequired[str]
    expired: NotRequired[bool]
    last_used_on: NotRequired[str | None]


class SourceWithKeysJson(SourceJson):
    """A source with its live keys."""

    keys: list[KeyJson]


class NewKeyJson(TypedDict):
    """A new key; only this response contains `key`."""

    id: str
    key: str
    scopes: list[str]
    source: str
    expires_at: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of these use cases."""

    sources: Sources
    keys: ApiKeys
    subscriptions: Subscriptions
    changes: SourceChanges
    uses: KeyUses


def create(stores: Stores, body: object, now: datetime, record: Record = unrecorded) -> SourceJson:
    """Create the source that `body` describes and return it; raises `Refused`.

    A subscription may be named by an alias; it is stored, and shown, by its own ID.
    """
    requested = parse(NewSource, body)
    source = _with(Source(f"src_{secrets.token_hex(8)}", requested.name, created=now), stores.subscriptions, requested)
    stores.sources.create(source, record(f"sources/{source.id}", None, dict(_shown(source))))
    return _shown(source)


def change(
    stores: Stores,
    source_id: str,
    body: Mapping[str, object],
    pause: Callable[[float], None],
    *,
    record: Record = unrecorded,
) -> SourceJson:
    """Change the fields in `body` of a source, null taking a limit away; return the source.

    Its keys and endpoints have the new limits at once: it returns when no container remembers the former ones.
    Raises `Refused`, `NotFound`, and `Unavailable`.
    """
    for attempt in attempts():
        with attempt:
            source = _existing(stores.sources, source_id)
            whole = {name: value for name, value in _shown(source).items() if name not in _READ_ONLY}
            requested = parse(NewSource, {**whole, **body})
            changed = _with(source, stores.subscriptions, requested)
            is_changed = changed != source
            before, after = dict(_shown(source)), dict(_shown(changed))
            stores.changes.apply(changed, record(f"sources/{source.id}", before, after) if is_changed else ())
            if is_changed:
                pause(REMEMBERED_SECONDS)
            return _shown(changed)
    raise AssertionError


def _with(source: Source, subscriptions: Subscriptions, requested: NewSource) -> Source:
    known = source.subscriptions or frozenset()
    named = requested.subscriptions
    return replace(
        source,
        name=requested.name,
        metrics=frozenset(requested.metrics) if requested.metrics else None,
        plans=frozenset(requested.plans) if requested.plans else None,
        subscriptions=own_ids(subscriptions, named, known) if named else None,
        requests_per_second=requested.requests_per_second,
    )


def get(stores: Stores, source_id: str, now: datetime) -> SourceWithKeysJson:
    """Return a source with its keys that are not revoked, by id, scopes, age, expiry, last use; raises `NotFound`."""
    source = _existing(stores.sources, source_id)
    found = ((key_id, stores.keys.get(key_id)) for key_id in source.keys)
    live: list[KeyJson] = [
        {**_key_shown(key_id, key, now), "last_used_on": _day_shown(stores.uses.last_day(key_id))}
        for key_id, key in found
        if key is not None
    ]
    return {**_shown(source), "keys": live}


def listing(sources: Sources, after: str | None, limit: int) -> tuple[list[SourceJson], str | None]:
    """Return a page of sources by id, and the id to go on after."""
    found, last = sources.listing(after, limit)
    return [_shown(source) for source in found], last


def create_key(
    stores: Stores, source_id: str, body: object, now: datetime, *, record: Record = unrecorded
) -> NewKeyJson:
    """Make a key of a source; what is returned holds it, and nothing else ever does.

    Raises `Refused`, `NotFound`, and `Conflict` (`too_many_keys`) where two are live already.
    """
    requested = parse(NewKey, body)
    if requested.expires_at is not None and requested.expires_at <= now:
        raise Refused([Fault("expires_at", "not_in_the_future", "must be in the future")])
    for attempt in attempts():
        with attempt:
            source = _existing(stores.sources, source_id)
            return _issue(stores.keys, source, requested, now, record)
    raise AssertionError


def _issue(keys: ApiKeys, source: Source, requested: NewKey, now: datetime, record: Record) -> NewKeyJson:
    made = key_format.generate()
    principal = Principal(made.id, source.id, frozenset(requested.scopes), *source.limits)
    key = StoredKey(
        principal,
        made.hash,
        now,
        expires=requested.expires_at,
        requests_per_second=source.requests_per_second,
    )
    also = record(f"keys/{made.id}", None, _recorded(made.id, key))
    keys.create(made.id, key, source.version, also)
    shown: NewKeyJson = {
        "id": made.id,
        "key": made.text,
        "scopes": sorted(principal.scopes),
        "source": source.id,
    }
    if key.expires is not None:
        shown["expires_at"] = rfc3339(key.expires)
    return shown


def revoke_key(
    keys: ApiKeys, key_id: str, now: datetime, pause: Callable[[float], None], record: Record = unrecorded
) -> None:
    """Revoke a key and return once it is dead in every container; raises `NotFound`."""
    if key_format.ID_PATTERN.fullmatch(key_id) is None:
        raise NotFound(f"No such API key: {key_id}")
    stored = keys.get(key_id)
    if stored is None:
        raise NotFound(f"No such API key: {key_id}")
    keys.revoke(key_id, now, record(f"keys/{key_id}", _recorded(key_id, stored), None))
    pause(REMEMBERED_SECONDS)


def own_ids(subscriptions: Subscriptions, named: Sequence[str], known: frozenset[str]) -> frozenset[str]:
    """Return the IDs of subscriptions named by IDs or aliases.

    Those that are `known` may have been deleted since. Raises `Refused` with every unknown one.
    """
    ids: set[str] = set()
    faults: list[Fault] = []
    for place, name in enumerate(named):
        stored = None if name in known else subscriptions.find(name)
        if stored is not None or name in known:
            ids.add(name if stored is None else stored.id)
        else:
            faults.append(Fault(f"subscriptions.{place}", "unknown_subscription", "does not exist"))
    if faults:
        raise Refused(faults)
    return frozenset(ids)


def _recorded(key_id: str, key: StoredKey) -> dict[str, object]:
    """Return a key as the audit log has it."""
    return {**_key_shown(key_id, key, key.created), "source": key.principal.source}


def _existing(sources: Sources, source_id: str) -> Source:
    source = sources.get(source_id)
    if source is None:
        raise NotFound(f"Unknown source: {source_id}")
    return source


def _shown(source: Source) -> SourceJson:
    shown: SourceJson = {"id": source.id, "name": source.name}
    if source.metrics is not None:
        shown["metrics"] = sorted(source.metrics)
    if source.plans is not None:
        shown["plans"] = sorted(source.plans)
    if source.subscriptions is not None:
        shown["subscriptions"] = sorted(source.subscriptions)
    if source.requests_per_second is not None:
        shown["requests_per_second"] = source.requests_per_second
    if source.created is not None:
        shown["created_at"] = rfc3339(source.created)
    return shown


def _key_shown(key_id: str, key: StoredKey, now: datetime) -> KeyJson:
    shown: KeyJson = {"id": key_id, "scopes": sorted(key.principal.scopes), "created_at": rfc3339(key.created)}
    if key.expires is not None:
        shown["expires_at"] = rfc3339(key.expires)
        shown["expired"] = key.has_expired(now)
    return shown


def _day_shown(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
