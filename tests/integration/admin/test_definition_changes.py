"""Changes of definitions: confirmed where they rate as something else, kept in a history, tried first."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from fusion_billing.instants import sortable
from tests.integration.admin.test_catalog import CHARGE, METRIC, PATHS, SUBSCRIPTION

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
ROUNDED = {**METRIC, "rounding": {"mode": "down", "digits": 2}}


@pytest.fixture
def defined(admin: Any) -> Any:
    """The client, with the three definitions put."""
    for path, body in PATHS.items():
        assert admin.put(path, body).status == 201
    return admin


def _history(admin: Any, path: str) -> list[tuple[int, str, str | None]]:
    return [(entry["version"], entry["cause"], entry.get("reason")) for entry in admin.get(path).json["history"]]


# --- confirmation --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "effect"),
    [
        ("/v1/metrics/calls", {**METRIC, "aggregation": "max"}, "aggregation"),
        ("/v1/metrics/calls", {**METRIC, "rounding": None}, "rounding"),
        ("/v1/metrics/calls", ROUNDED, "rounding"),
        ("/v1/metrics/calls", {**ROUNDED, "aggregation": "last"}, "aggregation,rounding"),
        ("/v1/charges/calls", {**CHARGE, "metric": "other"}, "metric"),
        ("/v1/charges/calls", {**CHARGE, "currency": "EUR"}, "currency"),
    ],
)
def test_a_change_of_what_open_periods_are_rated_as_must_be_confirmed(
    defined: Any, path: str, body: dict[str, Any], effect: str
) -> None:
    defined.put("/v1/metrics/other", METRIC)
    before, asked = defined.get(path).json, len(defined.messages)
    refused = defined.put(path, body)
    assert (refused.status, refused.code) == (409, "confirmation_required")
    assert f"confirm={effect}" in refused.json["detail"]
    assert defined.get(path).json == before
    assert len(defined.messages) == asked
    other = {"aggregation": "rounding"}.get(effect, "aggregation")
    assert defined.put(path, body, query={"confirm": other}).code == "confirmation_required"
    done = defined.put(path, body, query={"confirm": effect, "reason": "counted wrongly"})
    assert (done.status, done.json["version"]) == (200, 2)
    assert done.json["history"][0] == {
        "version": 2,
        "changed_at": "2026-11-15T12:00:00Z",
        "actor": done.json["history"][0]["actor"],
        "cause": done.json["history"][0]["cause"],
        "reason": "counted wrongly",
    }
    assert effect.replace(",", ", ") in done.json["history"][0]["cause"]


@pytest.mark.parametrize("prepare", [None, {**CHARGE, "active": False}])
def test_a_metric_without_active_charges_needs_no_confirmation(admin: Any, prepare: Any) -> None:
    admin.put("/v1/metrics/calls", METRIC)
    if prepare is not None:
        admin.put("/v1/charges/calls", prepare)
    assert admin.put("/v1/metrics/calls", {**METRIC, "aggregation": "max"}).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/metrics/calls", {**METRIC, "name": "Calls", "unit": "each"}),
        ("/v1/charges/calls", {**CHARGE, "model": {"type": "flat", "amount": "5"}}),
        ("/v1/charges/calls", {**CHARGE, "active": False}),
    ],
)
def test_other_changes_need_no_confirmation(defined: Any, path: str, body: dict[str, Any]) -> None:
    assert defined.put(path, body).status == 200


@pytest.mark.parametrize(
    "query",
    [
        {"confirm": "everything"},
        {"confirm": "aggregation,,"},
        {"dry_run": "yes"},
        {"reason": "x" * 257},
        {"reason": "a\nb"},
        {"force": "1"},
    ],
)
def test_an_invalid_parameter_is_refused(defined: Any, query: dict[str, str]) -> None:
    refused = defined.put("/v1/metrics/calls", {**METRIC, "name": "Other"}, query=query)
    assert refused.status == 400
    assert defined.get("/v1/metrics/calls").json["version"] == 1


# --- history -------------------------------------------------------------------------------------


def test_a_history_says_who_changed_what_and_why(defined: Any) -> None:
    key = defined.key("catalog:write", "catalog:read")
    dearer = {**CHARGE, "valid_from": "2026-12-01", "included_units": "0"}
    defined.put("/v1/charges/calls", dearer, key=key, query={"reason": "new list"})
    defined.put("/v1/charges/calls", {**dearer, "name": "Calls"}, key=key)
    defined.put("/v1/charges/calls", {**dearer, "name": "Calls"}, key=key)  # changes nothing
    assert _history(defined, "/v1/charges/calls") == [
        (3, "changed name of the version valid from 2026-12-01", None),
        (2, "added the version valid from 2026-12-01", "new list"),
        (1, "created", None),
    ]
    actors = [entry["actor"] for entry in defined.get("/v1/charges/calls").json["history"]]
    assert actors[0] == actors[1] == key.split("_")[1]
    assert actors[2] == defined.default_key.split("_")[1]


def test_the_newest_fifty_entries_are_shown_and_lists_show_none(defined: Any) -> None:
    for number in range(55):
        defined.now = NOW + timedelta(minutes=number)
        defined.put("/v1/metrics/calls", {**METRIC, "name": f"Calls {number}"})
    history = _history(defined, "/v1/metrics/calls")
    assert [version for version, _, _ in history] == list(range(56, 6, -1))
    assert "history" not in defined.get("/v1/metrics").json["items"][0]


def test_a_history_outlives_its_definition(defined: Any) -> None:
    defined.put("/v1/metrics/other", METRIC)
    assert defined.delete("/v1/metrics/other", query={"reason": "a mistake"}).status == 204
    defined.now = NOW + timedelta(minutes=1)
    defined.put("/v1/metrics/other", METRIC)
    causes = [(cause, reason) for _, cause, reason in _history(defined, "/v1/metrics/other")]
    assert sorted(causes, key=str) == [("created", None), ("created", None), ("deleted", "a mistake")]
    assert causes[0] == ("created", None)


def test_a_history_that_is_changed_in_a_body_is_refused(defined: Any) -> None:
    shown = defined.get("/v1/metrics/calls").json
    assert defined.put("/v1/metrics/calls", {**shown, "history": []}).faults == {"history": "read_only"}
    assert defined.put("/v1/metrics/calls", {**shown, "name": "Other"}).status == 200


# --- dry run -------------------------------------------------------------------------------------


@pytest.fixture
def used(defined: Any) -> Any:
    """The client, with 1,500 and 500 calls in the open period of November."""
    defined.now = NOW
    return defined


@pytest.fixture
def usage_of(dynamodb: Any, tables: Any) -> Callable[..., None]:
    """Store quantities of a pair, one for each of the days before."""

    def stored(subscription: str, metric: str, *quantities: int) -> None:
        for index, quantity in enumerate(quantities):
            start = NOW - timedelta(days=index + 1)
            dynamodb.put_item(
                TableName=tables.usage,
                Item={
                    "pk": {"S": f"U#src_app#{metric}:{index}"},
                    "pair": {"S": f"{subscription}#{metric}"},
                    "ws": {"S": sortable(start)},
                    "we": {"S": sortable(start + timedelta(days=1))},
                    "q": {"N": str(quantity)},
                    "rev": {"N": "1"},
                },
            )

    return stored


def test_a_dry_run_stores_nothing_and_starts_no_rating(used: Any) -> None:
    before = {path: used.get(path).json for path in PATHS}
    asked = len(used.messages)
    for path, body in (
        ("/v1/metrics/calls", {**METRIC, "aggregation": "max"}),
        ("/v1/metrics/new", METRIC),
        ("/v1/charges/calls", {**CHARGE, "included_units": "0"}),
        ("/v1/charges/new", CHARGE),
    ):
        tried = used.put(path, body, query={"dry_run": "true"})
        assert (tried.status, tried.json["dry_run"]) == (200, True), tried.json
    assert {path: used.get(path).json for path in PATHS} == before
    assert used.get("/v1/metrics/new").status == used.get("/v1/charges/new").status == 404
    assert len(used.messages) == asked


def test_a_dry_run_shows_what_changes(used: Any, usage_of: Any) -> None:
    usage_of("42", "calls", 1500, 500)
    tried = used.put("/v1/metrics/calls", {**METRIC, "aggregation": "max"}, query={"dry_run": "true"}).json
    assert (tried["outcome"], tried["changed_fields"], tried["confirm"]) == (
        "updated",
        ["aggregation"],
        ["aggregation"],
    )
    assert tried["charges"] == ["calls"]
    (change,) = tried["subscriptions"]
    assert change["subscription"] == "42"
    assert (change["before"]["units"], change["before"]["amount"]) == ("2000", "4.00")
    assert (change["after"]["units"], change["after"]["amount"]) == ("1500", "2.00")
    assert tried["totals"] == [{"currency": "USD", "before": "4.00", "after": "2.00", "difference": "-2.00"}]
    assert (tried["evaluated"], tried["truncated"]) == (1, False)


def test_a_dry_run_of_a_charge_shows_its_versions_as_they_would_be(used: Any, usage_of: Any) -> None:
    usage_of("42", "calls", 1500, 500)
    dearer = {**CHARGE, "model": {"type": "per_unit", "unit_amount": "0.01"}}
    tried = used.put("/v1/charges/calls", dearer, query={"dry_run": "true"}).json
    assert [version["model"]["unit_amount"] for version in tried["versions"]] == ["0.01"]
    assert tried["totals"][0]["difference"] == "6.00"
    later = used.put("/v1/charges/calls", {**dearer, "valid_from": "2026-12-01"}, query={"dry_run": "true"}).json
    assert [version.get("valid_from") for version in later["versions"]] == [None, "2026-12-01"]
    assert later["totals"][0]["difference"] == "0.00"
    assert later["subscriptions"] == []


def test_an_unchanged_dry_run_reports_no_change(used: Any) -> None:
    for path, body in (("/v1/metrics/calls", METRIC), ("/v1/charges/calls", CHARGE)):
        tried = used.put(path, body, query={"dry_run": "true"}).json
        assert (tried["outcome"], tried["changed_fields"], tried["evaluated"]) == ("unchanged", [], 0)


def test_a_dry_run_refuses_what_the_put_refuses(used: Any) -> None:
    refused = used.put("/v1/charges/calls", {**CHARGE, "metric": "nothing"}, query={"dry_run": "true"})
    assert refused.faults == {"metric": "unknown_metric"}
    assert used.put("/v1/metrics/calls", {**METRIC, "version": 7}, query={"dry_run": "true"}).status == 409


def test_a_dry_run_shows_no_other_plans_than_the_key_may_see(used: Any, usage_of: Any) -> None:
    usage_of("42", "calls", 1500, 500)
    key = used.key("catalog:write", source="src_basic", plans=frozenset({"Basic"}))
    free = {**CHARGE, "model": {"type": "per_unit", "unit_amount": "0"}}
    assert used.put("/v1/charges/calls", free, query={"dry_run": "true"}, key=key).code == "plan_not_allowed"
    basic = {**free, "applies_to": {"plans": ["Basic"]}}
    tried = used.put("/v1/charges/basic", basic, query={"dry_run": "true"}, key=key).json
    assert (tried["evaluated"], tried["subscriptions"], tried["totals"]) == (0, [], [])
    assert "calls" not in tried["charges"]


def test_a_plan_that_ended_in_the_open_period_is_still_charged(used: Any, usage_of: Any) -> None:
    usage_of("42", "calls", 1500)
    path, body = "/v1/charges/calls", {**CHARGE, "applies_to": {"plans": [SUBSCRIPTION["plan"]]}}
    assert used.put(path, body).status == 200
    used.now += timedelta(hours=1)
    assert used.put("/v1/subscriptions/42", {**SUBSCRIPTION, "plan": "Other"}).status == 200
    dearer = {**body, "model": {"type": "per_unit", "unit_amount": "1"}}
    tried = used.put(path, dearer, query={"dry_run": "true"}).json
    assert [each["subscription"] for each in tried["subscriptions"]] == ["42"]
    assert used.delete(path).code == "in_use"
    used.now += timedelta(days=17)
    moved = {**SUBSCRIPTION, "plan": "Other", "next_invoice_date": "2027-01-01"}
    assert used.put("/v1/subscriptions/42", moved).status == 200
    assert used.put(path, dearer, query={"dry_run": "true"}).json["evaluated"] == 0
    assert used.delete(path).status == 204


@pytest.mark.parametrize("price", ["0.01", "0.002"])
def test_a_dry_run_of_a_subscription_shows_its_charges(used: Any, usage_of: Any, price: str) -> None:
    usage_of("42", "calls", 1500, 500)
    override = {"calls": {"model": {"type": "per_unit", "unit_amount": price}}}
    body = {**SUBSCRIPTION, "overrides": override}
    before = used.get("/v1/subscriptions/42").json
    tried = used.put("/v1/subscriptions/42", body, query={"dry_run": "true"}).json
    assert (tried["outcome"], tried["changed_fields"], tried["charges"]) == (
        "updated",
        ["overrides"],
        ["calls"],
    )
    (change,) = tried["subscriptions"]
    after = {"0.01": "10.00", "0.002": "2.00"}[price]
    assert (change["before"]["amount"], change["after"]["amount"]) == ("4.00", after)
    assert used.get("/v1/subscriptions/42").json == before
    assert used.put("/v1/subscriptions/42", SUBSCRIPTION, query={"dry_run": "true"}).json["evaluated"] == 0


def test_a_dry_run_of_a_new_subscription_has_nothing_before(used: Any, usage_of: Any) -> None:
    usage_of("43", "calls", 1500)
    body = {**SUBSCRIPTION, "odoo_order_id": 43}
    tried = used.put("/v1/subscriptions/43", body, query={"dry_run": "true"}).json
    assert tried["outcome"] == "created"
    assert [(each["before"], each["after"]["amount"]) for each in tried["subscriptions"]] == [(None, "2.00")]
    assert used.get("/v1/subscriptions/43").status == 404
    taken = used.put("/v1/subscriptions/43", SUBSCRIPTION, query={"dry_run": "true"})
    assert (taken.status, taken.code) == (409, "order_taken")


def test_another_currency_of_a_subscription_must_be_confirmed(defined: Any) -> None:
    euros = {**SUBSCRIPTION, "currency": "EUR"}
    refused = defined.put("/v1/subscriptions/42", euros)
    assert (refused.status, refused.code) == (409, "confirmation_required")
    tried = defined.put("/v1/subscriptions/42", euros, query={"dry_run": "true"}).json
    assert tried["confirm"] == ["currency"]
    done = defined.put("/v1/subscriptions/42", euros, query={"confirm": "currency", "reason": "moved"})
    assert done.status == 200
    assert _history(defined, "/v1/subscriptions/42") == [
        (2, "changed currency", "moved"),
        (1, "created", None),
    ]
    assert done.json["history"][0]["actor"] == defined.default_key.split("_")[1]


# --- filters, and what is too large --------------------------------------------------------------

AWS = {"properties": {"cloud": ["aws"]}, "model": {"type": "per_unit", "unit_amount": "1"}}
BOTH = {**AWS, "properties": {"cloud": ["aws", "gcp"]}}


def test_an_unreachable_filter_is_refused_and_a_stored_one_is_shown(defined: Any, dynamodb: Any, tables: Any) -> None:
    refused = defined.put("/v1/charges/calls", {**CHARGE, "filters": [BOTH, AWS]})
    assert (refused.status, refused.faults) == (422, {"filters.1.properties": "unreachable_filter"})
    assert defined.put("/v1/charges/calls", {**CHARGE, "filters": [AWS, BOTH]}).status == 200
    item = dynamodb.get_item(TableName=tables.catalog, Key={"pk": {"S": "CHARGE"}, "sk": {"S": "calls"}})["Item"]
    turned = item["doc"]["S"].replace('["aws"]', '["a"]').replace('["aws","gcp"]', '["aws"]')
    item["doc"]["S"] = turned.replace('["a"]', '["aws","gcp"]')
    dynamodb.put_item(TableName=tables.catalog, Item=item)
    shown = defined.get("/v1/charges/calls").json["filters"]
    assert [each["properties"]["cloud"] for each in shown] == [["aws", "gcp"], ["aws"]]


@pytest.mark.parametrize("dated", [False, True])
def test_an_unreachable_filter_of_an_override_is_refused(defined: Any, *, dated: bool) -> None:
    override: Any = {"filters": [BOTH, AWS]}
    overrides = {"calls": [override] if dated else override}
    field = "overrides.calls.0.filters.1.properties" if dated else "overrides.calls.filters.1.properties"
    refused = defined.put("/v1/subscriptions/42", {**SUBSCRIPTION, "overrides": overrides})
    assert (refused.status, refused.faults) == (422, {field: "unreachable_filter"})


def test_a_definition_too_large_for_an_item_is_refused(defined: Any) -> None:
    names = {f"name {n:04d} {'x' * 200}": "y" * 256 for n in range(1_000)}
    for query in ({}, {"dry_run": "true"}):
        refused = defined.put("/v1/charges/calls", {**CHARGE, "names": names}, query=query)
        assert (refused.status, refused.faults) == (422, {"": "too_large"})
    assert defined.get("/v1/charges/calls").json["version"] == 1


def test_versions_too_large_for_one_item_are_refused(defined: Any) -> None:
    plans = [f"plan {n:04d} {'x' * 240}" for n in range(1_000)]
    big = {**CHARGE, "applies_to": {"plans": plans}}
    assert defined.put("/v1/charges/calls", big).status == 200
    refused = defined.put("/v1/charges/calls", {**big, "valid_from": "2026-12-01"})
    assert (refused.status, refused.faults) == (422, {"": "too_large"})


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("query", [{}, {"dry_run": "true"}])
def test_overrides_too_large_for_an_item_are_refused(defined: Any, method: str, query: dict[str, str]) -> None:
    price = "0." + "1" * 37
    tiers = [{"up_to": str(10**30 + n), "unit_amount": price, "flat_amount": price} for n in range(90)]
    model = {"type": "volume", "tiers": [*tiers, {"up_to": None}]}
    overrides = {"calls": [{"valid_from": f"{2000 + n}-01-01", "model": model} for n in range(40)]}
    before = defined.get("/v1/subscriptions/42").json
    body = {**(SUBSCRIPTION if method == "PUT" else {}), "overrides": overrides}
    refused = defined.call(method, "/v1/subscriptions/42", body=body, query=query)
    assert (refused.status, refused.faults) == (422, {"": "too_large"})
    assert defined.get("/v1/subscriptions/42").json == before


def test_thousands_of_overrides_of_unknown_charges_are_refused_at_once(defined: Any) -> None:
    overrides = {f"unknown_{n}": {"included_units": "1"} for n in range(2_000)}
    refused = defined.put("/v1/subscriptions/42", {**SUBSCRIPTION, "overrides": overrides})
    assert (refused.status, refused.faults["overrides"]) == (422, "too_many")


def test_all_of_a_hundred_overrides_of_unknown_charges_are_named(defined: Any) -> None:
    overrides = {f"unknown_{n}": {"included_units": "1"} for n in range(100)}
    refused = defined.put("/v1/subscriptions/42", {**SUBSCRIPTION, "overrides": overrides})
    assert set(refused.faults.values()) == {"unknown_charge"}


@pytest.mark.parametrize("kind", ["metrics", "charges", "subscriptions"])
@pytest.mark.parametrize("name", ["x" * 2_000, "", " ", "#", "HISTORY#METRIC#calls", "\x00", "a/b"])
def test_an_invalid_name_is_not_a_server_error(defined: Any, kind: str, name: str) -> None:
    path = f"/v1/{kind}/{quote(name, safe='')}"
    body = {"metrics": METRIC, "charges": CHARGE, "subscriptions": SUBSCRIPTION}[kind]
    for answer in (
        defined.get(path),
        defined.put(path, body),
        defined.put(path, body, query={"dry_run": "true"}),
        defined.delete(path),
    ):
        assert answer.status in {200, 404, 405, 422}
