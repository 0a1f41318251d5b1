"""Per unit."""

import pytest

from fusion_billing.rating import estimate


@pytest.mark.parametrize(
    ("units", "unit_amount", "included", "unrounded", "amount"),
    [
        ("0", "5", "0", "0", "0.00"),
        ("6", "5", "0", "30", "30.00"),
        ("1250.5", "0.004", "1000", "1.002", "1.00"),
        ("1000", "0.004", "1000", "0", "0.00"),
        ("999.99", "0.004", "1000", "0", "0.00"),
        ("1", "0.005", "0", "0.005", "0.01"),
        ("3", "0.0016666", "0", "0.0049998", "0.00"),
        ("0.1", "0.1", "0", "0.01", "0.01"),
    ],
)
def test_units_past_the_included_ones_cost_the_same_each(
    units: str, unit_amount: str, included: str, unrounded: str, amount: str
) -> None:
    charge = {
        "currency": "USD",
        "included_units": included,
        "model": {"type": "per_unit", "unit_amount": unit_amount},
    }
    answer = estimate(charge, units=units)
    assert (answer["unrounded_amount"], answer["amount"]) == (unrounded, amount)


def test_thirty_eight_digits_times_thirty_eight_digits_stay_exact() -> None:
    nines = "9" * 38
    tiny = "0." + "0" * 37 + "9"
    charge = {"currency": "USD", "model": {"type": "per_unit", "unit_amount": nines}}
    assert int(estimate(charge, units=nines)["unrounded_amount"]) == int(nines) ** 2
    assert estimate(charge, units=nines)["amount"] == f"{int(nines) ** 2}.00"
    charge["model"] = {"type": "per_unit", "unit_amount": tiny}
    assert estimate(charge, units=tiny)["unrounded_amount"] == "0." + "0" * 74 + "81"


def test_a_step_says_how_many_units_at_what_price() -> None:
    charge = {"currency": "USD", "model": {"type": "per_unit", "unit_amount": "0.5"}, "included_units": "2"}
    assert estimate(charge, units="5")["steps"] == [
        {"description": "Included: 2 units", "units": "2", "unit_amount": "0", "amount": "0"},
        {"description": "3 units at 0.5 each", "units": "3", "unit_amount": "0.5", "amount": "1.5"},
    ]
