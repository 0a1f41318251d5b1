"""Sources and their keys: created, shown without secrets, revoked in every container."""

from datetime import UTC, datetime

import pytest

from functions.admin.services import sources
from fusion_billing.errors import NotFound
from tests.fakes.api_keys import FakeApiKeys, FakeKeyUses, FakeSources
from tests.fakes.subscriptions import FakeSubscriptions

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def stores(stored: FakeSources, keys: FakeApiKeys) -> sources.Stores:
    return sources.Stores(stored, keys, FakeSubscriptions(), stored, FakeKeyUses())


def test_a_source_and_its_keys() -> None:
    stored, keys = FakeSources(), FakeApiKeys()
    source = sources.create(stores(stored, keys), {"name": "app", "metrics": ["m"]}, NOW)
    key = sources.create_key(stores(stored, keys), source["id"], {"scopes": ["usage:write"]}, NOW)
    assert keys.items[key["id"]].principal.metrics == frozenset({"m"})
    assert key["key"] not in str(keys.items)
    assert sources.listing(stored, None, 10) == ([source], None)
    assert sources.get(stores(stored, keys), source["id"], NOW) == {**source, "keys": []}


def test_a_revoked_key_is_dead_once_every_container_has_forgotten_it() -> None:
    stored, keys = FakeSources(), FakeApiKeys()
    source = sources.create(stores(stored, keys), {"name": "app"}, NOW)
    key = sources.create_key(stores(stored, keys), source["id"], {"scopes": ["usage:write"]}, NOW)
    pauses: list[float] = []
    sources.revoke_key(keys, key["id"], NOW, pauses.append)
    assert (keys.items, len(pauses)) == ({}, 1)


@pytest.mark.parametrize("name", ["none", "src_0000000000000000"])
def test_an_unknown_source_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        sources.get(stores(FakeSources(), FakeApiKeys()), name, NOW)
    with pytest.raises(NotFound):
        sources.revoke_key(FakeApiKeys(), name, NOW, lambda _: None)
