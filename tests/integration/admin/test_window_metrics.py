"""Metrics whose records are keyed by window: the choice is made once, and every route finds the records."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.dynamodb.usage.single_write import UsageStore
from fusion_billing.instants import sortable
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline
from local.tables import Tables
from tests.rating_definitions import subscription_body
from tests.window_records import keyed_by_window

pytestmark = pytest.mark.integration

METRIC = {"name": "Logins", "unit": "login", "aggregation": "sum"}
BY_WINDOW = METRIC | {"idempotency": "window"}
CHARGE = {
    "name": "Logins",
    "metric": "logins",
    "applies_to": {"all": True},
    "currency": "USD",
    "odoo_product_id": 7,
    "model": {"type": "per_unit", "unit_amount": "0.10"},
}
PATH = "/v1/metrics/logins"
KEY = "window~42~logins~20261103T000000Z~20261104T000000Z~w"
LIST = {"subscription": "42", "metric": "logins"}


@pytest.fixture
def push(dynamodb: Any, tables: Tables) -> Any:
    """Store a counter of `logins` as ingest does."""
    store = UsageStore(dynamodb, tables.usage, tables.window_usage)

    def store_record(quantity: str = "10", day: int = 3, key: str = "w") -> None:
        start = datetime(2026, 11, day, tzinfo=UTC)
        record = UsageRecord(
            key=key,
            key_made=False,
            subscription="42",
            metric="logins",
            start=sortable(start),
            end=sortable(start + timedelta(days=1)),
            quantity=Decimal(quantity),
            number=quantity,
        )
        deadline = Deadline(5, time.monotonic, time.sleep)
        store.push("src_test", keyed_by_window(record), "2026-11-04T00:00:01Z", deadline)

    return store_record


def test_the_choice_is_shown_and_can_be_left_out(admin: Any) -> None:
    assert admin.put(PATH, BY_WINDOW).status == 201
    assert admin.get(PATH).json["idempotency"] == "window"
    answer = admin.put(PATH, METRIC | {"name": "Sign-ins"})
    assert (answer.status, answer.json["idempotency"], answer.json["name"]) == (200, "window", "Sign-ins")
    assert admin.get("/v1/metrics").json["items"][0]["idempotency"] == "window"


def test_a_metric_without_it_is_keyed_by_the_app(admin: Any) -> None:
    assert "idempotency" not in admin.put(PATH, METRIC).json
    assert admin.put(PATH, METRIC | {"idempotency": "key"}).json["idempotency"] == "key"
    assert admin.put(PATH, METRIC).json["idempotency"] == "key"


@pytest.mark.parametrize(
    ("first", "second"),
    [(BY_WINDOW, METRIC | {"idempotency": "key"}), (METRIC, BY_WINDOW), (METRIC | {"idempotency": "key"}, BY_WINDOW)],
)
@pytest.mark.parametrize("is_deleted", [False, True])
@pytest.mark.parametrize("query", [{}, {"dry_run": "true"}])
def test_it_can_not_be_changed(
    admin: Any, first: dict[str, str], second: dict[str, str], is_deleted: bool, query: dict[str, str]
) -> None:
    admin.put(PATH, first)
    if is_deleted:
        assert admin.delete(PATH).status == 204
    answer = admin.put(PATH, second, query=query)
    assert (answer.status, answer.faults) == (422, {"idempotency": "immutable"})
    assert admin.put(PATH, first).status in {200, 201}


def test_a_deleted_metric_is_created_again_as_it_was(admin: Any) -> None:
    admin.put(PATH, BY_WINDOW)
    admin.delete(PATH)
    answer = admin.put(PATH, METRIC)
    assert (answer.status, answer.json["idempotency"]) == (201, "window")


def test_a_metric_of_an_earlier_release_was_keyed_by_the_app(admin: Any, dynamodb: Any, tables: Tables) -> None:
    admin.put(PATH, METRIC)
    admin.delete(PATH)
    key = {"pk": {"S": "KEYING"}, "sk": {"S": "logins"}}
    assert "Attributes" in dynamodb.delete_item(TableName=tables.catalog, Key=key, ReturnValues="ALL_OLD")
    assert admin.put(PATH, BY_WINDOW).faults == {"idempotency": "immutable"}
    assert admin.put(PATH, METRIC).status == 201


def test_of_two_metrics_created_at_once_one_decides(admin: Any, dynamodb: Any, tables: Tables) -> None:
    item: Any = {"pk": {"S": "KEYING"}, "sk": {"S": "logins"}, "keyed_by": {"S": "key"}}
    real = dynamodb.transact_write_items

    def other_first(**arguments: Any) -> Any:
        dynamodb.put_item(TableName=tables.catalog, Item=item)
        return real(**arguments)

    dynamodb.transact_write_items = other_first
    try:
        assert admin.put(PATH, BY_WINDOW).faults == {"idempotency": "immutable"}
    finally:
        dynamodb.transact_write_items = real
    assert admin.get(PATH).status == 404


def test_an_unknown_value_is_rejected(admin: Any) -> None:
    assert admin.put(PATH, METRIC | {"idempotency": "hash"}).faults == {"idempotency": "unknown_value"}


def test_every_route_finds_the_records(admin: Any, push: Any) -> None:
    key = admin.key("usage:write", "usage:read")
    admin.put(PATH, BY_WINDOW)
    push("10")
    push("12.5")
    push("7", day=4)
    shown = admin.get(f"/v1/usage/{KEY}", key=key).json
    assert (shown["idempotency_key"], shown["quantity"], shown["revision"]) == (KEY, "12.5", 2)
    assert [entry["quantity"] for entry in shown["history"]] == ["10", "12.5"]
    assert {entry["received_at"] for entry in shown["history"]} == {"2026-11-04T00:00:01Z"}
    listed = admin.get("/v1/usage", query=LIST, key=key).json["items"]
    assert [record["quantity"] for record in listed] == ["12.5", "7"]
    estimate = {"charge": CHARGE | {"code": "x"}, "subscription": "42", "period_start": "2026-11-15T00:00:00Z"}
    admin.put("/v1/charges/logins", CHARGE)
    admin.put("/v1/subscriptions/42", SUBSCRIPTION)
    [metric] = admin.get("/v1/subscriptions/42/usage").json["metrics"]
    assert (metric["units"], metric["amount"]) == ("19.5", "1.95")
    assert admin.post("/v1/estimates", estimate).json["amount"] == "1.95"
    with_own_metric = estimate | {"metric": {"name": "x", "aggregation": "max"}}
    assert admin.post("/v1/estimates", with_own_metric).json["amount"] == "1.25"
    assert admin.delete(f"/v1/usage/{KEY}", key=key).json == {"outcome": "voided", "revision": 3}
    assert admin.delete(f"/v1/usage/{KEY}", key=key).json == {"outcome": "unchanged", "revision": 3}
    assert admin.get("/v1/subscriptions/42/usage").json["metrics"][0]["units"] == "7"
    voided = admin.get("/v1/usage", query=LIST | {"voided": "true"}, key=key).json["items"]
    assert [(record["idempotency_key"], record["voided"]) for record in voided] == [(KEY, True)]


SUBSCRIPTION = subscription_body(start_date="2026-11-01")


def test_records_of_a_deleted_metric_are_still_listed_and_count_again(admin: Any, push: Any) -> None:
    key = admin.key("usage:write", "usage:read")
    admin.put(PATH, BY_WINDOW)
    push()
    admin.delete(PATH)
    assert len(admin.get("/v1/usage", query=LIST, key=key).json["items"]) == 1
    assert admin.get(f"/v1/usage/{KEY}", key=key).status == 200
    admin.put(PATH, METRIC)
    admin.put("/v1/charges/logins", CHARGE)
    admin.put("/v1/subscriptions/42", SUBSCRIPTION)
    assert admin.get("/v1/subscriptions/42/usage").json["metrics"][0]["units"] == "10"


def test_a_subscription_with_such_records_is_not_deleted(admin: Any, push: Any) -> None:
    key = admin.key("usage:write")
    admin.put(PATH, BY_WINDOW)
    admin.put("/v1/subscriptions/42", SUBSCRIPTION)
    push(key="a")
    push(day=4, key="w")
    for path in (KEY.replace("~w", "~a"), KEY.replace("1104", "1105").replace("1103", "1104")):
        answer = admin.delete("/v1/subscriptions/42")
        assert answer.status == 409
        assert admin.delete(f"/v1/usage/{path}", key=key).json["outcome"] == "voided"
    assert admin.delete("/v1/subscriptions/42").status == 204
