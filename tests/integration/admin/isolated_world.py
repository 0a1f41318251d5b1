"""Two parties in one service: what a limited key may use, and what it may not, in every kind of item.

`ours` is a subscription on the plan Silver with usage of the metrics `calls` and `veiled`; `theirs` is one on the plan
Gold. One source, `src_app`, pushed for both and has an endpoint that was notified of both, before it is limited.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.admin.route_table import ROUTES, Route
from functions.ingest import handler as ingest
from functions.rate import dependencies as rate_dependencies
from fusion_billing.access.principal import ADMIN, SCOPES
from fusion_billing.dynamodb.ratings.statements import StatementStore
from fusion_billing.messaging.messages import rating_job
from fusion_billing.statements.statement import Period, StatementLine, statement_document
from local.tables import Tables
from tests.integration.admin.world import CHARGE, METRIC, SUBSCRIPTION, URL, name_of
from tests.integration.admin.world_fixture import adapters

if TYPE_CHECKING:
    from tests.integration.admin.conftest import Admin, Answer

Request = Mapping[str, Any]
"""A request: `path` parameters, `query`, `body`."""

START = "2026-11-01T00:00:00Z"
_KEYS = {("ours", "calls"): "record-1", ("theirs", "calls"): "record-2", ("ours", "veiled"): "record-3"}
_WINDOW = {"from": START, "to": "2026-12-01T00:00:00Z"}


@dataclass(frozen=True)
class Limit:
    """One limit of a source, and what is beyond it.

    Attributes:
        limits: The limit, as in the body of a source.
        names: What requests name that is beyond it.
        marks: What a response must not have; lower and upper case are different.
        shown_by: Routes that show a mark to an unlimited key.
    """

    name: str
    limits: Mapping[str, list[str]]
    names: Mapping[str, str]
    marks: tuple[str, ...]
    shown_by: frozenset[str]


_THEIRS = {"subscription": "theirs", "alias": "theirs-alias", "metric": "calls", "charge": "theirs_only"}
_SUBSCRIPTION_MARKS = ("theirs", "Theirs", "9001", "7777")
_SHOWN = frozenset(
    {
        "GET /v1/subscriptions",
        "GET /v1/subscriptions/{subscription}",
        "GET /v1/subscriptions/{subscription}/usage",
        "GET /v1/subscriptions/{subscription}/ratings",
        "GET /v1/subscriptions/{subscription}/statements",
        "GET /v1/charges",
        "GET /v1/ratings",
        "GET /v1/lines",
        "GET /v1/usage",
        "GET /v1/endpoints/{endpoint}/deliveries",
    }
)

LIMITS = (
    Limit("subscription", {"subscriptions": ["ours"]}, _THEIRS, _SUBSCRIPTION_MARKS, _SHOWN),
    Limit("plan", {"plans": ["Silver"]}, _THEIRS, (*_SUBSCRIPTION_MARKS, "Gold", "gold"), _SHOWN),
    Limit(
        "metric",
        {"metrics": ["calls"]},
        {"subscription": "ours", "alias": "ours-alias", "metric": "veiled", "charge": "veiled_charge"},
        ("veiled", "Veiled", "4321"),
        frozenset(
            {
                "GET /v1/metrics",
                "GET /v1/charges",
                "GET /v1/subscriptions/{subscription}",
                "GET /v1/subscriptions/{subscription}/usage",
                "GET /v1/subscriptions/{subscription}/ratings",
                "GET /v1/subscriptions/{subscription}/statements",
                "GET /v1/usage",
            }
        ),
    ),
)


@dataclass
class TwoParties:
    """The world, and its client. `deliveries` are those of the source's endpoint about `theirs`."""

    admin: "Admin"
    dynamodb: DynamoDBClient
    tables: Tables
    endpoint: str
    deliveries: list[str]
    run: str

    @property
    def unlimited(self) -> str:
        """A key that may do everything."""
        return self.admin.default_key

    def limited_key(self, limit: Limit, scopes: tuple[str, ...]) -> str:
        """Limit the source, and return a new key of it."""
        changed = self.admin.patch("/v1/sources/src_app", dict(limit.limits))
        assert changed.status == 200, changed.json
        made = self.admin.post("/v1/sources/src_app/keys", {"scopes": sorted(scopes)})
        assert made.status == 201, made.json
        return str(made.json["key"])

    def call(self, route: Route, request: Request, key: str) -> "Answer":
        """Send a request to a route, whichever function serves it."""
        path = route.template
        for name, value in request.get("path", {}).items():
            path = path.replace(f"{{{name}}}", value)
        if route.handler is not None:
            return self.admin.call(route.method, path, request.get("body"), query=request.get("query"), key=key)
        return self.push(request["body"], key)

    def push(self, body: Any, key: str) -> "Answer":
        """Push usage."""
        from tests.integration.admin.conftest import Answer  # noqa: PLC0415  it imports this world's neighbors

        event = {
            "rawPath": "/v1/usage",
            "headers": {"authorization": f"Bearer {key}"},
            "requestContext": {"http": {"method": "POST", "path": "/v1/usage"}},
            "body": base64.b64encode(json.dumps(body).encode()).decode(),
            "isBase64Encoded": True,
        }
        answer = ingest.app().respond(event, 20.0)
        return Answer(answer["statusCode"], answer["headers"], json.loads(answer["body"]))

    def items_of(self, limit: Limit) -> list[str]:
        """Return every stored item that has a mark of what is beyond a limit."""
        tables = [getattr(self.tables, name) for name in self.tables.__dataclass_fields__]
        stored = [str(sorted(item.items())) for table in tables for item in self._items(table)]
        return sorted(item for item in stored if any(mark in item for mark in limit.marks))

    def _items(self, table: str) -> Iterator[Mapping[str, Any]]:
        yield from self.dynamodb.scan(TableName=table)["Items"]

    def requests(self, limit: Limit) -> dict[str, list[Request]]:
        """Return the requests to each route that name what is beyond a limit, or list everything."""
        names = limit.names
        subscriptions: list[Request] = [{"path": {"subscription": names[kind]}} for kind in ("subscription", "alias")]
        endpoint = {"endpoint": self.endpoint}
        charge = {**CHARGE, "metric": names["metric"], "applies_to": {"subscriptions": [names["subscription"]]}}
        everyone = {**CHARGE, "metric": "calls", "applies_to": {"all": True}}
        codes = ("theirs_only", "gold_only", "shared_plans", "shared_subscriptions", "veiled_charge")
        line = f"{names['subscription']}~20261101T000000Z~{names['charge']}"
        record = {
            "idempotency_key": "new",
            "metric": names["metric"],
            "period_start": "2026-11-09T00:00:00Z",
            "period_end": "2026-11-10T00:00:00Z",
            "quantity": "5",
        }
        key = _KEYS[names["subscription"], names["metric"]]
        named = [{"subscription": names[kind], "metric": names["metric"]} for kind in ("subscription", "alias")]
        definition = {**SUBSCRIPTION, "name": "x", "plan": "Silver", "odoo_order_id": 9001}
        found: dict[str, list[Request]] = {
            "POST /v1/usage": [
                *({"body": {**record, "subscription": each["subscription"]}} for each in named),
                {"body": {"records": [{**record, "subscription": each["subscription"]} for each in named]}},
                {"body": {**record, **named[0], "idempotency_key": key}},
                # a key of their record, for what is within the limit
                {
                    "body": {
                        **record,
                        "subscription": "ours",
                        "metric": "calls",
                        "idempotency_key": _KEYS["theirs", "calls"],
                    }
                },
                {
                    "body": {
                        **record,
                        "subscription": "ours",
                        "metric": "calls",
                        "idempotency_key": _KEYS["ours", "veiled"],
                    }
                },
            ],
            "GET /v1/usage/{idempotency_key+}": [{"path": {"idempotency_key": key}}],
            "DELETE /v1/usage/{idempotency_key+}": [{"path": {"idempotency_key": key}}],
            "GET /v1/usage": [
                *({"query": each} for each in named),
                *({"query": {**each, "voided": "true"}} for each in named),
            ],
            "POST /v1/usage/reconcile": [{"body": {**each, **_WINDOW, "records": []}} for each in named],
            "PUT /v1/metrics/{code}": [
                {"path": {"code": names["metric"]}, "body": {**METRIC, "name": "x"}, "query": query}
                for query in ({"dry_run": "true"}, {})
            ],
            "GET /v1/metrics/{code}": [{"path": {"code": names["metric"]}}],
            "GET /v1/metrics": [{}],
            "DELETE /v1/metrics/{code}": [{"path": {"code": names["metric"]}}],
            "PUT /v1/charges/{code}": [
                {"path": {"code": code}, "body": body, "query": query}
                for code in codes
                for body in (charge, everyone)
                for query in ({"dry_run": "true"}, {})
                if limit.name != "metric" or code == "veiled_charge" or body is charge
            ],
            "GET /v1/charges/{code}": [{"path": {"code": code}} for code in codes],
            "GET /v1/charges": [{}],
            "DELETE /v1/charges/{code}": [
                {"path": {"code": code}} for code in codes if limit.name != "metric" or code == "veiled_charge"
            ],
            "PUT /v1/subscriptions/{subscription}": [
                {**each, "body": definition, "query": query}
                for each in subscriptions
                for query in ({}, {"dry_run": "true"})
            ],
            "PATCH /v1/subscriptions/{subscription}": [
                {**each, "body": {"name": "x"}, "query": query}
                for each in subscriptions
                for query in ({}, {"dry_run": "true"})
            ],
            "GET /v1/subscriptions/{subscription}": subscriptions,
            "GET /v1/subscriptions": [{}, {"query": {"limit": "1"}}],
            "DELETE /v1/subscriptions/{subscription}": subscriptions,
            "GET /v1/subscriptions/{subscription}/usage": subscriptions,
            "GET /v1/subscriptions/{subscription}/ratings": [
                *subscriptions,
                *({**each, "query": {"limit": "1"}} for each in subscriptions),
            ],
            "GET /v1/subscriptions/{subscription}/ratings/{charge}": [
                {"path": {"subscription": subscription, "charge": code}}
                for subscription in (names["subscription"], "ours")
                for code in codes
            ],
            "GET /v1/subscriptions/{subscription}/statements": subscriptions,
            "GET /v1/subscriptions/{subscription}/statements/{period_start}": [
                {"path": {**each["path"], "period_start": "2026-09-01T00:00:00Z"}} for each in subscriptions
            ],
            "GET /v1/ratings": [
                {"query": {"period_end_from": "2026-11-01", "period_end_to": "2027-01-01", "limit": limit_}}
                for limit_ in ("1", "500")
            ],
            "POST /v1/estimates": [
                {"body": {"charge_code": names["charge"], "units": "100"}},
                {"body": {"charge_code": names["charge"], "subscription": names["alias"], "period_start": START}},
                {"body": {"charge": charge, "subscription": names["subscription"], "period_start": START}},
            ],
            "POST /v1/endpoints": [{"body": {"url": URL, "events": ["*"]}}],
            "GET /v1/endpoints": [{}],
            "GET /v1/endpoints/{endpoint}": [{"path": endpoint}],
            "PATCH /v1/endpoints/{endpoint}": [{"path": endpoint, "body": {"description": "x"}}],
            "DELETE /v1/endpoints/{endpoint}": [{"path": {"endpoint": "ep_0000000000000000"}}],
            "POST /v1/endpoints/{endpoint}/secret/rotate": [{"path": endpoint}],
            "POST /v1/endpoints/{endpoint}/test": [{"path": endpoint}],
            "POST /v1/endpoints/{endpoint}/replay": [{"path": endpoint, "body": {"since": "2026-11-01T00:00:00Z"}}],
            "GET /v1/endpoints/{endpoint}/deliveries": [
                {"path": endpoint},
                {"path": endpoint, "query": {"limit": "1"}},
            ],
            "POST /v1/deliveries/{delivery}/replay": [{"path": {"delivery": each}} for each in self.deliveries],
            "POST /v1/sources": [{"body": {"name": "x"}}],
            "GET /v1/sources": [{}],
            "GET /v1/sources/{source_id}": [{"path": {"source_id": "src_app"}}],
            "PATCH /v1/sources/{source_id}": [{"path": {"source_id": "src_app"}, "body": {"name": "x"}}],
            "POST /v1/sources/{source_id}/keys": [
                {"path": {"source_id": "src_app"}, "body": {"scopes": ["usage:read"]}}
            ],
            "DELETE /v1/keys/{key_id}": [{"path": {"key_id": "abcdefgh12345678"}}],
            "POST /v1/sessions": [{"body": {"key": "fb_x"}}],
            "GET /v1/sessions": [{}],
            "DELETE /v1/sessions": [{}],
            "GET /v1/sessions/oidc": [{}],
            "GET /v1/sessions/oidc/callback": [{}],
            "POST /v1/portal-tokens": [{"body": {"subscription": names["subscription"]}}],
            "POST /v1/ratings/run": [{"body": {"subscription": names["subscription"], "sweep": False}}],
            "GET /v1/ratings/runs/{run}": [{"path": {"run": self.run}}],
            "GET /v1/lines": [{"query": {"state": "due"}}],
            "GET /v1/lines/{line}": [{"path": {"line": line}}],
            "POST /v1/lines/{line}/retry": [{"path": {"line": line}}],
            "POST /v1/lines/reconcile": [{"body": {"subscription": names["subscription"]}}],
            "POST /v1/subscriptions/sync": [{"body": {"full": False}}],
            "GET /v1/health": [{}],
            "GET /openapi.json": [{}],
            "GET /v1/audit": [{}],
            "GET /v1/overview": [{}],
            "GET /v1/events": [{}, *({"query": {"subscription": names[kind]}} for kind in ("subscription", "alias"))],
            "GET /v1/events/{event}": [{"path": {"event": each.partition("~")[2]}} for each in self.deliveries],
        }
        return {name: requests for name, requests in found.items() if name in {name_of(route) for route in ROUTES}}

    def own_requests(self, limit: Limit) -> list[tuple[Route, Request, int]]:
        """Return requests within a limit, each with the status that it has."""
        ours = [{"path": {"subscription": name}} for name in ("ours", "ours-alias")]
        pushed = {
            "idempotency_key": "own",
            "subscription": "ours-alias",
            "metric": "calls",
            "period_start": "2026-11-09T00:00:00Z",
            "period_end": "2026-11-10T00:00:00Z",
            "quantity": "5",
        }
        whole = 403 if limit.name == "metric" else 200
        wanted: list[tuple[str, Request, int]] = [
            ("POST /v1/usage", {"body": pushed}, 201),
            ("GET /v1/usage/{idempotency_key+}", {"path": {"idempotency_key": "own"}}, 200),
            ("GET /v1/usage", {"query": {"subscription": "ours-alias", "metric": "calls"}}, 200),
            ("DELETE /v1/usage/{idempotency_key+}", {"path": {"idempotency_key": "own"}}, 200),
            ("GET /v1/metrics/{code}", {"path": {"code": "calls"}}, 200),
            ("GET /v1/charges/{code}", {"path": {"code": "shared_plans"}}, 200),
            ("GET /v1/subscriptions", {}, 200),
            *(("GET /v1/subscriptions/{subscription}", each, 200) for each in ours),
            *(("GET /v1/subscriptions/{subscription}/usage", each, 200) for each in ours),
            *(("GET /v1/subscriptions/{subscription}/ratings", each, 200) for each in ours),
            *(("GET /v1/subscriptions/{subscription}/statements", each, whole) for each in ours),
            (
                "POST /v1/estimates",
                {"body": {"charge_code": "shared_plans", "subscription": "ours-alias", "period_start": START}},
                200,
            ),
            (
                "PATCH /v1/subscriptions/{subscription}",
                {**ours[0], "body": {"name": "S1"}},
                403 if limit.name == "metric" else 200,
            ),
        ]
        routes = {name_of(route): route for route in ROUTES}
        return [(routes[name], request, status) for name, request, status in wanted]


