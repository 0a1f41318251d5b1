"""Subscriptions over HTTP: single fields changed, chains of orders, plans, aliases, ends."""

from typing import Any

import pytest

from tests.integration.admin.test_catalog import SUBSCRIPTION

pytestmark = pytest.mark.integration

PATH = "/v1/subscriptions/42"
CHAIN = [
    {"odoo_order_id": 42, "from": "2026-01-31", "kind": "initial"},
    {"odoo_order_id": 57, "from": "2026-11-10"},
]


@pytest.fixture
def put(admin: Any) -> Any:
    """The client, with a subscription put."""
    assert admin.put(PATH, SUBSCRIPTION).status == 201
    return admin


def patch(admin: Any, body: Any, path: str = PATH, **how: Any) -> Any:
    return admin.call("PATCH", path, body=body, **how)


def faults(answer: Any) -> set[tuple[str, str]]:
    return {(fault["field"], fault["code"]) for fault in answer.json["errors"]}


def test_a_change_touches_the_fields_it_names_and_no_other(put: Any) -> None:
    before = put.get(PATH).json
    changed = patch(put, {"plan": "Basic", "end_date": "2027-01-31"})
    assert changed.status == 200
    assert changed.json == put.get(PATH).json
    differing = {name for name in changed.json if changed.json.get(name) != before.get(name)}
    assert differing == {"plan", "end_date", "version", "plan_history", "history"}
    assert "end_date" not in patch(put, {"end_date": None}).json
    assert patch(put, {}).json["version"] == 3


def test_a_change_is_validated_like_a_whole_definition(put: Any) -> None:
    for body, fault in (
        ({"name": ""}, ("name", "empty")),
        ({"plan": None}, ("plan", "missing")),
        ({"colour": "red"}, ("colour", "unknown_field")),
        ({"end_date": "2020-01-01"}, ("end_date", "end_before_start")),
        ({"overrides": {"nothing": {"included_units": "1"}}}, ("overrides.nothing", "unknown_charge")),
        ({"id": "43"}, ("id", "mismatch")),
        ({"origin": "odoo"}, ("origin", "read_only")),
        ({"billed_from": "2026-11-31"}, ("billed_from", "not_a_date")),
        ({"aliases": ["a b"]}, ("aliases", "invalid_identifier")),
        ({"next_invoice_date": "9999-12-31"}, ("next_invoice_date", "out_of_range")),
        ({"plan_from": "2026-11-20"}, ("plan_from", "invalid_parameter")),
    ):
        answer = patch(put, body)
        assert (answer.status, faults(answer)) == (422, {fault}), body
    assert put.get(PATH).json["version"] == 1


def test_a_change_may_be_conditional_on_the_version(put: Any) -> None:
    assert patch(put, {"name": "S1", "version": 1}).status == 200
    refused = patch(put, {"name": "S2", "version": 1})
    assert refused.status == 409


def test_a_change_needs_the_right_to_write_and_something_to_change(put: Any) -> None:
    assert patch(put, {"name": "S1"}, key=put.key("catalog:read")).status == 403
    assert patch(put, {"name": "S1"}, path="/v1/subscriptions/43").status == 404
    assert patch(put, {"name": "S1"}, path=f"/v1/subscriptions/{'x' * 2_000}").status == 404


def test_the_former_name_of_the_customer_field_is_accepted(put: Any) -> None:
    assert patch(put, {"partner": "Other"}).json["customer_name"] == "Other"
    body = {name: value for name, value in SUBSCRIPTION.items() if name != "customer_name"}
    assert put.put(PATH, {**body, "partner": "Acme"}).json["customer_name"] == "Acme"
    both = put.put(PATH, {**body, "partner": "Acme", "customer_name": "Else"})
    assert faults(both) == {("partner", "mismatch")}


