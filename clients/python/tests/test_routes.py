"""Every route of the contract, called on the real service; a route that the client lacks fails here."""

import contextlib
import re
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import httpx
import pytest

from fusion_billing_client import APIError, Client, NotFoundError, VersionConflictError
from tests.conftest import Service

SUBSCRIPTION = "4101"
START, END = datetime(2026, 10, 1, tzinfo=timezone.utc), datetime(2026, 10, 2, tzinfo=timezone.utc)
FOR_BROWSERS = {
    *("POST /v1/sessions", "GET /v1/sessions", "DELETE /v1/sessions"),
    *("GET /v1/sessions/oidc", "GET /v1/sessions/oidc/callback"),
}
"""Routes that a program has no use for: it has a key."""


class Recording(httpx.HTTPTransport):
    """Notes the requests."""

    def __init__(self) -> None:
        super().__init__()
        self.called: list[tuple[str, str]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.called.append((request.method, request.url.path))
        return super().handle_request(request)


@pytest.fixture(scope="module")
def recording() -> Iterator[Recording]:
    with Recording() as made:
        yield made


@pytest.fixture(scope="module")
def client(own_service: Service, recording: Recording) -> Iterator[Client]:
    with httpx.Client(transport=recording) as http, Client(own_service.base_url, own_service.key, http=http) as made:
        yield made


def record(quantity: int, key: str | None = None) -> dict[str, Any]:
    return {
        "idempotency_key": key or uuid.uuid4().hex,
        "subscription": SUBSCRIPTION,
        "metric": "api_calls",
        "period_start": START,
        "period_end": END,
        "quantity": Decimal(quantity),
    }


@pytest.fixture(scope="module")
def stored_key(client: Client, own_service: Service) -> str:
    """One record of 1,200 calls, rated; returns its key."""
    key = f"app/{uuid.uuid4().hex}"
    assert client.usage.push([record(1_200, key)]).rejected == ()
    client.ratings.run(SUBSCRIPTION)
    assert own_service.control("rate") == []
    return key


def test_usage(client: Client, stored_key: str) -> None:
    stored = client.usage.get(stored_key)
    assert (stored.quantity, stored.period_start) == (Decimal(1_200), START)
    assert stored.history[0].revision == 1
    assert [found.idempotency_key for found in client.usage.list(SUBSCRIPTION, "api_calls", start=START, end=END)]
    extra = record(1)
    [result] = client.usage.push([extra]).results
    assert (result.outcome, result.accepted) == ("created", True)
    assert client.usage.void(extra["idempotency_key"], reason="test").outcome == "voided"
    assert [found.voided for found in client.usage.list(SUBSCRIPTION, "api_calls", voided=True)] == [True]
    [rejected] = client.usage.push([{**record(1), "metric": "nothing"}]).rejected
    assert rejected.error is not None
    assert (rejected.error.code, rejected.error.fields[0].field) == ("unknown_metric", "metric")
    own = [{"idempotency_key": stored_key, "quantity": "7"}]
    compared = client.usage.reconcile(SUBSCRIPTION, "api_calls", start=START, end=END, records=own)
    assert compared.differing[0].in_service == Decimal(1_200)


def test_usage_keyed_by_window(client: Client) -> None:
    code = f"w{uuid.uuid4().hex[:8]}"
    metric = client.metrics.put(code, {"name": "Logins", "aggregation": "sum", "idempotency": "window"})
    assert metric.idempotency == "window"
    counter = {name: value for name, value in record(3).items() if name != "idempotency_key"} | {"metric": code}
    [first] = client.usage.push([counter], by_window=True).results
    [again] = client.usage.push([counter], by_window=True).results
    assert (first.outcome, again.outcome) == ("created", "unchanged")
    assert first.idempotency_key == again.idempotency_key
    assert first.idempotency_key == f"window~{SUBSCRIPTION}~{code}~20261001T000000Z~20261002T000000Z"
    assert client.usage.get(first.idempotency_key).quantity == Decimal(3)
    [rejected] = client.usage.push([counter]).rejected
    assert rejected.error is not None
    assert rejected.error.code == "window_key_mismatch"


@pytest.mark.usefixtures("stored_key")
def test_ratings(client: Client) -> None:
    usage = client.subscriptions.usage(SUBSCRIPTION, at=START)
    assert [(metric.metric, metric.units, metric.amount) for metric in usage.metrics][:1] == [
        ("api_calls", Decimal(1_200), Decimal("0.80"))
    ]
    [rating, *_] = client.subscriptions.ratings(SUBSCRIPTION, period_start=START)
    assert (rating.charge, rating.amount, rating.units) == ("api_calls_pro", Decimal("0.80"), Decimal(1_200))
    detail = client.subscriptions.rating(SUBSCRIPTION, "api_calls_pro", period_start=START)
    assert detail.amount == sum(step.amount for step in detail.steps)
    assert detail.records[0].quantity == Decimal(1_200)
    assert list(client.subscriptions.statements(SUBSCRIPTION)) == []
    with pytest.raises(NotFoundError):
        client.subscriptions.statement(SUBSCRIPTION, START)
    estimate = client.ratings.estimate({"charge_code": "api_calls_pro", "units": 3_000})
    assert estimate.amount == Decimal("8.00")
    run = client.ratings.run(SUBSCRIPTION, sweep=False)
    assert client.ratings.get_run(run.run).run == run.run


def test_catalog(client: Client) -> None:
    code = f"m{uuid.uuid4().hex[:8]}"
    metric = client.metrics.put(code, {"name": "Seats", "aggregation": "max"}, reason="test")
    assert (metric.version, metric.history[0].reason) == (1, "test")
    assert client.metrics.preview(code, {"name": "Seats", "aggregation": "sum"}).changed_fields == ("aggregation",)
    client.metrics.put(code, {"name": "Seats, at most", "aggregation": "max", "version": 1})
    with pytest.raises(VersionConflictError):
        client.metrics.put(code, {"name": "Others", "aggregation": "max", "version": 1})
    assert code in {found.code for found in client.metrics.list(page_size=1)}
    assert client.metrics.get(code).name == "Seats, at most"
    charge = {
        "name": "Seats",
        "metric": code,
        "applies_to": {"plans": ["Nobody"]},
        "currency": "USD",
        "odoo_product_id": 701,
        "model": {"type": "per_unit", "unit_amount": Decimal("0.5")},
    }
    assert client.charges.preview(code, charge).outcome == "created"
    assert client.charges.put(code, charge).model["unit_amount"] == "0.5"
    assert code in {found.code for found in client.charges.list()}
    assert client.charges.get(code).included_units == 0
    client.charges.delete(code)
    client.metrics.delete(code)


def test_subscriptions(client: Client) -> None:
    stored = client.subscriptions.get("4104")
    assert client.subscriptions.preview("4104", {**stored.raw, "name": "Other"}).changed_fields == ("name",)
    assert client.subscriptions.preview_patch("4104", {"name": "Other"}).changed_fields == ("name",)
    assert client.subscriptions.patch("4104", {"aliases": ["lake-1"]}).aliases == ("lake-1",)
    assert client.subscriptions.get("lake-1").id == "4104"
    assert {found.id for found in client.subscriptions.list()} >= {"4101", "4104"}
    new = {name: value for name, value in stored.raw.items() if name in SETTABLE}
    made = client.subscriptions.put("4199", {**new, "odoo_order_id": 4199})
    assert made.start_date == stored.start_date
    client.subscriptions.delete(made.id)
    client.subscriptions.sync()


SETTABLE = {
    "name",
    "customer_name",
    "plan",
    "state",
    "currency",
    "timezone",
    "start_date",
    "billing_period",
    "next_invoice_date",
}


def test_webhooks(client: Client) -> None:
    endpoint = client.endpoints.create("https://hooks.example.com/x", ["rating.*"], description="test")
    assert (endpoint.secret or "").startswith("whsec_")
    assert str(endpoint.secret) not in repr(endpoint)
    assert client.endpoints.get(endpoint.id).events == ("rating.*",)
    assert client.endpoints.change(endpoint.id, {"events": ["*"]}).events == ("*",)
    assert endpoint.id in {found.id for found in client.endpoints.list()}
    sent = client.endpoints.test(endpoint.id, type_="rating.updated")
    assert client.endpoints.rotate_secret(endpoint.id).secret != endpoint.secret
    [delivery] = client.endpoints.deliveries(endpoint.id)
    assert (delivery.id, delivery.type) == (sent.delivery, "rating.updated")
    client.endpoints.replay_delivery(delivery.id)
    client.endpoints.replay(endpoint.id, START)
    client.endpoints.delete(endpoint.id)


@pytest.mark.usefixtures("stored_key")
def test_operation(client: Client) -> None:
    source = client.sources.create("test", metrics=["api_calls"])
    key = client.sources.create_key(source.id, ["usage:write"])
    assert key.key not in repr(key)
    assert client.sources.get(source.id).metrics == ("api_calls",)
    assert source.id in {found.id for found in client.sources.list()}
    assert client.sources.change(source.id, {"name": "renamed"}).name == "renamed"
    client.sources.revoke_key(key.id)
    with contextlib.suppress(APIError):  # it needs a secret that this service does not have
        client.sources.portal_token(SUBSCRIPTION, expires_in=600)
    [rating, *_] = client.subscriptions.ratings(SUBSCRIPTION, period_start=START)
    assert rating.line is not None
    line = client.lines.get(str(rating.line.id))
    assert (line.subscription, line.amount) == (SUBSCRIPTION, rating.amount)
    assert line.id not in {found.id for found in client.lines.list(state="failed")}
    assert client.lines.retry(line.id).id == line.id
    client.lines.reconcile(subscription=SUBSCRIPTION)
    assert client.health().status == "ok"
    found = list(client.ratings.list(period_end_from="2026-01-01T00:00:00Z", period_end_to="2027-01-01T00:00:00Z"))
    assert SUBSCRIPTION in {rating.subscription for rating in found}
    assert SUBSCRIPTION in client.ratings.csv(
        period_end_from="2026-01-01T00:00:00Z", period_end_to="2027-01-01T00:00:00Z"
    )


def test_the_log_of_changes_events_and_the_overview(client: Client) -> None:
    assert [entry.object for entry in client.audit.list(page_size=5)]
    for event in list(client.events.list(subscription=SUBSCRIPTION))[:1]:
        assert client.events.get(event.id).type == event.type
    with pytest.raises(NotFoundError):
        client.events.get("msg_0123456789abcdefghijklmnopq")
    overview = client.ratings.overview()
    assert overview.calculated_at.tzinfo is not None
    assert set(overview.raw["lines"]) == {"failed", "final_invoice", "changed"}


def test_the_client_has_every_route(client: Client, recording: Recording) -> None:
    """Runs last, after the tests above have called them."""
    missing = []
    for path, operations in client.openapi()["paths"].items():
        pattern = re.compile(re.sub(r"\{[^}]+\}", "[^/]+" if "idempotency" not in path else ".+", path))
        for method in operations:
            name = f"{method.upper()} {path}"
            is_called = any(called == method.upper() and pattern.fullmatch(at) for called, at in recording.called)
            if name not in FOR_BROWSERS and not is_called:
                missing.append(name)
    assert missing == []
