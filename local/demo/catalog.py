"""Two metrics, three charges, four subscriptions, and the same in the stand-in Odoo."""

from collections.abc import Callable
from datetime import date
from typing import Any

from local.demo.dates import Dates, of_ended_month, of_month, of_year

METRICS: dict[str, dict[str, Any]] = {
    "api_calls": {"name": "API calls", "unit": "call", "aggregation": "sum"},
    "storage_gb": {"name": "Storage, at its peak", "unit": "GB", "aggregation": "max"},
}

API_CALLS_PRODUCT, STORAGE_PRODUCT = 701, 702

CHARGES: dict[str, dict[str, Any]] = {
    "api_calls_pro": {
        "name": "API calls",
        "metric": "api_calls",
        "applies_to": {"plans": ["Pro"]},
        "currency": "USD",
        "odoo_product_id": API_CALLS_PRODUCT,
        "included_units": "1000",
        "model": {"type": "per_unit", "unit_amount": "0.004"},
    },
    "api_calls_scale": {
        "name": "API calls",
        "metric": "api_calls",
        "applies_to": {"plans": ["Scale"]},
        "currency": "USD",
        "odoo_product_id": API_CALLS_PRODUCT,
        "included_units": "500",
        "model": {
            "type": "graduated",
            "tiers": [
                {"up_to": "1000", "unit_amount": "0.010", "flat_amount": "0"},
                {"up_to": "5000", "unit_amount": "0.006", "flat_amount": "0"},
                {"up_to": None, "unit_amount": "0.003", "flat_amount": "0"},
            ],
        },
    },
    "storage": {
        "name": "Storage",
        "metric": "storage_gb",
        "applies_to": {"all": True},
        "currency": "USD",
        "odoo_product_id": STORAGE_PRODUCT,
        "included_units": "50",
        "model": {"type": "per_unit", "unit_amount": "0.15"},
    },
}

MONTHLY, TIERED, YEARLY, ACROSS = "4101", "4102", "4103", "4104"
"""The subscriptions, by the ids of their orders in Odoo."""

_MONTH, _YEAR = {"value": 1, "unit": "month"}, {"value": 1, "unit": "year"}

SUBSCRIPTIONS: dict[str, dict[str, Any]] = {
    MONTHLY: {
        "odoo_order_id": 4101,
        "name": "S04101",
        "customer_name": "Nordlicht GmbH",
        "plan": "Pro",
        "state": "3_progress",
        "currency": "USD",
        "timezone": "Europe/Berlin",
        "billing_period": _MONTH,
    },
    TIERED: {
        "odoo_order_id": 4102,
        "name": "S04102",
        "customer_name": "Hudson Analytics Inc.",
        "plan": "Scale",
        "state": "3_progress",
        "currency": "USD",
        "timezone": "America/New_York",
        "billing_period": _MONTH,
    },
    YEARLY: {
        "odoo_order_id": 4103,
        "name": "S04103",
        "customer_name": "Ateliers Belleville",
        "plan": "Scale",
        "state": "3_progress",
        "currency": "USD",
        "timezone": "UTC",
        "billing_period": _YEAR,
    },
    # Its counters run from noon to noon: the last window ends after the period does.
    ACROSS: {
        "odoo_order_id": 4104,
        "name": "S04104",
        "customer_name": "Lakeside Robotics Ltd.",
        "plan": "Pro",
        "state": "3_progress",
        "currency": "USD",
        "timezone": "UTC",
        "billing_period": _MONTH,
    },
}
"""What does not depend on the date."""

_DATES: dict[str, Callable[[date], Dates]] = {
    MONTHLY: of_month,
    TIERED: of_month,
    YEARLY: of_year,
    ACROSS: of_ended_month,
}


def dates(subscription: str, today: date) -> Dates:
    """Return the dates of a subscription in a demo of `today`."""
    return _DATES[subscription](today)


def subscriptions(today: date) -> dict[str, dict[str, Any]]:
    """Return the subscriptions of a demo of `today`."""
    return {
        id_: {
            **subscription,
            "start_date": dates(id_, today).starts_on.isoformat(),
            "next_invoice_date": dates(id_, today).ends_on.isoformat(),
        }
        for id_, subscription in SUBSCRIPTIONS.items()
    }


ODOO_LOGIN = "fusion-billing"

_USD = 1  # the stand-in's own records
_COMPANIES = {"Europe/Berlin": 21, "America/New_York": 22, "UTC": 23}
_PLANS = {("Pro", "month"): 31, ("Scale", "month"): 32, ("Scale", "year"): 33}


def odoo_records(subscriptions: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return what the stand-in Odoo starts with; companies are there for their time zones."""
    orders = [_order(number, subscription) for number, subscription in enumerate(subscriptions.values())]
    customers = [
        {"id": 200 + number, "name": subscription["customer_name"]}
        for number, subscription in enumerate(subscriptions.values())
    ]
    seats = [{"id": 100 + number, "name": zone, "tz": zone} for zone, number in _COMPANIES.items()]
    return {
        "res.partner": [*seats, *customers],
        "res.company": [
            {"id": number, "name": f"Fusion {zone}", "partner_id": 100 + number, "currency_id": _USD}
            for zone, number in _COMPANIES.items()
        ],
        "product.product": [
            {"id": API_CALLS_PRODUCT, "name": "API calls", "lst_price": 1},
            {"id": STORAGE_PRODUCT, "name": "Storage", "lst_price": 1},
        ],
        "sale.subscription.plan": [
            {"id": number, "name": name, "billing_period_value": 1, "billing_period_unit": unit}
            for (name, unit), number in _PLANS.items()
        ],
        "sale.order": orders,
    }


def _order(number: int, subscription: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": subscription["odoo_order_id"],
        "name": subscription["name"],
        "partner_id": 200 + number,
        "company_id": _COMPANIES[subscription["timezone"]],
        "currency_id": _USD,
        "state": "sale",
        "is_subscription": True,
        "subscription_state": subscription["state"],
        "plan_id": _PLANS[subscription["plan"], subscription["billing_period"]["unit"]],
        "start_date": subscription["start_date"],
        "next_invoice_date": subscription["next_invoice_date"],
    }
