"""Estimates over HTTP: of what is given, and of a period's stored usage; nothing is stored by either."""

from typing import Any

import pytest

from fusion_billing.instants import parse_instant, sortable
from tests.rating_definitions import subscription_body

CHARGE: dict[str, Any] = {
    "name": "API calls",
    "metric": "calls",
    "applies_to": {"all": True},
    "currency": "USD",
    "odoo_product_id": 7,
    "included_units": "1000",
    "model": {"type": "per_unit", "unit_amount": "0.004"},
}
SUBSCRIPTION: dict[str, Any] = subscription_body(overrides={"calls": {"included_units": "1200"}})


@pytest.fixture
def used(admin: Any, dynamodb: Any, tables: Any) -> Any:
    """The client, with a charge and a subscription whose October and November have usage."""
    assert admin.put("/v1/metrics/calls", {"name": "Calls", "unit": "call", "aggregation": "sum"}).status == 201
    assert admin.put("/v1/charges/calls", CHARGE).status == 201
    assert admin.put("/v1/subscriptions/42", SUBSCRIPTION).status == 201
    for key, start, quantity in (
        ("a", "2026-10-05T00:00:00Z", "5000"),
        ("b", "2026-10-31T23:59:59.999999Z", "1"),
        ("c", "2026-11-01T00:00:00Z", "1250"),
        ("d", "2026-11-20T00:00:00Z", "250.5"),
    ):
        item = {
            "pk": {"S": f"U#src#{key}"},
            "pair": {"S": "42#calls"},
            "ws": {"S": sortable(parse_instant(start))},
            "we": {"S": "2026-12-01T00:00:00Z"},
            "q": {"N": quantity},
            "rev": {"N": "1"},
        }
        dynamodb.put_item(TableName=tables.usage, Item=item)
    return admin


def test_units_are_estimated_under_a_charge_in_the_body(admin: Any) -> None:
    charge = {name: CHARGE[name] for name in ("currency", "included_units", "model")}
    answer = admin.post("/v1/estimates", {"charge": charge, "units": "1250.5"})
    assert answer.status == 200
    assert answer.json["units"] == "1250.5"
    assert answer.json["billable_units"] == "250.5"
    assert (answer.json["amount"], answer.json["unrounded_amount"]) == ("1.00", "1.002")
    assert answer.json["currency"] == "USD"
    assert {"description", "units", "unit_amount", "amount"} <= set(answer.json["steps"][0])


def test_records_are_estimated_under_a_stored_charge(used: Any) -> None:
    body = {"charge_code": "calls", "records": [{"quantity": 900}, {"quantity": "350.5"}]}
    assert used.post("/v1/estimates", body).json["amount"] == "1.00"
    assert used.post("/v1/estimates", {**body, "previous_units": "1125"}).json["amount"] == "0.50"


@pytest.mark.parametrize(
    ("start", "price", "units", "amount"),
    [
        pytest.param("2026-11-01T00:00:00Z", {"charge_code": "calls"}, "1500.5", "1.20", id="open, overridden"),
        pytest.param("2026-10-01T00:00:00Z", {"charge_code": "calls"}, "5001", "15.20", id="past"),
        pytest.param(
            "2026-10-01T00:00:00Z",
            {"charge": {**CHARGE, "included_units": "0", "model": {"type": "flat", "amount": "3"}}},
            "5001",
            "3.00",
            id="another price",
        ),
        pytest.param(
            "2026-10-01T00:00:00Z",
            {"charge": CHARGE, "metric": {"aggregation": "max"}},
            "5000",
            "16.00",
            id="another aggregation",
        ),
        pytest.param("2026-12-01T00:00:00Z", {"charge_code": "calls"}, "0", "0.00", id="to come"),
    ],
)
def test_a_period_is_rated_again_under_any_price(
    used: Any, start: str, price: dict[str, Any], units: str, amount: str
) -> None:
    answer = used.post("/v1/estimates", {"subscription": "42", "period_start": start, **price})
    assert answer.status == 200, answer.json
    assert (answer.json["units"], answer.json["amount"]) == (units, amount)
    assert answer.json["period_start"] == start


def test_a_level_is_estimated_in_the_first_existing_periods(used: Any) -> None:
    used.put("/v1/metrics/level", {"name": "Level", "aggregation": "time_weighted"})
    assert used.put("/v1/charges/level", {**CHARGE, "metric": "level"}).status == 201
    for start in ("0001-01-01T00:00:00Z", "0001-02-03T00:00:00Z"):
        body = {"charge_code": "level", "subscription": "42", "period_start": start}
        answer = used.post("/v1/estimates", body)
        assert (answer.status, answer.json["amount"]) == (200, "0.00"), start


