"""What an estimate takes, refuses and answers."""

from decimal import Decimal
from typing import Any

import pytest

from fusion_billing import strict_json
from fusion_billing.errors import Refused
from fusion_billing.rating import estimate

PER_UNIT = {"type": "per_unit", "unit_amount": "0.004"}
CHARGE = {"currency": "USD", "model": PER_UNIT}


def faults(charge: Any, **more: Any) -> set[tuple[str, str]]:
    with pytest.raises(Refused) as refusal:
        estimate(charge, **more)
    return {(fault.field, fault.code) for fault in refusal.value.faults}


@pytest.mark.parametrize("units", ["1250.5", Decimal("1250.5"), strict_json.Number("1250.5")])
def test_units_come_as_text_decimal_or_json_number(units: object) -> None:
    assert estimate(CHARGE, units=units)["unrounded_amount"] == "5.002"
    assert estimate(CHARGE, units=1000)["amount"] == "4.00"


def test_the_whole_charge_of_the_catalog_may_be_given() -> None:
    charge = {
        "name": "API calls",
        "metric": "api_calls",
        "applies_to": {"plans": ["Pro"]},
        "currency": "USD",
        "odoo_product_id": 7,
        "included_units": "1000",
        "model": PER_UNIT,
        "active": True,
        "valid_from": "2030-01-01T00:00:00Z",
    }
    metric = {"name": "API calls", "unit": "call", "aggregation": "sum"}
    assert estimate(charge, metric=metric, units="1250.5")["amount"] == "1.00"


def test_records_of_any_time_are_priced_by_the_one_price_asked_for() -> None:
    charge = CHARGE | {"valid_from": "2030-01-01T00:00:00Z"}
    window = {"period_start": "2026-01-01T00:00:00Z", "period_end": "2026-01-02T00:00:00Z"}
    assert estimate(charge, records=[{"quantity": "1000", **window}])["amount"] == "4.00"


@pytest.mark.parametrize(
    ("units", "previous", "amount"),
    [
        ("9", "1", "0.00"),
        ("11", "9", "15.00"),
        ("9", "11", "-15.00"),
        ("5", "0", "15.00"),
        ("0", "0", "0.00"),
    ],
)
def test_what_was_billed_before_is_taken_off_with_its_sign(units: str, previous: str, amount: str) -> None:
    model = {"type": "package", "package_size": "10", "package_amount": "15"}
    answer = estimate({"currency": "USD", "model": model}, units=units, previous_units=previous)
    assert answer["amount"] == amount
    assert sum(Decimal(step["amount"]) for step in answer["steps"]) == Decimal(answer["unrounded_amount"])


def test_what_was_billed_before_was_rounded_before() -> None:
    charge = {"currency": "USD", "model": {"type": "per_unit", "unit_amount": "0.004"}}
    assert estimate(charge, units="2", previous_units="1")["amount"] == "0.01"
    assert estimate(charge, units="1", previous_units="2")["amount"] == "-0.01"
    assert estimate(charge, records=[{"quantity": "2"}], previous_units="1")["amount"] == "0.01"


@pytest.mark.parametrize(
    ("currency", "exact", "amount"),
    [
        ("JPY", "1.5", "2"),
        ("USD", "1.235", "1.24"),
        ("usd", "1.2349", "1.23"),
        ("KWD", "1.2345", "1.235"),
        ("CLF", "1.23455", "1.2346"),
    ],
)
def test_the_amount_has_its_currencys_digits(currency: str, exact: str, amount: str) -> None:
    answer = estimate({"currency": currency, "model": {"type": "flat", "amount": exact}}, units="0")
    assert (answer["amount"], answer["unrounded_amount"]) == (amount, exact)


def test_the_last_in_the_list_is_last_where_no_times_are_given() -> None:
    records = [{"quantity": str(number)} for number in range(12)]
    assert estimate(CHARGE, metric={"aggregation": "last"}, records=records)["units"] == "11"


