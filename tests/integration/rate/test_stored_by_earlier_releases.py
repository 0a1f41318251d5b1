"""Ratings as an earlier release stored them are re-rated, frozen and adjusted as ever."""

import hashlib
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from fusion_billing.messaging.rating_messages import sweep_jobs

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

JOB = {"job": "subscription", "id": "42"}
CHARGE: dict[str, Any] = {
    "code": "api_calls",
    "name": "api_calls",
    "metric": "api_calls",
    "applies_to": {"plans": ["Pro"]},
    "currency": "USD",
    "odoo_product_id": 7,
    "included_units": "10",
    "model": {"type": "per_unit", "unit_amount": "0.10"},
    "active": True,
    "filters": [],
    "group_by": [],
}
DOCUMENT: dict[str, Any] = {
    "charge": "api_calls",
    "charge_name": "api_calls",
    "metric": "api_calls",
    "unit": "call",
    "plan": "Pro",
    "odoo_order_id": 42,
    "odoo_product_id": 7,
    "timezone": "UTC",
    "period_start": "2026-11-01T00:00:00Z",
    "period_end": "2026-12-01T00:00:00Z",
    "units": "25",
    "included_units": "10",
    "overage_units": "15",
    "billable_units": "15",
    "amount": "1.50",
    "unrounded_amount": "1.5",
    "currency": "USD",
    "steps": [
        {"description": "Included: 10 units", "units": "10", "unit_amount": "0", "amount": "0"},
        {"description": "15 units at 0.1 each", "units": "15", "unit_amount": "0.1", "amount": "1.5"},
    ],
    "price_versions": [None],
    "priced_by": [CHARGE],
    "metric_definition": {"code": "api_calls", "name": "api_calls", "unit": "call", "aggregation": "sum"},
}


@pytest.fixture
def upgraded(small_world: "World") -> "World":
    """A world whose November an earlier release rated at 1.50 and put into Odoo."""
    return store(small_world, DOCUMENT)


def store(small_world: "World", document: dict[str, Any]) -> "World":
    """Store what an earlier release rated at 1.50 and put into Odoo."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    small_world.push("25", is_marked=False)
    small_world.client.put_item(
        TableName=small_world.tables.ratings,
        Item={
            "pk": {"S": "R#42#2026-11-01T00:00:00Z"},
            "sk": {"S": "api_calls"},
            "version": {"N": "2"},
            "amount": {"S": "1.50"},
            "doc": {"S": text},
            "digest": {"S": hashlib.sha256(text.encode()).hexdigest()},
            "hist": {"S": "1 20 1.00 2026-11-04T10:00:00Z\n2 25 1.50 2026-11-05T10:00:00Z"},
            "raised": {"SS": ["included:80", "included:100"]},
            "line_state": {"S": "sent"},
            "line_version": {"N": "2"},
            "line_amount": {"S": "1.50"},
            "line_id": {"N": "9"},
            "line_order": {"N": "42"},
            "line_tries": {"N": "0"},
        },
    )
    return small_world


def test_it_is_rated_again_over_its_history(upgraded: "World") -> None:
    upgraded.push("30")
    upgraded.rate_hour()
    rating = upgraded.rating()
    assert (rating.version, rating.amount, rating.billed) == (3, Decimal("2.00"), Decimal("1.50"))
    assert [(entry.version, entry.amount, entry.cause) for entry in rating.history] == [
        (1, "1.00", None),
        (2, "1.50", None),
        (3, "2.00", "usage"),
    ]
    assert upgraded.outbox.data_of("usage.threshold_reached") == []


def test_it_is_frozen_and_adjusted_by_the_price_it_keeps(upgraded: "World") -> None:
    upgraded.charge(model={"type": "per_unit", "unit_amount": "9"})
    upgraded.invoice("2027-01-01")
    upgraded.do(JOB)
    frozen = upgraded.rating()
    assert (frozen.version, frozen.frozen, frozen.billed) == (2, True, Decimal("1.50"))
    assert upgraded.find_rating("2026-12-01", corrects="2026-11-01") is None
    upgraded.push("30", is_marked=False)
    for message in sweep_jobs():
        upgraded.do(message)
    assert upgraded.rating("2026-12-01", corrects="2026-11-01").amount == Decimal("0.50")


def test_new_rules_bill_nothing_again_until_usage_changes(small_world: "World") -> None:
    """A price that changed in mid-period: the former rules came to 1.50, the present ones come to 2.10."""
    flat = {**CHARGE, "included_units": "0", "model": {"type": "flat", "amount": "1.50"}}
    later = {**flat, "valid_from": "2026-11-16T00:00:00Z", "model": {"type": "flat", "amount": "2.70"}}
    upgraded = store(small_world, {**DOCUMENT, "included_units": "0", "priced_by": [flat, later]})
    upgraded.invoice("2027-01-01")
    upgraded.do(JOB)
    for message in sweep_jobs():
        upgraded.do(message)
    assert upgraded.find_rating("2026-12-01", corrects="2026-11-01") is None

    upgraded.push("30")
    upgraded.rate_hour()
    assert upgraded.rating("2026-12-01", corrects="2026-11-01").amount == Decimal("0.60")
    upgraded.push("25")
    upgraded.rate_hour()
    assert upgraded.rating("2026-12-01", corrects="2026-11-01").amount == Decimal("0.60")
