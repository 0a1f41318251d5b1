"""The catalog over HTTP: put, read back, listed, refused with every fault, kept while in use."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.rating_definitions import subscription_body

METRIC: dict[str, Any] = {
    "name": "API calls",
    "unit": "call",
    "aggregation": "sum",
    "rounding": {"mode": "up", "digits": 0},
}
CHARGE: dict[str, Any] = {
    "name": "API calls",
    "metric": "calls",
    "applies_to": {"plans": ["Pro"]},
    "currency": "USD",
    "odoo_product_id": 7,
    "included_units": "1000",
    "model": {"type": "per_unit", "unit_amount": "0.004"},
    "active": True,
}
SUBSCRIPTION: dict[str, Any] = subscription_body(
    timezone="America/New_York", start_date="2026-01-31", next_invoice_date="2026-11-30"
)
PATHS: dict[str, dict[str, Any]] = {
    "/v1/metrics/calls": METRIC,
    "/v1/charges/calls": CHARGE,
    "/v1/subscriptions/42": SUBSCRIPTION,
}


@pytest.fixture
def defined(admin: Any) -> Any:
    """The client, with the three definitions put."""
    for path, body in PATHS.items():
        assert admin.put(path, body).status == 201
    return admin


@pytest.mark.parametrize("path", PATHS)
def test_a_stored_definition_is_shown_and_listed(defined: Any, path: str) -> None:
    got = defined.get(path)
    assert got.status == 200
    assert {name: got.json[name] for name in PATHS[path]} == PATHS[path]
    listed = defined.get(path.rpartition("/")[0])
    assert listed.status == 200
    assert listed.json["cursor"] is None
    assert {name: listed.json["items"][0][name] for name in PATHS[path]} == PATHS[path]


@pytest.mark.parametrize("path", PATHS)
def test_an_unchanged_put_writes_nothing_and_starts_no_rating(defined: Any, path: str) -> None:
    asked = len(defined.messages)
    again = defined.put(path, PATHS[path])
    assert (again.status, again.json["version"]) == (200, 1)
    assert len(defined.messages) == asked


@pytest.mark.parametrize("path", PATHS)
def test_a_changed_put_replaces(defined: Any, path: str) -> None:
    changed = defined.put(path, {**PATHS[path], "name": "Other"})
    assert (changed.status, changed.json["name"], changed.json["version"]) == (200, "Other", 2)
    assert defined.get(path).json["name"] == "Other"


@pytest.mark.parametrize("path", PATHS)
def test_a_shown_definition_can_be_edited_and_put(defined: Any, path: str) -> None:
    got = defined.get(path).json
    assert defined.put(path, got).json == got
    changed = defined.put(path, {**got, "name": "Other"})
    assert (changed.status, changed.json["name"], changed.json["version"]) == (200, "Other", 2)


@pytest.mark.parametrize("path", PATHS)
def test_a_put_with_an_old_version_is_refused(defined: Any, path: str) -> None:
    got = defined.get(path).json
    defined.put(path, {**PATHS[path], "name": "Other"})
    late = defined.put(path, {**got, "name": "Late"})
    assert (late.status, late.code) == (409, "version_conflict")
    assert "version is 2" in late.json["detail"]
    assert defined.get(path).json["name"] == "Other"
    assert defined.put(path, {**PATHS[path], "version": 2, "name": "Third"}).json["version"] == 3


@pytest.mark.parametrize("path", PATHS)
def test_a_version_of_an_unknown_definition_is_refused(admin: Any, path: str) -> None:
    admin.put("/v1/metrics/calls", METRIC)
    other = f"{path}9"
    refused = admin.put(other, {**PATHS[path], "version": 1})
    assert (refused.status, refused.code) == (409, "version_conflict")
    assert admin.get(other).status == 404


@pytest.mark.parametrize("version", ["1", 1.5, True, [1]])
def test_an_invalid_version_is_refused(defined: Any, version: object) -> None:
    refused = defined.put("/v1/metrics/calls", {**METRIC, "version": version})
    assert (refused.status, refused.faults) == (422, {"version": "not_an_integer"})


def test_a_changed_read_only_field_is_refused(defined: Any) -> None:
    charge = defined.get("/v1/charges/calls").json
    dearer = [{**charge["versions"][0], "included_units": "0"}]
    refused = defined.put("/v1/charges/calls", {**CHARGE, "versions": dearer})
    assert (refused.status, refused.faults) == (422, {"versions": "read_only"})
    shown = {"origin": "odoo", "open_period": {"start": "2026-10-01T00:00:00Z"}}
    refused = defined.put("/v1/subscriptions/42", {**SUBSCRIPTION, **shown})
    assert (refused.status, refused.faults) == (422, {"open_period": "read_only", "origin": "read_only"})
    assert defined.put("/v1/subscriptions/44", {**SUBSCRIPTION, "origin": "api"}).status == 422
    assert defined.get("/v1/subscriptions/42").json["version"] == 1


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_definition_is_not_found(admin: Any, path: str) -> None:
    for method in ("GET", "DELETE"):
        answer = admin.call(method, path)
        assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/metrics/NO%20CODE",
        "/v1/charges/ä",
        "/v1/subscriptions/a%2Fb",
        "/v1/metrics/" + "a" * 3000,
        "/v1/charges/%00",
    ],
)
def test_an_invalid_name_is_not_found_and_not_stored(admin: Any, path: str) -> None:
    assert admin.get(path).status == 404
    assert admin.delete(path).status == 404
    assert admin.put(path, {}).status == 422


@pytest.mark.parametrize("path", PATHS)
def test_each_scope_gives_access_to_its_own_routes(defined: Any, path: str) -> None:
    reader, writer = defined.key("catalog:read"), defined.key("catalog:write")
    assert defined.get(path, key=reader).status == 200
    assert defined.put(path, PATHS[path], key=writer).status == 200
    for answer in (
        defined.put(path, PATHS[path], key=reader),
        defined.delete(path, key=reader),
        defined.get(path, key=writer),
        defined.get(path.rpartition("/")[0], key=writer),
    ):
        assert (answer.status, answer.code) == (403, "missing_scope")
    assert defined.get(path, key="").status == 401
    assert defined.get(path, key="fb_" + "a" * 16 + "_" + "b" * 43).status == 401


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        ("", 400, "malformed_json"),
        ("{", 400, "malformed_json"),
        (b"\xff\xfe", 400, "malformed_json"),
        ("[" * 100_000, 400, "malformed_json"),
        ('{"name": ' + "[" * 40 + "]" * 40 + "}", 400, "malformed_json"),
        ('{"name": ' + '{"a":' * 900 + "1" + "}" * 900 + "}", 400, "malformed_json"),
        ('{"name": ' + "[" * 5_000 + "]" * 5_000 + "}", 400, "malformed_json"),
        ("[]", 400, "not_an_object"),
        ("7", 400, "not_an_object"),
        ("null", 400, "not_an_object"),
        (" " * (4 * 1024 * 1024 + 1), 413, "too_large"),
        ('{"name": "a", "name": "b"}', 422, "invalid"),
        ('{"name": NaN}', 422, "invalid"),
        ('{"name": "\\ud800"}', 422, "invalid"),
        ('{"\\u0000": "a"}', 422, "invalid"),
    ],
)
def test_an_invalid_body_is_refused(admin: Any, path: str, raw: str | bytes, status: int, code: str) -> None:
    answer = admin.put(path, raw=raw)
    assert (answer.status, answer.code) == (status, code)
    assert admin.get(path).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "half \ud800"}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"rounding": {"mode": ["\udfff"]}}, "rounding.mode.0"),
        ({"rounding": {"\x00": 1}}, "rounding"),
    ],
)
def test_text_that_cannot_be_stored_is_refused_by_field(admin: Any, body: dict[str, Any], field: str) -> None:
    answer = admin.put("/v1/metrics/calls", {**METRIC, **body})
    assert (answer.status, answer.faults) == (422, {field: "invalid_characters"})


@pytest.mark.parametrize("zone", ["localtime", "posixrules", "Factory", "Europe", "../UTC", "/etc/localtime", ""])
def test_an_invalid_time_zone_is_refused(defined: Any, zone: str) -> None:
    answer = defined.put("/v1/subscriptions/42", {**SUBSCRIPTION, "timezone": zone})
    assert (answer.status, set(answer.faults)) == (422, {"timezone"})


def test_every_fault_of_a_metric_is_reported(admin: Any) -> None:
    body = {
        "name": "",
        "aggregation": "mean",
        "rounding": {"mode": "sideways", "digits": 99},
        "colour": "red",
    }
    answer = admin.put("/v1/metrics/calls", body)
    assert answer.status == 422
    assert set(answer.faults) == {"name", "aggregation", "rounding.mode", "rounding.digits", "colour"}


def test_every_fault_of_a_charge_is_reported(defined: Any) -> None:
    body = {
        **CHARGE,
        "metric": "nothing",
        "currency": "XYZ",
        "included_units": "-1",
        "minimum_amount": "5",
        "maximum_amount": 4,
        "applies_to": {},
        "valid_from": "2026-11-01T00:00:00",
        "model": {
            "type": "graduated",
            "tiers": [{"up_to": "10", "unit_amount": "1"}, {"up_to": "5", "unit_amount": "-2"}],
        },
    }
    answer = defined.put("/v1/charges/other", body)
    assert answer.status == 422
    assert answer.faults == {
        "metric": "unknown_metric",
        "currency": "unknown_currency",
        "included_units": "negative",
        "minimum_amount": "minimum_above_maximum",
        "applies_to": "missing",
        "valid_from": "missing_offset",
        "model.tiers.1.unit_amount": "negative",
        "model.tiers.1.up_to": answer.faults["model.tiers.1.up_to"],
    }
    assert {fault["code"] for fault in answer.json["errors"] if fault["field"] == "model.tiers.1.up_to"} == {
        "not_ascending",
        "no_open_last_tier",
    }
    assert defined.get("/v1/charges/other").status == 404


def test_every_fault_of_a_subscription_is_reported(defined: Any) -> None:
    body = {
        **SUBSCRIPTION,
        "odoo_order_id": 0,
        "state": "running",
        "currency": "US",
        "timezone": "Mars/Olympus",
        "start_date": "2026-02-30",
        "next_invoice_date": "soon",
        "billing_period": {"value": 0, "unit": "fortnight"},
        "overrides": {
            "calls": {"minimum_amount": "2", "maximum_amount": "1"},
            "nothing": {"included_units": "5"},
            "NO CODE": {},
        },
        "colour": "red",
    }
    answer = defined.put("/v1/subscriptions/43", body)
    assert answer.status == 422
    assert answer.faults == {
        "odoo_order_id": "not_positive",
        "state": "unknown_value",
        "currency": "unknown_currency",
        "timezone": "unknown_timezone",
        "start_date": "not_a_date",
        "next_invoice_date": "not_a_date",
        "billing_period.value": "out_of_range",
        "billing_period.unit": "unknown_value",
        "overrides.calls.minimum_amount": "minimum_above_maximum",
        "overrides.nothing": "unknown_charge",
        "overrides.NO CODE": "invalid_identifier",
        "colour": "unknown_field",
    }


def test_an_override_that_does_not_fit_its_charge_is_refused(defined: Any) -> None:
    defined.put("/v1/charges/calls", {**CHARGE, "maximum_amount": "10"})
    overrides = {"calls": {"minimum_amount": "11"}}
    answer = defined.put("/v1/subscriptions/42", {**SUBSCRIPTION, "overrides": overrides})
    assert answer.faults == {"overrides.calls.minimum_amount": "minimum_above_maximum"}


def test_a_metric_cannot_be_deleted_while_a_charge_uses_it(defined: Any) -> None:
    answer = defined.delete("/v1/metrics/calls")
    assert (answer.status, answer.code) == (409, "in_use")
    defined.put("/v1/charges/calls", {**CHARGE, "active": False})
    assert defined.delete("/v1/charges/calls").status == 204
    assert defined.delete("/v1/metrics/calls").status == 204
    assert defined.get("/v1/metrics/calls").status == 404


@pytest.mark.parametrize("applies_to", [{"all": True}, {"plans": ["Pro", "Basic"]}, {"subscriptions": ["1", "42"]}])
def test_a_charge_cannot_be_deleted_while_it_applies_to_a_subscription(
    defined: Any, applies_to: dict[str, Any]
) -> None:
    defined.put("/v1/charges/calls", {**CHARGE, "applies_to": applies_to})
    answer = defined.delete("/v1/charges/calls")
    assert (answer.status, answer.code) == (409, "in_use")
    defined.put("/v1/subscriptions/42", {**SUBSCRIPTION, "state": "6_churn"})
    assert defined.delete("/v1/charges/calls").status == 204


def test_a_charge_cannot_be_deleted_while_an_override_names_it(defined: Any) -> None:
    body = {**SUBSCRIPTION, "overrides": {"calls": {"included_units": "5"}}}
    defined.put("/v1/subscriptions/42", body)
    defined.put("/v1/charges/calls", {**CHARGE, "active": False})
    assert defined.delete("/v1/charges/calls").code == "in_use"


def test_an_unused_charge_can_be_deleted(defined: Any) -> None:
    defined.put("/v1/charges/calls", {**CHARGE, "applies_to": {"plans": ["Basic"]}})
    assert defined.delete("/v1/charges/calls").status == 204
    assert defined.get("/v1/charges/calls").status == 404


def test_prices_are_stored_by_the_instant_they_are_valid_from(defined: Any) -> None:
    dearer = {**CHARGE, "valid_from": "2026-12-01T00:00:00Z", "included_units": "0"}
    added = defined.put("/v1/charges/calls", dearer)
    assert added.status == 200
    assert [version["included_units"] for version in added.json["versions"]] == ["1000", "0"]
    assert added.json["included_units"] == "1000"  # the one in force
    defined.now = defined.now.replace(month=12)
    assert defined.get("/v1/charges/calls").json["included_units"] == "0"
    replaced = defined.put("/v1/charges/calls", {**dearer, "included_units": "3"})
    assert [version["included_units"] for version in replaced.json["versions"]] == ["1000", "3"]
    refused = defined.put("/v1/charges/calls", {**dearer, "currency": "EUR"})
    assert refused.faults == {"currency": "differs_between_versions"}


def test_a_change_of_price_or_metric_rates_open_periods_again(defined: Any) -> None:
    def sweeps(change: Callable[[], Any]) -> list[Any]:
        before = len(defined.messages)
        change()
        return list(defined.messages[before:])

    expected = [("rating", {"job": "sweep", "list_shard": n, "charge": "calls"}) for n in range(16)]
    assert sweeps(lambda: defined.put("/v1/charges/calls", {**CHARGE, "included_units": "1"})) == expected
    confirmed = {"query": {"confirm": "aggregation"}}
    assert sweeps(lambda: defined.put("/v1/metrics/calls", {**METRIC, "aggregation": "max"}, **confirmed)) == expected
    defined.put("/v1/charges/calls", {**CHARGE, "active": False})
    assert sweeps(lambda: defined.delete("/v1/charges/calls")) == expected


def test_a_changed_subscription_is_rated_again(defined: Any) -> None:
    assert defined.messages[-1] == ("rating", {"job": "subscription", "id": "42"})
    before = len(defined.messages)
    defined.put("/v1/subscriptions/42", {**SUBSCRIPTION, "plan": "Basic"})
    # Once before it is written, with a delay, and once after.
    assert defined.messages[before:] == [("rating", {"job": "subscription", "id": "42"})] * 2


@pytest.mark.parametrize("path", PATHS)
def test_a_change_is_not_stored_if_rating_cannot_be_notified(
    defined: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    failed = {"Failed": [{"Id": "0"}]}
    monkeypatch.setattr(defined.queues, "send_message_batch", lambda **_: failed)
    answer = defined.put(path, {**PATHS[path], "name": "Other"})
    assert (answer.status, answer.code) == (503, "unavailable")
    assert defined.get(path).json["version"] == 1


def test_one_order_is_one_subscription(defined: Any) -> None:
    answer = defined.put("/v1/subscriptions/43", SUBSCRIPTION)
    assert (answer.status, answer.code) == (409, "order_taken")
    assert defined.get("/v1/subscriptions/43").status == 404


def test_a_subscription_shows_its_open_period(defined: Any) -> None:
    period = {"start": "2026-10-31T04:00:00Z", "end": "2026-11-30T05:00:00Z"}
    assert defined.get("/v1/subscriptions/42").json["open_period"] == period
    moved = defined.put("/v1/subscriptions/42", {**SUBSCRIPTION, "next_invoice_date": "2026-12-31"})
    assert moved.json["open_period"] == {"start": "2026-11-30T05:00:00Z", "end": "2026-12-31T05:00:00Z"}


def test_a_subscription_without_usage_can_be_deleted(defined: Any) -> None:
    assert defined.delete("/v1/subscriptions/42").status == 204
    assert defined.get("/v1/subscriptions/42").status == 404
    assert defined.put("/v1/subscriptions/43", SUBSCRIPTION).status == 201


def test_a_subscription_with_usage_cannot_be_deleted(defined: Any, dynamodb: Any, tables: Any) -> None:
    dynamodb.put_item(
        TableName=tables.usage,
        Item={"pk": {"S": "U#src#k"}, "pair": {"S": "42#calls"}, "ws": {"S": "2026-11-01T00:00:00.000000Z"}},
    )
    assert defined.delete("/v1/subscriptions/42").code == "in_use"


@pytest.mark.parametrize(
    ("rating", "status"),
    [
        pytest.param({"amount": {"S": "0.00"}}, 204, id="rated, and nothing came of it"),
        pytest.param({"amount": {"S": "1.00"}}, 409, id="an amount"),
        pytest.param({"amount": {"S": "0.00"}, "line_state": {"S": "sent"}}, 409, id="a line in Odoo"),
    ],
)
def test_a_subscription_with_billed_lines_cannot_be_deleted(
    defined: Any, dynamodb: Any, tables: Any, rating: dict[str, Any], status: int
) -> None:
    key = {"pk": {"S": "R#42#2026-10-31T04:00:00Z"}, "sk": {"S": "calls"}}
    dynamodb.put_item(TableName=tables.ratings, Item={**key, **rating})
    assert defined.delete("/v1/subscriptions/42").status == status


def test_a_source_limited_to_plans_reads_and_writes_only_those(defined: Any) -> None:
    limited = defined.key("catalog:read", "catalog:write", source="src_basic", plans=frozenset({"Basic"}))
    assert defined.get("/v1/subscriptions/42", key=limited).status == 404
    assert defined.get("/v1/subscriptions", key=limited).json["items"] == []
    assert defined.delete("/v1/subscriptions/42", key=limited).status == 404
    body = {**SUBSCRIPTION, "odoo_order_id": 43}
    assert defined.put("/v1/subscriptions/43", body, key=limited).code == "plan_not_allowed"
    # To create one takes an ID and an order, which every subscription shares.
    assert defined.put("/v1/subscriptions/43", {**body, "plan": "Basic"}, key=limited).status == 404
    assert defined.put("/v1/subscriptions/43", {**body, "plan": "Basic"}).status == 201
    assert defined.put("/v1/subscriptions/43", {**body, "plan": "Basic", "name": "x"}, key=limited).status == 200
    taken = defined.put("/v1/subscriptions/42", {**SUBSCRIPTION, "plan": "Basic"}, key=limited)
    assert taken.status == 404


def pages(admin: Any, path: str, limit: int) -> list[list[Any]]:
    found, cursor = [], None
    while True:
        query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        answer = admin.get(path, query=query)
        assert answer.status == 200, answer.json
        found.append(answer.json["items"])
        cursor = answer.json["cursor"]
        if cursor is None:
            return found


def test_pages_of_a_list_contain_each_item_once(admin: Any) -> None:
    for number in range(7):
        admin.put(f"/v1/metrics/m{number}", METRIC)
        admin.put(f"/v1/charges/c{number}", {**CHARGE, "metric": "m0"})
        admin.put(f"/v1/subscriptions/s{number}", {**SUBSCRIPTION, "odoo_order_id": number + 1})
    for path, name in (("/v1/metrics", "code"), ("/v1/charges", "code"), ("/v1/subscriptions", "id")):
        found = pages(admin, path, 3)
        assert all(len(page) <= 3 for page in found)
        names = [item[name] for page in found for item in page]
        assert len(names) == len(set(names)) == 7


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": "0"}, "invalid_parameter"),
        ({"limit": "501"}, "invalid_parameter"),
        ({"limit": "-1"}, "invalid_parameter"),
        ({"limit": "1e2"}, "invalid_parameter"),
        ({"limit": "٣"}, "invalid_parameter"),
        ({"limit": ""}, "invalid_parameter"),
        ({"cursor": ""}, "bad_cursor"),
        ({"cursor": "x"}, "bad_cursor"),
        ({"cursor": "bm90LWEtY3Vyc29y"}, "bad_cursor"),
        ({"cursor": "ü"}, "bad_cursor"),
        ({"colour": "red"}, "invalid_parameter"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/charges", "/v1/subscriptions"])
def test_an_invalid_page_is_refused(admin: Any, path: str, query: dict[str, str], code: str) -> None:
    answer = admin.get(path, query=query)
    assert (answer.status, answer.code) == (400, code)


def test_a_cursor_of_another_list_is_refused(admin: Any) -> None:
    for number in range(2):
        admin.put(f"/v1/metrics/m{number}", METRIC)
    cursor = admin.get("/v1/metrics", query={"limit": "1"}).json["cursor"]
    assert admin.get("/v1/metrics", query={"cursor": cursor}).status == 200
    assert admin.get("/v1/charges", query={"cursor": cursor}).code == "bad_cursor"


def test_a_date_that_would_invoice_hundreds_of_periods_is_refused(defined: Any) -> None:
    daily = {
        **SUBSCRIPTION,
        "odoo_order_id": 43,
        "billing_period": {"value": 1, "unit": "day"},
        "next_invoice_date": "2026-11-16",
    }
    path = "/v1/subscriptions/43"
    shown = defined.put(path, daily).json
    for query in ({"dry_run": "true"}, {}):
        refused = defined.put(path, {**daily, "next_invoice_date": "2999-12-31"}, query=query)
        assert (refused.status, refused.faults) == (422, {"next_invoice_date": "out_of_range"})
    assert defined.get(path).json == shown
    moved = {**daily, "next_invoice_date": "2026-12-16"}
    assert defined.put(path, moved).json["open_period"]["end"] == "2026-12-16T05:00:00Z"
