"""Percentage: of each record, with free records, a free amount, and bounds."""

from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.rating import estimate


def unrounded(quantities: list[str], /, **model: Any) -> str:
    return priced({}, quantities, **model)


def priced(charge: dict[str, Any], quantities: list[str], /, **model: Any) -> str:
    whole = {"currency": "USD", "model": {"type": "percentage", **model}, **charge}
    answer = estimate(whole, records=[{"quantity": quantity} for quantity in quantities])
    assert sum(Decimal(step["amount"]) for step in answer["steps"]) == Decimal(answer["unrounded_amount"])
    return str(answer["unrounded_amount"])


@pytest.mark.parametrize(
    ("free", "amount"),
    [
        ({}, "18.4"),
        ({"free_records": 0, "free_amount": "0"}, "18.4"),
        ({"free_records": 3}, "7.2"),
        ({"free_amount": "250"}, "11.15"),
        ({"free_records": 3, "free_amount": "250"}, "11.15"),
        ({"free_records": 3, "free_amount": "500"}, "7.2"),
        ({"free_records": 1, "free_amount": "500"}, "15.75"),
        ({"free_records": 4}, "0"),
        ({"free_records": 9}, "0"),
        ({"free_amount": "800"}, "0"),
        ({"free_amount": "50"}, "15.75"),
    ],
)
def test_records_are_free_until_either_allowance_is_used_up(free: dict[str, Any], amount: str) -> None:
    quantities = ["50", "100", "250", "400"]
    assert unrounded(quantities, rate_percent="1.3", fixed_amount="2", **free) == amount


@pytest.mark.parametrize(
    ("more", "amount"),
    [
        ({}, "16.142"),
        ({"fixed_amount": "2"}, "18.691"),
        ({"free_records": 2}, "12"),
        ({"free_amount": "30"}, "13.794"),
        ({"free_records": 3, "free_amount": "10000"}, "2.691"),
    ],
)
def test_each_paying_record_lies_between_its_minimum_and_maximum(more: dict[str, Any], amount: str) -> None:
    bounds = {"record_minimum": "1.75", "record_maximum": "12"}
    assert unrounded(["10", "80", "10000"], rate_percent="2.99", **bounds, **more) == amount


def test_without_records_nothing_is_due() -> None:
    fees = {"rate_percent": "1", "fixed_amount": "2", "record_minimum": "3"}
    assert unrounded([], **fees) == "0"
    charge = {"currency": "USD", "model": {"type": "percentage", **fees}}
    assert estimate(charge, units="0")["amount"] == "0.00"
    assert estimate(charge, units="100", previous_units="0")["amount"] == "3.00"
    for aggregation in ("max", "average", "time_weighted"):
        metric = {"aggregation": aggregation}
        assert estimate(charge, metric=metric, records=[])["amount"] == "0.00"


def test_records_of_zero_pay_what_is_due_for_each_record() -> None:
    assert unrounded(["0", "0"], rate_percent="12", fixed_amount="2") == "4"
    assert unrounded(["0"], rate_percent="12", fixed_amount="2", record_minimum="13") == "13"
    assert unrounded(["0", "0", "1"], rate_percent="12", fixed_amount="2", free_records=1) == "4.12"


@pytest.mark.parametrize(
    ("allowance", "amount"),
    [
        ({"free_records": 1}, "6"),
        ({"free_records": 4}, "0"),
        ({"free_records": 0}, "8"),
        ({"free_amount": "250"}, "0"),
        ({"free_records": 3, "free_amount": "250"}, "0"),
    ],
)
def test_records_of_zero_are_free_as_far_as_the_free_records_go_or_within_any_free_amount(
    allowance: dict[str, Any], amount: str
) -> None:
    assert unrounded(["0"] * 4, rate_percent="1.3", fixed_amount="2", **allowance) == amount


def test_free_records_of_zero_are_told_by_their_number() -> None:
    model = {"type": "percentage", "rate_percent": "10", "fixed_amount": "1", "free_records": 1}
    charge = {"currency": "USD", "model": model}
    answer = estimate(charge, records=[{"quantity": "0"}] * 4)
    assert answer["amount"] == "3.00"
    assert [step["description"] for step in answer["steps"]] == [
        "Free: 1 of 4 records",
        "10 % of 0",
        "3 records at 1 each",
    ]


def test_a_record_of_zero_among_others_still_pays_its_fixed_amount() -> None:
    assert unrounded(["800", "0", "0", "0"], rate_percent="1.3", fixed_amount="2") == "18.4"


def test_included_units_come_off_the_first_records() -> None:
    included = {"included_units": "120"}
    assert priced(included, ["50", "100", "250"], rate_percent="1", fixed_amount="2") == "6.8"
    assert priced(included, ["50", "70"], rate_percent="1", fixed_amount="2") == "0"
    assert priced(included, ["50", "0", "250"], rate_percent="1", fixed_amount="2") == "3.8"


def test_units_given_as_a_sum_are_one_record() -> None:
    charge = {
        "currency": "USD",
        "model": {"type": "percentage", "rate_percent": "2.99", "fixed_amount": "10"},
    }
    assert estimate(charge, units="20")["unrounded_amount"] == "10.598"


def test_each_record_is_converted_by_itself() -> None:
    cents = {"unit_conversion": {"operation": "divide", "factor": "100", "rounding": "up"}}
    assert priced(cents, ["150", "150"], rate_percent="10") == "0.4"


def test_a_metric_that_counts_pays_for_each_record_as_one() -> None:
    charge = {"currency": "USD", "model": {"type": "percentage", "rate_percent": "50", "fixed_amount": "1"}}
    records = [{"quantity": "900"}, {"quantity": "100"}]
    assert estimate(charge, metric={"aggregation": "count"}, records=records)["unrounded_amount"] == "3"


def test_a_metric_that_takes_the_largest_is_one_record() -> None:
    charge = {"currency": "USD", "model": {"type": "percentage", "rate_percent": "10", "fixed_amount": "1"}}
    records = [{"quantity": "900"}, {"quantity": "100"}]
    assert estimate(charge, metric={"aggregation": "max"}, records=records)["unrounded_amount"] == "91"


@pytest.mark.parametrize(("quantities", "amount"), [(["9.5", "1"], "0.5"), (["10", "0"], "3"), (["10", "1", "2"], "6")])
def test_a_free_amount_is_used_up_to_its_last_fraction_and_frees_nothing_after(
    quantities: list[str], amount: str
) -> None:
    bounds = {} if amount == "0.5" else {"record_minimum": "3"}
    assert unrounded(quantities, rate_percent="100", free_amount="10", **bounds) == amount