@pytest.fixture
def two_parties(
    admin: "Admin", dynamodb: DynamoDBClient, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TwoParties]:
    """The world of two parties, before the source is limited."""
    adapters(admin, dynamodb, monkeypatch)
    ingest.app.cache_clear()
    app_key = admin.key(*(SCOPES - {ADMIN}), source="src_app")
    endpoint = admin.post("/v1/endpoints", {"url": URL, "events": ["*"]}, key=app_key).json["id"]
    _definitions(admin)
    made = TwoParties(admin, dynamodb, tables, endpoint, [], "")
    _usage(made, app_key)
    for subscription in ("ours", "theirs"):
        made.run = admin.post("/v1/ratings/run", {"subscription": subscription}).json["run"]
    for queue, body in admin.messages:
        if queue == "rating":
            rate_dependencies.worker().do(rating_job(body), has_time=lambda: True)
    admin.messages.clear()
    _statements(StatementStore(dynamodb, tables.ratings))
    deliveries = admin.get(f"/v1/endpoints/{endpoint}/deliveries", query={"limit": "500"}).json["items"]
    made.deliveries = [each["id"] for each in deliveries if each.get("subscription") == "theirs"]
    assert made.deliveries
    admin.delete(f"/v1/keys/{app_key.split('_')[1]}")
    yield made
    ingest.app.cache_clear()


