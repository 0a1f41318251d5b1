"""A source's limits are changed with the copies on its keys and endpoints; keys expire; earlier items stay readable."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.dynamodb.catalog.source_changes import SourceChanges
from fusion_billing.dynamodb.catalog.sources import SourceStore
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.errors import VersionConflict
from local.tables import Tables
from tests.integration.admin.world import SUBSCRIPTION, URL
from tests.integration.admin.world_fixture import World

pytestmark = pytest.mark.integration

Limits = tuple[frozenset[str] | None, ...]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What a change waited, instead of waiting."""
    waited: list[float] = []
    monkeypatch.setattr("functions.admin.routes.sources.time.sleep", waited.append)
    return waited


def copies(world: World, dynamodb: DynamoDBClient, tables: Tables, source: str) -> list[Limits]:
    """Return the limits on a source's keys and endpoints."""
    stored = SourceStore(dynamodb, tables.catalog).get(source)
    assert stored is not None
    principals = [world.admin.keys.get(key_id).principal for key_id in stored.keys]  # type: ignore[union-attr]
    endpoints = [each for each in EndpointStore(dynamodb, tables.webhooks).all() if each.source == source]
    return [(each.metrics, each.plans, each.subscriptions) for each in (*principals, *endpoints)]


def test_a_change_reaches_keys_and_endpoints_and_null_takes_a_limit_away(
    world: World, dynamodb: DynamoDBClient, tables: Tables, waits: list[float]
) -> None:
    admin = world.admin
    key = admin.key("webhooks:write", source="src_acme")
    admin.key("usage:write", source="src_acme")
    for _ in range(2):
        assert admin.post("/v1/endpoints", {"url": URL, "events": ["*"]}, key=key).status == 201
    changed = admin.patch("/v1/sources/src_acme", {"subscriptions": ["42"], "metrics": ["calls"]})
    assert (changed.json["subscriptions"], changed.json["metrics"]) == (["42"], ["calls"])
    limits = (frozenset({"calls"}), None, frozenset({"42"}))
    assert copies(world, dynamodb, tables, "src_acme") == [limits] * 4
    assert waits == [1.0]
    admin.patch("/v1/sources/src_acme", {"metrics": None, "plans": ["Pro"], "requests_per_second": 7})
    assert copies(world, dynamodb, tables, "src_acme") == [(None, frozenset({"Pro"}), frozenset({"42"}))] * 4
    shown = admin.patch("/v1/sources/src_acme", {"subscriptions": None, "plans": None}).json
    assert copies(world, dynamodb, tables, "src_acme") == [(None, None, None)] * 4
    assert (shown.get("plans"), shown["requests_per_second"], shown["name"]) == (None, 7, "test")


def test_more_endpoints_than_a_transaction_holds_are_all_changed(
    world: World, dynamodb: DynamoDBClient, tables: Tables, waits: list[float]
) -> None:
    key = world.admin.key("webhooks:write", source="src_acme")
    for _ in range(120):
        assert world.admin.post("/v1/endpoints", {"url": URL, "events": ["*"]}, key=key).status == 201
    assert world.admin.patch("/v1/sources/src_acme", {"plans": ["Pro"]}).status == 200
    assert copies(world, dynamodb, tables, "src_acme") == [(None, frozenset({"Pro"}), None)] * 121


