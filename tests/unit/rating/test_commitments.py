"""Minimum and maximum amount."""

import pytest

from fusion_billing.rating import estimate


@pytest.mark.parametrize(
    ("units", "minimum", "maximum", "amount"),
    [
        ("0", "100", None, "100.00"),
        ("5", "100", None, "100.00"),
        ("10", "100", None, "100.00"),
        ("11", "100", None, "110.00"),
        ("11", None, "100", "100.00"),
        ("10", None, "100", "100.00"),
        ("9", None, "100", "90.00"),
        ("0", "0.005", None, "0.01"),
        ("7", "50", "50", "50.00"),
        ("3", "50", "50", "50.00"),
        ("9", None, "0", "0.00"),
    ],
)
def test_the_amount_lies_between_minimum_and_maximum(
    units: str, minimum: str | None, maximum: str | None, amount: str
) -> None:
    charge = {
        "currency": "USD",
        "model": {"type": "per_unit", "unit_amount": "10"},
        "minimum_amount": minimum,
        "maximum_amount": maximum,
    }
    assert estimate(charge, units=units)["amount"] == amount


def test_what_a_minimum_adds_is_a_step_of_its_own() -> None:
    charge = {
        "currency": "EUR",
        "model": {"type": "per_unit", "unit_amount": "10"},
        "minimum_amount": "100",
    }
    assert estimate(charge, units="4")["steps"][-1] == {
        "description": "Raised to the minimum of 100 EUR",
        "units": "1",
        "unit_amount": "60",
        "amount": "60",
    }


def test_the_minimum_is_the_whole_charges_and_not_each_filters() -> None:
    charge = {
        "currency": "USD",
        "model": {"type": "per_unit", "unit_amount": "1"},
        "filters": [{"properties": {"region": ["eu"]}, "model": {"type": "per_unit", "unit_amount": "2"}}],
        "minimum_amount": "50",
    }
    records = [{"quantity": "10", "properties": {"region": "eu"}}, {"quantity": "20"}]
    assert estimate(charge, records=records)["amount"] == "50.00"
