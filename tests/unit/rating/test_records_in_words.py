"""Steps speak of records, units and packages as a person would."""

from typing import Any

import pytest

from fusion_billing.rating import estimate

ONE_TIER = [{"up_to": None, "unit_amount": "0.15"}]


def steps(model: dict[str, Any], units: str, **more: Any) -> list[str]:
    answer = estimate({"currency": "USD", "model": model, **more}, units=units)
    return [step["description"] for step in answer["steps"]]


@pytest.mark.parametrize(("count", "words"), [(1, "1 record at 2"), (2, "2 records at 2 each")])
def test_one_record_is_no_plural(count: int, words: str) -> None:
    charge = {
        "currency": "USD",
        "model": {"type": "percentage", "rate_percent": "1", "fixed_amount": "2"},
    }
    answer = estimate(charge, records=[{"quantity": "100"}] * count)
    assert words in [step["description"] for step in answer["steps"]]


@pytest.mark.parametrize(
    ("model", "one", "two"),
    [
        ({"type": "per_unit", "unit_amount": "0.15"}, "1 unit at 0.15", "2 units at 0.15 each"),
        (
            {"type": "graduated", "tiers": ONE_TIER},
            "Tier 1 (open-ended): 1 unit at 0.15",
            "Tier 1 (open-ended): 2 units at 0.15 each",
        ),
        (
            {"type": "volume", "tiers": ONE_TIER},
            "Tier 1 (open-ended): 1 unit at 0.15",
            "Tier 1 (open-ended): all 2 units at 0.15 each",
        ),
        (
            {"type": "package", "package_size": "1", "package_amount": "3"},
            "1 unit is 1 package of 1 (rounded up) at 3",
            "2 units are 2 packages of 1 (rounded up) at 3 each",
        ),
    ],
)
def test_one_unit_is_no_plural(model: dict[str, Any], one: str, two: str) -> None:
    assert steps(model, "1") == [one]
    assert steps(model, "2") == [two]


def test_one_included_unit_and_one_digit_are_no_plurals() -> None:
    model = {"type": "per_unit", "unit_amount": "0.15"}
    assert steps(model, "2", included_units="1") == ["Included: 1 unit", "1 unit at 0.15"]
    charge = {"currency": "USD", "model": model}
    metric = {"aggregation": "sum", "rounding": {"mode": "up", "digits": 1}}
    answer = estimate(charge, metric=metric, units="0.5", previous_units="1")
    assert [step["description"] for step in answer["steps"]] == [
        "Rounded up to 1 digit",
        "0.5 units at 0.15 each",
        "Less what was billed for 1 unit",
    ]