def test_a_change_that_was_cut_short_is_completed_by_the_same_call(
    world: World, dynamodb: DynamoDBClient, tables: Tables, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = world.admin.key("webhooks:write", source="src_acme")
    for _ in range(101):
        world.admin.post("/v1/endpoints", {"url": URL, "events": ["*"]}, key=key)
    transact: Callable[..., None] = SourceChanges._transact
    done: list[int] = []

    def cut_short(self: SourceChanges, writes: Any) -> None:
        if done:
            raise KeyboardInterrupt
        done.append(1)
        transact(self, writes)

    monkeypatch.setattr(SourceChanges, "_transact", cut_short)
    with pytest.raises(KeyboardInterrupt):
        world.admin.patch("/v1/sources/src_acme", {"plans": ["Pro"]})
    assert len(set(copies(world, dynamodb, tables, "src_acme"))) == 2
    monkeypatch.setattr(SourceChanges, "_transact", transact)
    assert world.admin.patch("/v1/sources/src_acme", {"plans": ["Pro"]}).status == 200
    assert copies(world, dynamodb, tables, "src_acme") == [(None, frozenset({"Pro"}), None)] * 102


def test_a_key_and_an_endpoint_made_during_a_change_have_the_new_limits(
    world: World, dynamodb: DynamoDBClient, tables: Tables, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = world.admin
    key = admin.key("webhooks:write", source="src_acme")
    original = SourceStore.get
    for method, path, body in (
        ("POST", "/v1/sources/src_acme/keys", {"scopes": ["usage:read"]}),
        ("POST", "/v1/endpoints", {"url": URL, "events": ["*"]}),
    ):
        changes = iter([{"plans": [path]}])

        def overtaken(self: SourceStore, source_id: str, changes: Any = changes) -> Any:
            found = original(self, source_id)
            for change in changes:  # after it was read, once
                admin.patch("/v1/sources/src_acme", change)
            return found

        monkeypatch.setattr(SourceStore, "get", overtaken)
        made = admin.call(method, path, body, key=key if path == "/v1/endpoints" else None)
        monkeypatch.setattr(SourceStore, "get", original)
        assert made.status == 201, made.json
        assert {plans for _, plans, _ in copies(world, dynamodb, tables, "src_acme")} == {frozenset({path})}


def test_a_key_that_was_made_during_a_change_makes_it_start_again(
    world: World, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    world.admin.key("usage:write", source="src_acme")
    read = SourceStore(dynamodb, tables.catalog).get("src_acme")
    assert read is not None
    world.admin.post("/v1/sources/src_acme/keys", {"scopes": ["usage:read"]})
    changes = SourceChanges(dynamodb, catalog_table=tables.catalog, webhooks_table=tables.webhooks)
    with pytest.raises(VersionConflict):
        changes.apply(read)


def test_an_alias_in_the_limits_stands_for_its_subscription(world: World, waits: list[float]) -> None:
    world.admin.put("/v1/subscriptions/acme", {**SUBSCRIPTION, "odoo_order_id": 77, "aliases": ["acme-app"]})
    made = world.admin.post("/v1/sources", {"name": "Acme", "subscriptions": ["acme-app", "acme"]})
    assert made.json["subscriptions"] == ["acme"]
    changed = world.admin.patch(f"/v1/sources/{made.json['id']}", {"subscriptions": ["42", "acme-app"]})
    assert changed.json["subscriptions"] == ["42", "acme"]


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"subscriptions": ["42", "nobody"]}, {"subscriptions.1": "unknown_subscription"}),
        ({"subscriptions": []}, {"subscriptions": "empty"}),
        ({"subscriptions": ["a#b"]}, {"subscriptions.0": "invalid_identifier"}),
        ({"subscriptions": [f"s{number}" for number in range(101)]}, {"subscriptions": "too_many"}),
        ({"requests_per_second": 0}, {"requests_per_second": "out_of_range"}),
        ({"requests_per_second": 1.5}, {"requests_per_second": "not_an_integer"}),
        ({"name": None}, {"name": "missing"}),
        ({"id": "src_x"}, {"id": "unknown_field"}),
    ],
)
def test_an_invalid_change_is_refused_by_field(world: World, body: dict[str, Any], faults: dict[str, str]) -> None:
    world.admin.key("usage:write", source="src_acme")
    answer = world.admin.patch("/v1/sources/src_acme", body)
    assert (answer.status, answer.faults) == (422, faults)


def test_an_unknown_source_is_not_changed(world: World) -> None:
    assert world.admin.patch("/v1/sources/src_nobody", {"name": "x"}).status == 404


def test_a_key_expires(world: World) -> None:
    admin = world.admin
    expires_at = (admin.now + timedelta(days=1)).isoformat()
    made = admin.post("/v1/sources/src_app/keys", {"scopes": ["catalog:read"], "expires_at": expires_at}).json
    assert admin.get("/v1/metrics", key=made["key"]).status == 200
    admin.now += timedelta(days=1)
    answer = admin.get("/v1/metrics", key=made["key"])
    assert (answer.status, answer.code) == (401, "expired_key")
    keys = {key["id"]: key for key in admin.get("/v1/sources/src_app").json["keys"]}
    assert (keys[made["id"]]["expired"], keys[made["id"]]["expires_at"]) == (True, made["expires_at"])


@pytest.mark.parametrize(
    ("expires_at", "code"),
    [
        ("2026-11-15T12:00:00Z", "not_in_the_future"),
        ("soon", "not_an_instant"),
        ("2027-01-01T00:00:00", "missing_offset"),
    ],
)
def test_an_expiry_must_be_a_future_instant(world: World, expires_at: str, code: str) -> None:
    answer = world.admin.post("/v1/sources/src_app/keys", {"scopes": ["usage:read"], "expires_at": expires_at})
    assert (answer.status, answer.faults) == (422, {"expires_at": code})


def test_items_of_an_earlier_release_are_readable_and_can_be_limited(
    world: World, dynamodb: DynamoDBClient, tables: Tables, waits: list[float]
) -> None:
    made = world.admin.key("usage:read", "webhooks:write", source="src_old", plans=frozenset({"Pro"}))
    key_id = made.split("_")[1]
    source: Any = {"pk": {"S": "SOURCE"}, "sk": {"S": "src_old"}}
    item = dynamodb.get_item(TableName=tables.catalog, Key=source)["Item"]
    document = {"name": "old", "plans": ["Pro"]}
    dynamodb.put_item(TableName=tables.catalog, Item={**item, "doc": {"S": json.dumps(document)}})
    stored = world.admin.keys.get(key_id)
    assert stored is not None
    assert (stored.expires, stored.requests_per_second, stored.principal.subscriptions) == (None, None, None)
    assert world.admin.patch("/v1/sources/src_old", {"subscriptions": ["42"]}).json["plans"] == ["Pro"]
    assert copies(world, dynamodb, tables, "src_old") == [(None, frozenset({"Pro"}), frozenset({"42"}))]