def test_an_alias_finds_the_same_subscription_on_every_route(put: Any) -> None:
    assert patch(put, {"aliases": ["acme"]}).json["aliases"] == ["acme"]
    shown = put.get(PATH).json
    assert put.get("/v1/subscriptions/acme").json == shown
    assert put.get("/v1/subscriptions/acme/usage").json["subscription"] == "42"
    assert put.get("/v1/subscriptions/acme/ratings").status == 200
    assert patch(put, {"name": "S1"}, path="/v1/subscriptions/acme").json["id"] == "42"
    taken = put.put("/v1/subscriptions/acme", {**SUBSCRIPTION, "odoo_order_id": 99})
    assert (taken.status, taken.json["code"]) == (409, "alias_taken")
    other = put.put("/v1/subscriptions/43", {**SUBSCRIPTION, "odoo_order_id": 99, "aliases": ["acme"]})
    assert (other.status, other.json["code"]) == (409, "alias_taken")
    assert put.call("DELETE", "/v1/subscriptions/acme").status == 204
    assert put.get(PATH).status == 404
    assert put.get("/v1/subscriptions/acme").status == 404


def test_a_renewal_is_added_to_the_chain(put: Any) -> None:
    renewed = patch(put, {"orders": CHAIN, "plan": "Max"})
    assert renewed.status == 200
    assert (renewed.json["odoo_order_id"], renewed.json["aliases"]) == (57, ["57"])
    assert renewed.json["orders"] == [
        {
            "odoo_order_id": 42,
            "from": "2026-01-31T05:00:00Z",
            "until": "2026-11-10T05:00:00Z",
            "kind": "initial",
        },
        {"odoo_order_id": 57, "from": "2026-11-10T05:00:00Z", "until": None, "kind": "renewal"},
    ]
    assert renewed.json["plan_history"] == [
        {"plan": "Pro", "from": None},
        {"plan": "Max", "from": "2026-11-10T05:00:00Z"},
    ]
    again = put.put(PATH, renewed.json)
    assert (again.status, again.json) == (200, renewed.json)
    taken = put.put("/v1/subscriptions/57", {**SUBSCRIPTION, "odoo_order_id": 57})
    assert taken.status == 409
    taken = put.put("/v1/subscriptions/other", {**SUBSCRIPTION, "odoo_order_id": 42})
    assert (taken.status, taken.json["code"]) == (409, "order_taken")


def test_an_order_that_is_another_subscription_s_joins_no_chain(put: Any) -> None:
    assert put.put("/v1/subscriptions/57", {**SUBSCRIPTION, "odoo_order_id": 57}).status == 201
    taken = patch(put, {"orders": CHAIN})
    assert (taken.status, taken.json["code"]) == (409, "order_taken")


def test_an_invalid_chain_is_refused_by_field(put: Any) -> None:
    first, second = CHAIN
    for orders, fault in (
        ([], ("orders", "empty")),
        ("57", ("orders", "not_a_list")),
        ([first, {"odoo_order_id": 57}], ("orders.1.from", "missing")),
        ([first, {**second, "colour": "red"}], ("orders.1.colour", "unknown_field")),
        ([first, {**second, "kind": "sideways"}], ("orders.1.kind", "unknown_value")),
        ([first, {**second, "kind": "initial"}], ("orders.0.kind", "unknown_value")),
        ([first, {**second, "from": "2025-01-01"}], ("orders", "not_ascending")),
        ([first, {**second, "odoo_order_id": 42}], ("orders", "duplicate")),
        ([first] * 41, ("orders", "too_many")),
    ):
        answer = patch(put, {"orders": orders})
        assert (answer.status, faults(answer)) == (422, {fault}), orders
    answer = patch(put, {"orders": CHAIN, "odoo_order_id": 99})
    assert faults(answer) == {("orders", "mismatch")}
    assert put.get(PATH).json["version"] == 1


def test_the_start_of_a_plan_may_be_set_and_corrected(put: Any) -> None:
    changed = patch(put, {"plan": "Max", "plan_from": "2026-11-25"})
    assert changed.json["plan_history"][-1] == {"plan": "Max", "from": "2026-11-25T05:00:00Z"}
    corrected = patch(put, {"plan_from": "2026-11-20T12:00:00Z"})
    assert corrected.json["plan_history"] == [
        {"plan": "Pro", "from": None},
        {"plan": "Max", "from": "2026-11-20T12:00:00Z"},
    ]


def test_billed_from_is_a_day_of_the_subscription_s_zone_or_an_instant(put: Any) -> None:
    assert patch(put, {"billed_from": "2026-10-01"}).json["billed_from"] == "2026-10-01"
    assert patch(put, {"billed_from": "2026-10-01T12:00:00+02:00"}).json["billed_from"] == "2026-10-01T10:00:00Z"
    assert "billed_from" not in patch(put, {"billed_from": None}).json
