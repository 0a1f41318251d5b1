"""Unit conversion and the rounding of quantities, in their order."""

from typing import Any

import pytest

from fusion_billing.rating import estimate


def answer(units: str, conversion: dict[str, Any] | None = None, rounding: dict[str, Any] | None = None) -> Any:
    charge = {
        "currency": "USD",
        "model": {"type": "per_unit", "unit_amount": "1"},
        "unit_conversion": conversion,
    }
    return estimate(charge, metric={"aggregation": "sum", "rounding": rounding}, units=units)


@pytest.mark.parametrize(
    ("units", "operation", "factor", "rounding", "expected"),
    [
        ("10", "multiply", "1.2", "none", "12"),
        ("1900", "divide", "1000", "none", "1.9"),
        ("1900", "divide", "1000", "down", "1"),
        ("1100", "divide", "1000", "up", "2"),
        ("1500", "divide", "1000", "half_up", "2"),
        ("1499.999", "divide", "1000", "half_up", "1"),
        ("2000", "divide", "1000", "up", "2"),
        ("9", "divide", "3", "down", "3"),
        ("1", "divide", "3", "none", "0." + "3" * 38),
        ("0", "divide", "3", "up", "0"),
    ],
)
def test_units_are_converted(units: str, operation: str, factor: str, rounding: str, expected: str) -> None:
    conversion = {"operation": operation, "factor": factor, "rounding": rounding}
    assert answer(units, conversion)["units"] == expected


@pytest.mark.parametrize(
    ("units", "mode", "digits", "expected"),
    [
        ("123.456", "up", 2, "123.46"),
        ("123.456", "down", 2, "123.45"),
        ("123.455", "half_up", 2, "123.46"),
        ("123.456", "up", 0, "124"),
        ("123", "up", 0, "123"),
        ("123.456", "up", -1, "130"),
        ("123.456", "down", -2, "100"),
        ("12", "down", -2, "0"),
    ],
)
def test_units_are_rounded(units: str, mode: str, digits: int, expected: str) -> None:
    assert answer(units, rounding={"mode": mode, "digits": digits})["billable_units"] == expected


def test_units_are_converted_before_they_are_rounded_and_included_after() -> None:
    charge = {
        "currency": "USD",
        "model": {"type": "per_unit", "unit_amount": "1"},
        "unit_conversion": {"operation": "divide", "factor": "1000"},
        "included_units": "2",
    }
    metric = {"aggregation": "sum", "rounding": {"mode": "up"}}
    assert estimate(charge, metric=metric, units="4001") == {
        "units": "5",
        "billable_units": "3",
        "amount": "3.00",
        "unrounded_amount": "3",
        "currency": "USD",
        "steps": [
            {"description": "Divided by 1000", "units": "4.001", "unit_amount": "0", "amount": "0"},
            {"description": "Rounded up to 0 digits", "units": "5", "unit_amount": "0", "amount": "0"},
            {"description": "Included: 2 units", "units": "2", "unit_amount": "0", "amount": "0"},
            {"description": "3 units at 1 each", "units": "3", "unit_amount": "1", "amount": "3"},
        ],
    }


def test_a_third_three_times_is_whole_when_it_is_rounded_down() -> None:
    conversion = {"operation": "multiply", "factor": "3", "rounding": "down"}
    charge = {
        "currency": "USD",
        "model": {"type": "per_unit", "unit_amount": "1"},
        "unit_conversion": conversion,
    }
    records = [{"quantity": "10"}, {"quantity": "0"}, {"quantity": "0"}]
    assert estimate(charge, metric={"aggregation": "average"}, records=records)["units"] == "10"


def test_a_quantity_of_seventy_six_digits_is_not_taken_for_a_fraction_that_does_not_end() -> None:
    nines = "9" * 38
    records = [{"quantity": nines}, {"quantity": "0." + nines}]
    charge = {"currency": "USD", "model": {"type": "per_unit", "unit_amount": "1"}}
    assert estimate(charge, records=records)["units"] == f"{nines}.{nines}"
