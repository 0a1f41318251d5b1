"""The fixture `world`: a client of the admin function, and tables in which every route finds something."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.admin import dependencies, portal_dependencies, webhook_dependencies
from functions.admin.route_table import Route
from functions.rate import dependencies as rate_dependencies
from fusion_billing.billing.rating import RatingKey
from fusion_billing.dynamodb import client as aws_client
from fusion_billing.dynamodb.ratings.order_lines import LineStore
from fusion_billing.dynamodb.ratings.statements import StatementStore
from fusion_billing.dynamodb.usage.single_write import UsageStore
from fusion_billing.http.portal_authentication import PortalSecrets
from fusion_billing.instants import sortable
from fusion_billing.messaging.messages import rating_job
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.outbound.ssrf_guard import SsrfGuard
from fusion_billing.retry import Deadline
from fusion_billing.statements.statement import Period, StatementLine, statement_document
from local.tables import Tables
from tests.integration.admin.world import (
    CHARGE,
    KEY,
    METRIC,
    START,
    SUBSCRIPTION,
    URL,
    FakeKms,
    FakePortalSecret,
    Valid,
    name_of,
    requests,
    resolve_host,
)

if TYPE_CHECKING:
    from tests.integration.admin.conftest import Admin, Answer


@dataclass
class World:
    """A client, and a valid request to each route."""

    admin: "Admin"
    requests: Mapping[str, Valid]

    def call(
        self,
        route: Route,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        **options: Any,
    ) -> "Answer":
        """Send the route's valid request, with some path and query parameters, or its body, changed."""
        valid = self.requests[name_of(route)]
        body = None if "raw" in options else options.pop("body", valid.body)
        return self.admin.call(
            route.method,
            valid.path_of(route, **(path or {})),
            body,
            query={**valid.query, **(query or {})},
            **options,
        )


@pytest.fixture
def world(admin: "Admin", dynamodb: DynamoDBClient, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world, with a metric, charge, subscription, usage, rating, line, statements, endpoint, source and run."""
    adapters(admin, dynamodb, monkeypatch)
    _definitions(admin)
    _usage(UsageStore(dynamodb, tables.usage, tables.window_usage))
    admin.key("usage:read", source="src_app")
    run = admin.post("/v1/ratings/run", {"subscription": "42"}).json["run"]
    for queue, body in admin.messages:
        if queue == "rating":
            rate_dependencies.worker().do(rating_job(body), has_time=lambda: True)
    admin.messages.clear()
    lines = LineStore(dynamodb, tables.ratings)
    lines.fail(lines.get(RatingKey("42", START, "calls")), "order_locked", "the order is locked", admin.now)
    _statements(StatementStore(dynamodb, tables.ratings))
    source = admin.post("/v1/sources", {"name": "App"}).json["id"]
    endpoint = admin.post("/v1/endpoints", {"url": URL, "events": ["*"]}).json["id"]
    key = admin.post(f"/v1/sources/{source}/keys", {"scopes": ["usage:read"]}).json
    names = {
        "run": run,
        "source": source,
        "endpoint": endpoint,
        "delivery": admin.post(f"/v1/endpoints/{endpoint}/test").json["delivery"],
        "key": key["id"],
        "key_text": key["key"],
    }
    admin.post("/v1/endpoints", {"url": URL, "events": ["*"]})
    admin.post(f"/v1/endpoints/{endpoint}/test")
    admin.messages.clear()
    return World(admin, requests(names))


def adapters(admin: "Admin", dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the functions that a route sets in motion the test's database, queues and clock."""
    for module in (webhook_dependencies, rate_dependencies):
        for found in vars(module).values():
            clear: Callable[[], None] | None = getattr(found, "cache_clear", None)
            if clear is not None:
                clear()
    monkeypatch.setenv("ENDPOINT_KEY_ARN", "key")
    monkeypatch.setenv("PORTAL_SECRET_ARN", "arn:portal")
    portal = PortalSecrets(cast("Any", FakePortalSecret()), "arn:portal", time.monotonic)
    monkeypatch.setattr(portal_dependencies, "secrets", lambda: portal)
    portal_dependencies.authenticator.cache_clear()
    monkeypatch.setattr(webhook_dependencies, "kms", FakeKms)
    monkeypatch.setattr(webhook_dependencies, "guard", lambda: SsrfGuard(resolver=resolve_host))
    monkeypatch.setattr(aws_client, "dynamodb", lambda **_: dynamodb)
    monkeypatch.setattr(aws_client, "make", lambda *_, **__: admin.queues)
    monkeypatch.setattr(rate_dependencies, "now", lambda: admin.now)
    runs = dependencies.runs
    monkeypatch.setattr(dependencies, "runs", cache(lambda: replace(runs(), wait=0.0)))
    monkeypatch.setattr("functions.admin.routes.sources.time.sleep", lambda _: None)


def _definitions(admin: "Admin") -> None:
    for code in ("calls", "seats"):
        assert admin.put(f"/v1/metrics/{code}", METRIC).status == 201
    assert admin.put("/v1/charges/calls", CHARGE).status == 201
    assert admin.put("/v1/charges/seats", {**CHARGE, "applies_to": {"plans": ["None"]}}).status == 201
    assert admin.put("/v1/subscriptions/42", SUBSCRIPTION).status == 201
    assert admin.put("/v1/subscriptions/43", {**SUBSCRIPTION, "odoo_order_id": 43}).status == 201


def _usage(store: UsageStore) -> None:
    for day in range(3):
        start = START + timedelta(days=day)
        record = UsageRecord(
            key=f"{KEY}:{day}" if day else KEY,
            key_made=False,
            subscription="42",
            metric="calls",
            start=sortable(start),
            end=sortable(start + timedelta(days=1)),
            quantity=Decimal(20),
            number="20",
        )
        store.push("src_app", record, "2026-11-04T00:00:00Z", Deadline(5, time.monotonic, time.sleep))


def _statements(store: StatementStore) -> None:
    previous = None
    for month in (8, 9):
        start, end = datetime(2026, month, 1, tzinfo=UTC), datetime(2026, month + 1, 1, tzinfo=UTC)
        period = Period("42", "Azure Interior", "Pro", "USD", "UTC", 42, start, end, end)
        rated = Decimal("1.00")
        line = StatementLine("42~x", "calls", "Calls", "calls", "20", rated, rated, invoiced_from="invoice")
        statement = statement_document(period, [line], previous_hash=previous, closed_at=end)
        store.put(statement)
        previous = statement["hash"]