def test_an_estimate_stores_nothing(used: Any, dynamodb: Any, tables: Any) -> None:
    asked = len(used.messages)
    body = {"subscription": "42", "period_start": "2026-11-01T00:00:00Z", "charge_code": "calls"}
    assert used.post("/v1/estimates", body).status == 200
    assert dynamodb.scan(TableName=tables.ratings)["Items"] == []
    assert len(used.messages) == asked


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"charge": "missing"}),
        ({"charge_code": "calls", "charge": CHARGE, "units": 1}, {"charge": "mutually_exclusive"}),
        ({"charge_code": "calls"}, {"units": "missing"}),
        ({"charge_code": "calls", "units": 1, "records": []}, {"units": "mutually_exclusive"}),
        ({"charge_code": "none", "units": 1}, {"charge_code": "unknown_charge"}),
        ({"charge_code": 5, "units": 1}, {"charge_code": "not_a_string"}),
        ({"charge_code": "calls", "units": "NaN"}, {"units": "not_finite"}),
        ({"charge_code": "calls", "units": "1e999999999"}, {"units": "too_many_digits"}),
        (
            {
                "charge_code": "calls",
                "records": [{"quantity": 1, "period_start": "9999-12-31T23:59:59.999999Z"}],
            },
            {"records.0.period_start": "out_of_range"},
        ),
        ({"charge": 5, "units": 1}, {"charge": "not_an_object"}),
        ({"charge_code": "calls", "units": 1, "colour": "red"}, {"colour": "unknown_field"}),
        ({"charge_code": "calls", "subscription": "42"}, {"period_start": "missing"}),
        ({"charge_code": "calls", "period_start": "2026-11-01T00:00:00Z"}, {"subscription": "missing"}),
        (
            {
                "charge_code": "calls",
                "subscription": "42",
                "period_start": "2026-11-01T00:00:00Z",
                "units": 1,
            },
            {"units": "mutually_exclusive"},
        ),
        (
            {"charge_code": "calls", "subscription": "42", "period_start": "2026-11-01"},
            {"period_start": "not_an_instant"},
        ),
        (
            {
                "charge": {**CHARGE, "metric": "none"},
                "subscription": "42",
                "period_start": "2026-11-01T00:00:00Z",
            },
            {"charge.metric": "unknown_metric"},
        ),
        (
            {"charge_code": "calls", "subscription": "42", "period_start": "9999-12-31T23:00:00Z"},
            {"period_start": "out_of_range"},
        ),
        (
            {"charge_code": "calls", "subscription": 42, "period_start": "2026-11-01T00:00:00Z"},
            {"subscription": "not_a_string"},
        ),
    ],
)
def test_an_invalid_estimate_is_refused_by_field(used: Any, body: dict[str, Any], faults: dict[str, str]) -> None:
    answer = used.post("/v1/estimates", body)
    assert (answer.status, answer.faults) == (422, faults)


def test_another_sources_plan_and_an_unknown_subscription_get_the_same_response(used: Any) -> None:
    body = {"charge_code": "calls", "period_start": "2026-11-01T00:00:00Z"}
    limited = used.key("ratings:read", source="src_basic", plans=frozenset({"Basic"}))
    assert used.post("/v1/estimates", {**body, "subscription": "42"}, key=limited).status == 404
    assert used.post("/v1/estimates", {**body, "subscription": "43"}).status == 404


def test_stored_usage_is_estimated_only_for_sources_that_may_see_its_metric(used: Any) -> None:
    body = {"charge_code": "calls", "subscription": "42", "period_start": "2026-11-01T00:00:00Z"}
    own = used.key("ratings:read", source="src_calls", metrics=frozenset({"calls"}))
    assert used.post("/v1/estimates", body, key=own).status == 200
    other = used.key("ratings:read", source="src_storage", metrics=frozenset({"storage"}))
    hidden = used.post("/v1/estimates", body, key=other)
    assert (hidden.status, hidden.faults) == (422, {"charge_code": "unknown_charge"})
    named = {**body, "charge_code": None, "charge": {**CHARGE, "code": "calls"}}
    answer = used.post("/v1/estimates", named, key=other)
    assert (answer.status, answer.code) == (403, "metric_not_allowed")


def test_an_estimate_needs_its_scope(admin: Any) -> None:
    assert admin.post("/v1/estimates", {}, key=admin.key("catalog:write")).code == "missing_scope"
