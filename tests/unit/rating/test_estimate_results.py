"""An estimate's response, figure by figure and step by step."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.rating import estimate
from fusion_billing.rating.estimation import difference
from fusion_billing.rating.result import RatingResult, Step, lump, note

CHARGE = {"currency": "USD", "model": {"type": "per_unit", "unit_amount": "0.25"}, "included_units": "4"}
NOW = RatingResult(
    units=Decimal(12),
    included_units=Decimal(4),
    billable_units=Decimal(8),
    amount=Decimal("2.01"),
    unrounded_amount=Decimal("2.005"),
    currency="USD",
    steps=(note("Included: 4 units", Decimal(4)),),
    price_versions=(None, date(2026, 11, 1)),
)


def test_a_difference_is_of_rounded_amounts_and_keeps_the_units_of_now() -> None:
    before = replace(NOW, units=Decimal(1), amount=Decimal("0.51"), unrounded_amount=Decimal("0.505"), steps=())
    assert difference(NOW, before) == replace(
        NOW,
        amount=Decimal("1.50"),
        unrounded_amount=Decimal("1.495"),
        steps=(*NOW.steps, Step("Less what was billed for 1 unit", Decimal(1), Decimal("-0.51"), Decimal("-0.51"))),
    )


def test_a_difference_of_38_digits_is_exact() -> None:
    amount = Decimal("99999999999999999999999999999999999.99")
    less = difference(replace(NOW, amount=amount, unrounded_amount=amount), replace(NOW, amount=Decimal("0.01")))
    assert less.amount == less.unrounded_amount == Decimal("99999999999999999999999999999999999.98")


def test_a_result_is_shown_with_its_steps() -> None:
    result = replace(NOW, amount=Decimal("2.5"), steps=(lump("Fee", Decimal("2.50")),))
    assert result.as_estimate() == {
        "units": "12",
        "billable_units": "8",
        "amount": "2.50",
        "unrounded_amount": "2.005",
        "currency": "USD",
        "steps": [{"description": "Fee", "units": "1", "unit_amount": "2.5", "amount": "2.5"}],
    }
    assert result.overage_units == 8


@pytest.mark.parametrize(
    ("aggregation", "units", "expected"),
    [("sum", "12", "12"), ("max", "12", "12"), ("count", "12", "12"), ("unique_count", "0", "0"), ("last", "3", "3")],
)
def test_units_are_an_aggregate_already(aggregation: str, units: str, expected: str) -> None:
    found = estimate(CHARGE, metric={"aggregation": aggregation}, units=units)
    assert found["units"] == expected
    assert not any("record" in step["description"] for step in found["steps"])


@pytest.mark.parametrize(
    ("aggregation", "words", "units"),
    [
        ("sum", "3 records, added up", "12"),
        ("count", "3 records, counted", "3"),
        ("average", "3 records, averaged", "4"),
        ("max", "3 records, the largest taken", "7"),
        ("min", "3 records, the smallest taken", "2"),
        ("last", "3 records, the last taken", "3"),
        ("unique_count", "3 records, distinct ones counted", "3"),
        ("time_weighted", "3 records, weighted by time", "12"),
    ],
)
def test_the_first_step_says_how_records_are_aggregated(aggregation: str, words: str, units: str) -> None:
    records = [{"quantity": quantity} for quantity in ("7", "2", "3")]
    found = estimate(CHARGE, metric={"aggregation": aggregation}, records=records)
    assert found["steps"][0] == {"description": words, "units": units, "unit_amount": "0", "amount": "0"}
    assert found["units"] == units


def test_one_record_of_a_sum_needs_no_words_and_of_anything_else_it_does() -> None:
    one = [{"quantity": "6"}]
    steps = [step["description"] for step in estimate(CHARGE, records=one)["steps"]]
    assert steps == ["Included: 4 units", "2 units at 0.25 each"]
    steps = [step["description"] for step in estimate(CHARGE, metric={"aggregation": "max"}, records=one)["steps"]]
    assert steps == ["1 record, the largest taken", "Included: 4 units", "2 units at 0.25 each"]
    steps = [step["description"] for step in estimate(CHARGE, metric={"aggregation": "max"}, records=[])["steps"]]
    assert steps == ["0 records, the largest taken", "Included: 4 units", "0 units at 0.25 each"]


def test_each_stage_of_a_quantity_is_a_step() -> None:
    conversion = {"operation": "multiply", "factor": "1.5", "rounding": "half_up"}
    metric = {"aggregation": "sum", "rounding": {"mode": "half_up", "digits": -1}}
    charge = {**CHARGE, "unit_conversion": conversion, "included_units": "30"}
    found = estimate(charge, metric=metric, records=[{"quantity": "7"}, {"quantity": "4"}])
    assert [(step["description"], step["units"], step["amount"]) for step in found["steps"]] == [
        ("2 records, added up", "11", "0"),
        ("Multiplied by 1.5, rounded half up", "17", "0"),
        ("Rounded half up to -1 digits", "20", "0"),
        ("Included: 30 units", "20", "0"),
        ("0 units at 0.25 each", "0", "0"),
    ]


def test_the_period_is_the_span_of_all_windows() -> None:
    windows = [("10", "05", "09"), ("4", "01", "03"), ("2", "09", "11")]
    records: list[dict[str, Any]] = [
        {"quantity": level, "period_start": f"2026-11-{start}T00:00:00Z", "period_end": f"2026-11-{end}T00:00:00Z"}
        for level, start, end in windows
    ]
    metric = {"aggregation": "time_weighted"}
    assert estimate(CHARGE, metric=metric, records=records)["units"] == "5.2"  # (40 + 8 + 4) / 10 days
    throughout = {"quantity": "3"}
    assert estimate(CHARGE, metric=metric, records=[*records, throughout])["units"] == "8.2"


def test_the_last_window_may_have_no_end() -> None:
    records = [
        {"quantity": "1", "period_start": "2026-11-01T00:00:00Z", "period_end": "2026-11-02T00:00:00Z"},
        {"quantity": "2", "period_start": "2026-11-09T00:00:00Z"},
        {"quantity": "4"},
    ]
    assert estimate(CHARGE, records=records)["units"] == "7"


def test_a_charge_is_estimated_whatever_the_catalog_would_need_of_it() -> None:
    charge = {**CHARGE, "name": None, "metric": None, "applies_to": None, "odoo_product_id": None, "code": None}
    assert estimate(charge, metric={"name": None, "aggregation": None}, units="8")["amount"] == "1.00"