def test_a_start_alone_tells_which_came_last() -> None:
    records = [
        {"quantity": "7", "period_start": "2026-01-02T00:00:00Z"},
        {"quantity": "5", "period_start": "2026-01-01T00:00:00+00:00"},
    ]
    assert estimate(CHARGE, metric={"aggregation": "last"}, records=records)["units"] == "7"


def test_every_fault_of_a_request_is_named_at_once() -> None:
    charge = {"currency": "XXX", "model": {"type": "per_unit", "unit_amount": "-1"}, "colour": "red"}
    records = [{"quantity": "-1"}, {"amount": "1"}, 5, {"quantity": "1", "period_start": "2026-01-01"}]
    found = faults(charge, metric={"aggregation": "median"}, records=records, previous_units="x")
    assert found == {
        ("charge.currency", "unknown_currency"),
        ("charge.model.unit_amount", "negative"),
        ("charge.colour", "unknown_field"),
        ("metric.aggregation", "unknown_value"),
        ("records.0.quantity", "negative"),
        ("records.1.amount", "unknown_field"),
        ("records.1.quantity", "missing"),
        ("records.2", "not_an_object"),
        ("records.3.period_start", "not_an_instant"),
        ("previous_units", "not_a_number"),
    }


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, ("units", "missing")),
        ({"units": "1", "records": []}, ("units", "mutually_exclusive")),
        ({"units": 1.5}, ("units", "not_a_number")),
        ({"units": "NaN"}, ("units", "not_finite")),
        ({"units": "-1"}, ("units", "negative")),
        ({"units": "1" * 39}, ("units", "too_many_digits")),
        ({"records": {}}, ("records", "not_a_list")),
        ({"records": [{"quantity": "1", "member": 5}]}, ("records.0.member", "not_a_string")),
        ({"records": [{"quantity": "1", "properties": {"a": 1}}]}, ("records.0.properties", "not_a_string")),
        (
            {"records": [{"quantity": "1", "period_end": "2026-01-01T00:00:00Z"}]},
            ("records.0.period_start", "missing"),
        ),
        (
            {
                "records": [
                    {
                        "quantity": "1",
                        "period_start": "2026-01-02T00:00:00Z",
                        "period_end": "2026-01-02T00:00:00Z",
                    }
                ]
            },
            ("records.0.period_end", "invalid_window"),
        ),
        (
            {
                "records": [{"quantity": "1", "period_start": "2026-01-02T00:00:00Z"}],
                "metric": {"aggregation": "time_weighted"},
            },
            ("records.0.period_end", "missing"),
        ),
    ],
)
def test_what_can_not_be_priced_is_refused_by_name(given: dict[str, Any], fault: tuple[str, str]) -> None:
    assert faults(CHARGE, **given) == {fault}


def test_a_charge_without_a_currency_or_a_model_is_refused() -> None:
    assert faults({}, units="1") == {("charge.currency", "missing"), ("charge.model", "missing")}
    assert faults("free", units="1") == {("charge", "not_an_object")}


def test_a_key_named_twice_is_refused() -> None:
    body = strict_json.loads('{"currency": "USD", "currency": "EUR", "model": {"type": "flat", "amount": 1}}')
    assert faults(body, units="1") == {("charge.currency", "duplicate_key")}
    record = strict_json.loads('{"quantity": 1, "quantity": 2}')
    assert faults(CHARGE, records=[record]) == {("records.0.quantity", "duplicate_key")}


def test_a_window_of_a_microsecond_is_the_whole_period_of_its_estimate() -> None:
    window = {"period_start": "2026-11-01T00:00:00Z", "period_end": "2026-11-01T00:00:00.000001Z"}
    charge = {"currency": "USD", "model": {"type": "per_unit", "unit_amount": "1"}}
    answer = estimate(charge, metric={"aggregation": "time_weighted"}, records=[{"quantity": "10", **window}])
    assert answer["unrounded_amount"] == "10"
