"""`python -m tests.browser.strange_worlds WORLD`: the console's server on data at its limits, or on none.

`empty` holds an operator's key and nothing else. `strange` has yen and dinars, names of the greatest length, a metric
without a unit, a subscription without a charge, a deleted charge, a credit, two charges of one name, prices that change
within the period, filters, groups and overrides.
"""

import sys
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from tests.browser import server
from tests.browser.world import NOW, World
from tests.lives.service import Service

LONG = "Long" * 64
_TIERS = [{"up_to": "10", "unit_amount": "3", "flat_amount": "5"}, {"up_to": None, "unit_amount": "1"}]
_CHARGE = {"metric": "bare", "odoo_product_id": 7, "included_units": "0"}
CHARGES: dict[str, dict[str, Any]] = {
    "yen": {"name": "Calls", "applies_to": {"plans": ["J"]}, "currency": "JPY", "model": _TIERS},
    "yen_twin": {"name": "Calls", "applies_to": {"plans": ["J"]}, "currency": "JPY", "model": "0.5"},
    "dinar": {
        "name": LONG,
        "applies_to": {"plans": [LONG]},
        "currency": "KWD",
        "model": "0.0005",
        "group_by": ["region"],
        "filters": [
            {"properties": {"region": ["eu", "us"]}, "model": {"type": "flat", "amount": "1"}, "included_units": "1"}
        ],
        "minimum_amount": "2",
    },
    "gone": {"name": "Gone", "applies_to": {"plans": ["J"]}, "currency": "JPY", "model": "1"},
    "level": {
        "name": "A level",
        "metric": "level",
        "applies_to": {"all": True},
        "currency": "JPY",
        "model": "7",
        "unit_conversion": {"operation": "divide", "factor": "7", "rounding": "none"},
    },
}
SUBSCRIPTIONS: dict[str, dict[str, Any]] = {
    "4101": {"plan": "J", "currency": "JPY", "timezone": "Asia/Tokyo"},
    "kw": {"plan": LONG, "currency": "KWD", "timezone": "Asia/Kuwait", "customer_name": LONG, "name": LONG},
    "bare": {"plan": "None", "currency": "USD", "timezone": "America/New_York"},
    "over": {"plan": "J", "currency": "JPY", "timezone": "UTC"},
}


class EmptyWorld(World):
    """A service without a subscription that a portal token could be for."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API; no token is created."""
        return {"token": ""} if path == "/v1/portal-tokens" else super().call(method, path, body)


def empty(service: Service) -> World:
    """Have nothing."""
    service.clock.now = NOW
    return EmptyWorld(service, service.key, {"admin": service.key}, "ep_none")


def strange(service: Service) -> World:
    """Have what stretches the console."""
    world = World(service, service.key, {"admin": service.key})
    service.clock.now = NOW - timedelta(days=30)
    world.call("PUT", "/v1/metrics/bare", {"name": "Bare", "aggregation": "sum"})
    world.call("PUT", "/v1/metrics/level", {"name": LONG, "aggregation": "time_weighted", "unit": LONG})
    for code, charge in CHARGES.items():
        world.call("PUT", f"/v1/charges/{code}", {**_CHARGE, **charge, "model": _model(charge["model"])})
    for number, (name, fields) in enumerate(SUBSCRIPTIONS.items()):
        world.call("PUT", f"/v1/subscriptions/{name}", {**_subscription(number, name), **fields})
    own = world.call("POST", "/v1/sources", {"name": LONG})["id"]
    keyed = world.call("POST", f"/v1/sources/{own}/keys", {"scopes": ["usage:write", "usage:read"]})
    world.keys["app"] = keyed["key"]
    world.push([_record(name, "2026-10-05", "1e3", "a") for name in SUBSCRIPTIONS])
    world.push([_record(name, "2026-10-06", "0.333333333333333333333", "b") for name in SUBSCRIPTIONS])
    world.push([{**_record("4101", "2026-10-07", "5", "level"), "metric": "level"}])
    world.rate_and_send()
    service.clock.now = NOW - timedelta(days=20)
    for name in ("4101", "kw"):
        world.call("PATCH", f"/v1/subscriptions/{name}", {"next_invoice_date": "2026-12-01"})
    world.rate_and_send()
    world.push([{**_record(name, "2026-10-05", "3", "a"), "sequence": 2} for name in ("4101", "kw")])
    world.push([_record(name, "2026-11-06", "12.5", "c") for name in SUBSCRIPTIONS])
    world.rate_and_send()
    world.call("PUT", "/v1/charges/gone", {**_CHARGE, **CHARGES["gone"], "model": _model("1"), "active": False})
    changed = {**_CHARGE, **CHARGES["yen_twin"], "model": _model("0.75"), "valid_from": "2026-11-16"}
    world.call("PUT", "/v1/charges/yen_twin", changed)
    override = {"yen": [{"model": _model("2.5")}, {"valid_from": "2026-12-01", "included_units": "7"}]}
    world.call("PATCH", "/v1/subscriptions/4101", {"overrides": override})
    world.call("PATCH", "/v1/subscriptions/over", {"state": "6_churn", "end_date": "2026-11-10"})
    world.call("DELETE", f"/v1/usage/b:kw?source={own}", {"reason": LONG})
    service.clock.now = NOW
    world.rate_and_send()
    world.push([_record("4101", "2026-11-07", "1", "d")])
    hook = {"url": f"https://hooks.example.com/{LONG}", "events": ["*"], "description": LONG}
    world.endpoint = world.call("POST", "/v1/endpoints", hook)["id"]
    return world


def _model(price: Any) -> dict[str, Any]:
    if isinstance(price, str):
        return {"type": "per_unit", "unit_amount": price}
    return {"type": "graduated", "tiers": price} if isinstance(price, list) else price


def _subscription(number: int, name: str) -> dict[str, Any]:
    return {
        "odoo_order_id": 900 + number,
        "name": name,
        "customer_name": f"Customer {number}",
        "state": "3_progress",
        "start_date": "2026-09-01",
        "billing_period": {"value": 1, "unit": "month"},
        "next_invoice_date": "2026-11-01",
    }


def _record(subscription: str, day: str, quantity: str, key: str) -> dict[str, Any]:
    window = {"period_start": f"{day}T00:00:00Z", "period_end": f"{day}T12:00:00Z"}
    record = {"subscription": subscription, "metric": "bare", "quantity": quantity, "sequence": 1, **window}
    return {**record, "idempotency_key": f"{key}:{subscription}", "properties": {"region": "eu"}}


if __name__ == "__main__":
    with patch.object(server, "build", {"empty": empty, "strange": strange}[sys.argv.pop()]):
        server.main()
