"""A charge's definition: what is taken, what is refused, and how."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from fusion_billing import strict_json
from fusion_billing.catalog.charge import Charge, ChargeOverride, check_versions
from fusion_billing.catalog.validation import parse
from fusion_billing.errors import Refused

BODY: dict[str, Any] = {
    "name": "API calls",
    "metric": "api_calls",
    "applies_to": {"plans": ["Pro"]},
    "currency": "USD",
    "odoo_product_id": 7,
    "included_units": "1000",
    "model": {"type": "per_unit", "unit_amount": "0.004"},
    "active": True,
}


def charge(**changes: Any) -> Charge:
    return parse(Charge, BODY | changes, code="api_calls")


def faults(body: Any, **given: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refusal:
        parse(Charge, body, **({"code": "api_calls"} | given))
    return sorted((fault.field, fault.code) for fault in refusal.value.faults)


def test_a_charge_goes_out_as_it_came_in() -> None:
    whole = BODY | {
        "names": {"de_DE": "API-Aufrufe"},
        "valid_from": "2026-11-11T00:00:00Z",
        "minimum_amount": "1.5",
        "maximum_amount": "100",
        "unit_conversion": {"operation": "divide", "factor": "1000", "rounding": "up"},
        "filters": [
            {
                "properties": {"region": ["eu", "us"]},
                "model": {
                    "type": "volume",
                    "tiers": [
                        {"up_to": "10", "unit_amount": "2", "flat_amount": "0"},
                        {"up_to": None, "unit_amount": "0", "flat_amount": "1.25"},
                    ],
                },
                "included_units": "5",
            }
        ],
        "group_by": ["size"],
        "thresholds": {"percent_of_included": ["80", "100"], "amounts": ["50"]},
        "code": "api_calls",
    }
    made = parse(Charge, whole)
    assert made.as_json() == whole
    assert parse(Charge, made.as_json()) == made
    assert Charge.model_validate(made.as_json()) == made


def test_decimals_may_be_json_numbers_of_any_length() -> None:
    digits = "0." + "1234567890" * 3 + "12345678"
    body = strict_json.loads(
        '{"name": "A", "metric": "m", "applies_to": {"all": true}, "currency": "eur", "odoo_product_id": 7,'
        f' "included_units": 1e3, "model": {{"type": "per_unit", "unit_amount": {digits}}}}}'
    )
    made = parse(Charge, body, code="a")
    assert made.as_json()["model"]["unit_amount"] == digits
    assert (made.included_units, made.currency, made.odoo_product_id) == (Decimal(1000), "EUR", 7)


def test_a_definition_can_not_be_changed() -> None:
    with pytest.raises(ValidationError):
        charge().name = "Other"


def test_null_counts_as_left_out() -> None:
    assert charge(included_units=None, filters=None, minimum_amount=None).included_units == 0
    assert faults(BODY | {"name": None}) == [("name", "missing")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"colour": "red"}, ("colour", "unknown_field")),
        ({"name": " "}, ("name", "empty")),
        ({"name": 5}, ("name", "not_a_string")),
        ({"name": "x" * 257}, ("name", "too_long")),
        ({"metric": "API calls"}, ("metric", "invalid_identifier")),
        ({"code": "api_calls2"}, ("code", "mismatch")),
        ({"currency": "EURO"}, ("currency", "unknown_currency")),
        ({"currency": "XAU"}, ("currency", "unknown_currency")),
        ({"currency": 978}, ("currency", "unknown_currency")),
        ({"odoo_product_id": "7"}, ("odoo_product_id", "not_an_integer")),
        ({"odoo_product_id": 0}, ("odoo_product_id", "not_positive")),
        ({"odoo_product_id": True}, ("odoo_product_id", "not_an_integer")),
        ({"included_units": "-1"}, ("included_units", "negative")),
        ({"included_units": 1.5}, ("included_units", "not_a_number")),
        ({"included_units": "1e99"}, ("included_units", "too_many_digits")),
        ({"active": "yes"}, ("active", "not_a_boolean")),
        ({"valid_from": "2026-11-11T00:00:00"}, ("valid_from", "missing_offset")),
        ({"valid_from": "soon"}, ("valid_from", "not_an_instant")),
        ({"minimum_amount": "2", "maximum_amount": "1"}, ("minimum_amount", "minimum_above_maximum")),
        ({"applies_to": {}}, ("applies_to", "missing")),
        ({"applies_to": {"all": True, "plans": ["Pro"]}}, ("applies_to", "mutually_exclusive")),
        ({"applies_to": {"all": False}}, ("applies_to.all", "unknown_value")),
        ({"applies_to": {"plans": []}}, ("applies_to.plans", "empty")),
        ({"applies_to": {"plans": ["Pro", "Pro"]}}, ("applies_to.plans", "duplicate")),
        ({"applies_to": {"plans": "Pro"}}, ("applies_to.plans", "not_a_list")),
        ({"applies_to": {"subscriptions": ["a#b"]}}, ("applies_to.subscriptions.0", "invalid_identifier")),
        (
            {"unit_conversion": {"operation": "divide", "factor": "0"}},
            ("unit_conversion.factor", "not_positive"),
        ),
        (
            {"unit_conversion": {"operation": "add", "factor": "1"}},
            ("unit_conversion.operation", "unknown_value"),
        ),
        ({"group_by": ["region", "region"]}, ("group_by", "duplicate")),
        ({"thresholds": {"amounts": ["0"]}}, ("thresholds.amounts.0", "not_positive")),
        ({"thresholds": {"amount": ["1"]}}, ("thresholds.amount", "unknown_field")),
        ({"names": {"de_DE": ""}}, ("names.de_DE", "empty")),
        ({"model": {}}, ("model.type", "missing")),
        ({"model": {"type": "free"}}, ("model.type", "unknown_value")),
        ({"model": "free"}, ("model", "not_an_object")),
        ({"model": {"type": "per_unit"}}, ("model.unit_amount", "missing")),
        ({"model": {"type": "per_unit", "unit_amount": "1", "tiers": []}}, ("model.tiers", "unknown_field")),
        ({"model": {"type": "flat", "amount": "-1"}}, ("model.amount", "negative")),
        (
            {"model": {"type": "package", "package_size": "0", "package_amount": "1"}},
            ("model.package_size", "not_positive"),
        ),
        (
            {"model": {"type": "package", "package_size": "1", "package_amount": "1", "rounding": "half_up"}},
            ("model.rounding", "unknown_value"),
        ),
        (
            {"model": {"type": "percentage", "rate_percent": "1", "free_records": 1.5}},
            ("model.free_records", "not_an_integer"),
        ),
        (
            {"model": {"type": "percentage", "rate_percent": "1", "free_records": "\uff11"}},
            ("model.free_records", "not_an_integer"),
        ),
        (
            {"model": {"type": "percentage", "rate_percent": "1", "free_records": "9" * 5_000}},
            ("model.free_records", "not_an_integer"),
        ),
        (
            {"model": {"type": "percentage", "rate_percent": "1", "record_minimum": 2, "record_maximum": 1}},
            ("model.record_minimum", "minimum_above_maximum"),
        ),
    ],
)
def test_each_fault_is_named_where_it_is(change: dict[str, Any], expected: tuple[str, str]) -> None:
    assert faults(BODY | change) == [expected]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([], [("model.tiers", "empty")]),
        (["10"], [("model.tiers.0.up_to", "no_open_last_tier")]),
        ([None, "10", None], [("model.tiers.0.up_to", "open_tier_not_last")]),
        (["10", "10", None], [("model.tiers.1.up_to", "not_ascending")]),
        (
            ["10", "5", "7", None],
            [("model.tiers.1.up_to", "not_ascending"), ("model.tiers.2.up_to", "not_ascending")],
        ),
        (["0", None], [("model.tiers.0.up_to", "not_ascending")]),
        (["-1", None], [("model.tiers.0.up_to", "negative")]),
    ],
)
@pytest.mark.parametrize("kind", ["graduated", "volume", "graduated_percentage"])
def test_tiers_ascend_and_only_the_last_is_open(
    kind: str, bounds: list[str | None], expected: list[tuple[str, str]]
) -> None:
    model = {"type": kind, "tiers": [{"up_to": bound, "flat_amount": "1"} for bound in bounds]}
    assert faults(BODY | {"model": model}) == expected
    a_filter = {"properties": {"region": ["eu"]}, "model": model}
    assert faults(BODY | {"filters": [a_filter]}) == [(f"filters.0.{field}", code) for field, code in expected]


def test_every_fault_of_a_body_is_named_at_once() -> None:
    body = {
        "name": "",
        "colour": "red",
        "applies_to": {"all": True, "plans": ["Pro"]},
        "currency": "XYZ",
        "odoo_product_id": 7,
        "minimum_amount": "3",
        "maximum_amount": "2",
        "model": {
            "type": "graduated",
            "tiers": [{"up_to": "10", "unit_amount": "-1"}, {"up_to": "5", "price": "1"}],
        },
        "filters": [
            {"properties": {"region": ["eu", "us"]}, "model": {"type": "flat", "amount": "1"}},
            {"properties": {"region": ["us", "eu"]}, "model": {"type": "flat", "amount": "x"}},
            {"properties": {}, "model": {"type": "flat", "amount": "1"}},
            "eu",
        ],
    }
    assert faults(body) == [
        ("applies_to", "mutually_exclusive"),
        ("colour", "unknown_field"),
        ("currency", "unknown_currency"),
        ("filters.1.model.amount", "not_a_number"),
        ("filters.1.properties", "duplicate_filter"),
        ("filters.2.properties", "empty"),
        ("filters.3", "not_an_object"),
        ("metric", "missing"),
        ("minimum_amount", "minimum_above_maximum"),
        ("model.tiers.0.unit_amount", "negative"),
        ("model.tiers.1.price", "unknown_field"),
        ("model.tiers.1.up_to", "no_open_last_tier"),
        ("model.tiers.1.up_to", "not_ascending"),
        ("name", "empty"),
    ]


@pytest.mark.parametrize("body", [None, [], "charge", 5])
def test_what_is_no_object_is_refused(body: object) -> None:
    assert faults(body) == [("", "not_an_object")]


def test_a_key_named_twice_is_refused() -> None:
    model = strict_json.loads('{"type": "flat", "amount": 1, "amount": 2}')
    assert faults(BODY | {"model": model}) == [("model.amount", "duplicate_key")]


def test_a_bad_code_in_the_path_is_refused() -> None:
    assert faults(BODY, code="API calls") == [("code", "invalid_identifier")]


@pytest.mark.parametrize(
    ("applies_to", "plan", "subscription", "covered"),
    [
        ({"all": True}, "Pro", "42", True),
        ({"plans": ["Pro", "Team"]}, "Team", "42", True),
        ({"plans": ["Pro", "Team"]}, "team", "42", False),
        ({"subscriptions": ["42"]}, "Pro", "42", True),
        ({"subscriptions": ["42"]}, "Pro", "43", False),
    ],
)
def test_a_charge_is_for_whom_it_says(
    *, applies_to: dict[str, Any], plan: str, subscription: str, covered: bool
) -> None:
    assert charge(applies_to=applies_to).applies_to.covers(plan=plan, subscription=subscription) is covered


def test_thresholds_are_80_and_100_percent_unless_named() -> None:
    assert charge().effective_thresholds.percent_of_included == (Decimal(80), Decimal(100))
    assert charge(thresholds={}).effective_thresholds.percent_of_included == ()


def test_a_bare_day_is_shown_as_the_day_it_was_given_as() -> None:
    assert charge(valid_from="2026-11-11").as_json()["valid_from"] == "2026-11-11"
    assert charge(valid_from="2026-11-11").valid_from == date(2026, 11, 11)


def test_versions_of_a_charge_must_fit_together() -> None:
    check_versions([charge(), charge(valid_from="2026-11-11"), charge(valid_from="2026-12-11")])
    with pytest.raises(Refused) as refusal:
        check_versions([charge(), charge(currency="EUR"), charge(metric="other", valid_from="2026-11-11")])
    assert [(fault.field, fault.code) for fault in refusal.value.faults] == [
        ("1.currency", "differs_between_versions"),
        ("1.valid_from", "duplicate"),
        ("2.metric", "differs_between_versions"),
    ]


def test_an_override_keeps_what_it_takes_away() -> None:
    override = parse(ChargeOverride, {"minimum_amount": None, "included_units": "5"})
    assert override.as_json() == {"minimum_amount": None, "included_units": "5"}
    assert parse(ChargeOverride, override.as_json()) == override


def test_an_override_names_nothing_but_the_price() -> None:
    with pytest.raises(Refused) as refusal:
        parse(ChargeOverride, {"currency": "EUR", "model": {"type": "volume", "tiers": [{"up_to": "1"}]}})
    assert [(fault.field, fault.code) for fault in refusal.value.faults] == [
        ("currency", "unknown_field"),
        ("model.tiers.0.up_to", "no_open_last_tier"),
    ]


def test_a_text_that_is_too_long_is_not_told_of_entries() -> None:
    with pytest.raises(Refused) as refused:
        parse(Charge, BODY | {"name": "x" * 257, "group_by": [*"abcdefghijk"]}, code="api_calls")
    assert {fault.field: fault.message for fault in refused.value.faults} == {
        "name": "must have at most 256 characters",
        "group_by": "has too many entries",
    }


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"valid_from": "2026-02-30"}, ("valid_from", "not_a_date")),
        ({"valid_from": "0001-01-01"}, ("valid_from", "out_of_range")),
        ({"valid_from": "9999-12-31"}, ("valid_from", "out_of_range")),
        ({"prorate": "yes"}, ("prorate", "not_a_boolean")),
        ({"tax_behavior": "none"}, ("tax_behavior", "unknown_value")),
        ({"analytic_distribution": {}}, ("analytic_distribution", "empty")),
        ({"analytic_distribution": {"12": 0}}, ("analytic_distribution.12", "not_positive")),
        ({"analytic_distribution": {"12": "100.5"}}, ("analytic_distribution.12", "out_of_range")),
        ({"analytic_distribution": {"sales": 100}}, ("analytic_distribution.sales", "invalid_identifier")),
        ({"analytic_distribution": []}, ("analytic_distribution", "not_an_object")),
    ],
)
def test_what_the_order_line_needs_is_checked(changes: dict[str, Any], fault: tuple[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        charge(**changes)
    assert [(found.field, found.code) for found in refused.value.faults] == [fault]


def test_fields_that_came_later_leave_stored_charges_as_they_are() -> None:
    """The digest of a rating is over its charge's JSON: an upgrade must not rate everything anew."""
    stored = {
        "code": "api_calls",
        "name": "API calls",
        "metric": "api_calls",
        "applies_to": {"plans": ["Pro"]},
        "currency": "USD",
        "odoo_product_id": 7,
        "included_units": "1000",
        "model": {"type": "per_unit", "unit_amount": "0.004"},
        "active": True,
        "valid_from": "2026-11-11T00:00:00Z",
        "filters": [],
        "group_by": [],
    }
    read = Charge.model_validate(stored)
    assert read.as_json() == stored
    assert (read.prorate, read.tax_behavior, read.analytic_distribution) == (False, "exclusive", None)


def test_what_concerns_the_order_line_is_kept() -> None:
    given = {
        "prorate": True,
        "tax_behavior": "inclusive",
        "analytic_distribution": {"12": "60", "3,7": "40.5"},
    }
    assert charge(**given).as_json().items() >= given.items()
    assert Charge.model_validate(charge(**given).as_json()) == charge(**given)
