"""A valid request to every route, for a world in which each has something to act on (the fixture `world`)."""

import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from functions.admin.route_table import ROUTES, Route
from tests.rating_definitions import subscription_body

SUBSCRIPTION = subscription_body(customer_name="Azure Interior")
METRIC = {"name": "API calls", "unit": "call", "aggregation": "sum"}
CHARGE = {
    "name": "API calls",
    "metric": "calls",
    "applies_to": {"plans": ["Pro"]},
    "currency": "USD",
    "odoo_product_id": 7,
    "included_units": "10",
    "model": {"type": "per_unit", "unit_amount": "0.10"},
}
START = datetime(2026, 11, 1, tzinfo=UTC)
URL = "https://hooks.example.com/billing"
LINE = "42~20261101T000000Z~calls"
KEY = "nexa:42:calls"


@dataclass(frozen=True)
class Valid:
    """A valid request to a route: its path parameters, its query, its body."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    def path_of(self, route: Route, **changed: str) -> str:
        """Return the route's path with its parameters, some of them `changed`."""
        text = route.template
        for name, value in {**self.path, **changed}.items():
            text = text.replace(f"{{{name}}}", value)
        return text


def requests(names: Mapping[str, str]) -> dict[str, Valid]:
    """Return a valid request to each route; `names` are the ids that the world was given."""
    metric, charge = Valid({"code": "calls"}), Valid({"code": "calls"})
    subscription = Valid({"subscription": "42"})
    endpoint = Valid({"endpoint": names["endpoint"]})
    window = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-30T00:00:00Z"}
    return {
        "GET /v1/usage/{idempotency_key+}": Valid({"idempotency_key": KEY}, {"source": "src_app"}),
        "DELETE /v1/usage/{idempotency_key+}": Valid({"idempotency_key": KEY}, {"source": "src_app"}, {"reason": "x"}),
        "GET /v1/usage": Valid({}, {"subscription": "42", "metric": "calls", "limit": "1", **window}),
        "POST /v1/usage/reconcile": Valid(
            {},
            {"source": "src_app"},
            {"subscription": "42", "metric": "calls", **window, "records": [{"idempotency_key": "a", "quantity": 1}]},
        ),
        "PUT /v1/metrics/{code}": Valid(metric.path, {"dry_run": "true"}, METRIC),
        "GET /v1/metrics/{code}": metric,
        "GET /v1/metrics": Valid({}, {"limit": "1"}),
        "DELETE /v1/metrics/{code}": Valid({"code": "seats"}, {"reason": "x"}),
        "PUT /v1/charges/{code}": Valid(charge.path, {"dry_run": "true"}, CHARGE),
        "GET /v1/charges/{code}": charge,
        "GET /v1/charges": Valid({}, {"limit": "1"}),
        "DELETE /v1/charges/{code}": Valid({"code": "seats"}, {"reason": "x"}),
        "PUT /v1/subscriptions/{subscription}": Valid(subscription.path, {"reason": "x"}, SUBSCRIPTION),
        "PATCH /v1/subscriptions/{subscription}": Valid(subscription.path, {"reason": "x"}, {"name": "S42"}),
        "GET /v1/subscriptions/{subscription}": subscription,
        "GET /v1/subscriptions": Valid({}, {"limit": "1"}),
        "DELETE /v1/subscriptions/{subscription}": Valid({"subscription": "43"}, {"reason": "x"}),
        "GET /v1/subscriptions/{subscription}/usage": Valid(subscription.path, {"at": "2026-11-03T00:00:00Z"}),
        "GET /v1/subscriptions/{subscription}/ratings": Valid(subscription.path, {"limit": "1"}),
        "GET /v1/subscriptions/{subscription}/ratings/{charge}": Valid(
            {"subscription": "42", "charge": "calls"}, {"period_start": "2026-11-01", "limit": "1", "steps_from": "0"}
        ),
        "GET /v1/subscriptions/{subscription}/statements": Valid(subscription.path, {"limit": "1"}),
        "GET /v1/subscriptions/{subscription}/statements/{period_start}": Valid(
            {"subscription": "42", "period_start": "2026-09-01T00:00:00Z"}
        ),
        "GET /v1/ratings": Valid(
            {}, {"period_end_from": "2026-11-01", "period_end_to": "2027-01-01", "state": "open", "limit": "1"}
        ),
        "POST /v1/estimates": Valid(
            body={"charge_code": "calls", "subscription": "42", "period_start": "2026-11-01T00:00:00Z"}
        ),
        "POST /v1/endpoints": Valid(body={"url": URL, "events": ["*"], "description": "x"}),
        "GET /v1/endpoints": Valid({}, {"limit": "1"}),
        "GET /v1/endpoints/{endpoint}": endpoint,
        "PATCH /v1/endpoints/{endpoint}": Valid(endpoint.path, {}, {"description": "y", "state": "enabled"}),
        "DELETE /v1/endpoints/{endpoint}": endpoint,
        "POST /v1/endpoints/{endpoint}/secret/rotate": endpoint,
        "POST /v1/endpoints/{endpoint}/test": Valid(endpoint.path, {}, {"type": "rating.updated"}),
        "POST /v1/endpoints/{endpoint}/replay": Valid(endpoint.path, {}, {"since": "2026-11-01T00:00:00Z"}),
        "GET /v1/endpoints/{endpoint}/deliveries": Valid(
            endpoint.path, {"limit": "1", "state": "due", "type": "endpoint.test", "since": "2026-11-01T00:00:00Z"}
        ),
        "GET /v1/events": Valid(
            {}, {"limit": "1", "subscription": "42", "type": "endpoint.test", "since": "2026-11-01T00:00:00Z"}
        ),
        "GET /v1/events/{event}": Valid({"event": names["delivery"].partition("~")[2]}),
        "POST /v1/deliveries/{delivery}/replay": Valid({"delivery": names["delivery"]}),
        "POST /v1/sources": Valid(body={"name": "Other", "metrics": ["calls"], "plans": ["Pro"]}),
        "GET /v1/sources": Valid({}, {"limit": "1"}),
        "GET /v1/sources/{source_id}": Valid({"source_id": "src_app"}),
        "PATCH /v1/sources/{source_id}": Valid({"source_id": names["source"]}, {}, {"plans": ["Pro"], "metrics": None}),
        "POST /v1/sources/{source_id}/keys": Valid(
            {"source_id": names["source"]}, {}, {"scopes": ["usage:read"], "expires_at": "2027-11-01T00:00:00Z"}
        ),
        "DELETE /v1/keys/{key_id}": Valid({"key_id": names["key"]}),
        "POST /v1/portal-tokens": Valid(body={"subscription": "42", "expires_in": 600}),
        "POST /v1/ratings/run": Valid(body={"subscription": "42", "sweep": True}),
        "GET /v1/ratings/runs/{run}": Valid({"run": names["run"]}),
        "GET /v1/lines": Valid({}, {"limit": "1"}),
        "GET /v1/lines/{line}": Valid({"line": LINE}),
        "POST /v1/lines/{line}/retry": Valid({"line": LINE}),
        "POST /v1/lines/reconcile": Valid(body={"subscription": "42", "period_start": "2026-11-01T00:00:00Z"}),
        "POST /v1/subscriptions/sync": Valid(body={"full": True}),
        "POST /v1/sessions": Valid(body={"key": names["key_text"]}),
        "GET /v1/sessions": Valid(),
        "DELETE /v1/sessions": Valid(),
        "GET /v1/sessions/oidc": Valid({}, {"return_to": "#/sources"}),
        "GET /v1/sessions/oidc/callback": Valid({}, {"code": "c", "state": "s"}),
        "GET /v1/overview": Valid(),
        "GET /v1/audit": Valid({}, {"from": "2026-11-01T00:00:00Z", "limit": "1"}),
        "GET /v1/health": Valid(),
        "GET /openapi.json": Valid(),
    }


def name_of(route: Route) -> str:
    """Return what names a route in `requests`."""
    return f"{route.method} {route.path}"


SERVED = [route for route in ROUTES if route.handler is not None]
OF_ODOO = {"POST /v1/lines/reconcile", "POST /v1/subscriptions/sync"}
"""Routes that call Odoo, of which this world has none."""


class FakePortalSecret:
    """Secrets Manager with the secret of portal tokens."""

    def __init__(self) -> None:
        self.text = json.dumps({"current": "c" * 64})

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803
        assert SecretId == "arn:portal"
        return {"SecretString": self.text}


class FakeKms:
    """KMS that hides nothing."""

    def encrypt(self, *, Plaintext: bytes, **_: Any) -> dict[str, bytes]:  # noqa: N803
        return {"CiphertextBlob": Plaintext}


def resolve_host(host: str, port: int, *_: Any) -> Iterable[Any]:
    """Resolve every host to a public address."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]