def _definitions(admin: "Admin") -> None:
    for code in ("calls", "veiled"):
        assert admin.put(f"/v1/metrics/{code}", {**METRIC, "name": code.title()}).status == 201
    for number, (name, plan) in enumerate((("ours", "Silver"), ("theirs", "Gold"))):
        definition = {
            **SUBSCRIPTION,
            "odoo_order_id": 8001 + 1000 * number,
            "name": f"{name.title()}-S",
            "customer_name": f"{name.title()} Corporation",
            "plan": plan,
            "aliases": [f"{name}-alias"],
        }
        assert admin.put(f"/v1/subscriptions/{name}", definition).status == 201
    charges: dict[str, tuple[str, dict[str, list[str]]]] = {
        "shared_plans": ("calls", {"plans": ["Silver", "Gold"]}),
        "gold_only": ("calls", {"plans": ["Gold"]}),
        "shared_subscriptions": ("calls", {"subscriptions": ["ours", "theirs"]}),
        "theirs_only": ("calls", {"subscriptions": ["theirs"]}),
        "veiled_charge": ("veiled", {"plans": ["Silver", "Gold"]}),
    }
    for code, (metric, applies_to) in charges.items():
        charge = {**CHARGE, "name": code.title(), "metric": metric, "applies_to": applies_to}
        assert admin.put(f"/v1/charges/{code}", charge).status == 201
    override = {"veiled_charge": {"included_units": "1"}, "shared_plans": {"included_units": "2"}}
    assert admin.patch("/v1/subscriptions/ours", {"overrides": override}).status == 200


def _usage(world: TwoParties, key: str) -> None:
    used = (("ours", "calls", "100"), ("theirs", "calls", "7777"), ("ours", "veiled", "4321"))
    for subscription, metric, quantity in used:
        record = {
            "idempotency_key": _KEYS[subscription, metric],
            "subscription": subscription,
            "metric": metric,
            "period_start": "2026-11-03T00:00:00Z",
            "period_end": "2026-11-04T00:00:00Z",
            "quantity": quantity,
        }
        assert world.push(record, key).status == 201


def _statements(store: StatementStore) -> None:
    start, end = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    for name, plan, order in (("ours", "Silver", 8001), ("theirs", "Gold", 9001)):
        period = Period(name, f"{name.title()} Corporation", plan, "USD", "UTC", order, start, end, end)
        rated = Decimal("1.00")
        metric = "veiled" if name == "ours" else "calls"
        line = StatementLine(f"{name}~x", metric, metric, metric, "20", rated, rated, invoiced_from="invoice")
        store.put(statement_document(period, [line], previous_hash=None, closed_at=end))
