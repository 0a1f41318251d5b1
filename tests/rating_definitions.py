"""Definitions for tests: a metric, a charge and a subscription that belong together."""

from collections.abc import Mapping
from typing import Any

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse


def a_metric(code: str = "api_calls", aggregation: str = "sum", idempotency: str | None = None) -> Metric:
    """Return a metric that is counted in calls."""
    definition = {"name": code, "unit": "call", "aggregation": aggregation, "idempotency": idempotency}
    return parse(Metric, definition, code=code)


def a_charge(code: str = "api_calls", fields: Mapping[str, object] | None = None) -> Charge:
    """Return a charge of 0.10 USD a unit, 10 units included, except for `fields`."""
    definition = {
        "name": code,
        "metric": "api_calls",
        "applies_to": {"plans": ["Pro"]},
        "currency": "USD",
        "odoo_product_id": 7,
        "included_units": "10",
        "model": {"type": "per_unit", "unit_amount": "0.10"},
        **(fields or {}),
    }
    return parse(Charge, definition, code=code)


def a_subscription(id_: str = "42", fields: Mapping[str, object] | None = None) -> Subscription:
    """Return a monthly subscription whose open period is November 2026 in UTC, except for `fields`."""
    order = int(id_) if id_.isdecimal() else 1000
    body = subscription_body(order, name=f"S{id_}", customer_name="Azure Interior")
    return parse(Subscription, {**body, **(fields or {})}, id=id_)


def subscription_body(order: int = 42, **changes: object) -> dict[str, Any]:
    """Return the body that puts a monthly subscription whose open period is November 2026 in UTC, with `changes`."""
    return {
        "odoo_order_id": order,
        "name": f"S{order:05d}",
        "customer_name": "Acme",
        "plan": "Pro",
        "state": "3_progress",
        "currency": "USD",
        "timezone": "UTC",
        "start_date": "2026-01-01",
        "billing_period": {"value": 1, "unit": "month"},
        "next_invoice_date": "2026-12-01",
        **changes,
    }
