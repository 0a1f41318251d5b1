"""Graduated, volume and graduated percentage."""

from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.rating import estimate

TIERS = [
    {"up_to": "5", "unit_amount": "7", "flat_amount": "10"},
    {"up_to": "10", "unit_amount": "6.5", "flat_amount": "20"},
    {"up_to": None, "unit_amount": "6", "flat_amount": "0"},
]
PERCENT_TIERS = [
    {"up_to": "100", "rate_percent": "1", "flat_amount": "2"},
    {"up_to": None, "rate_percent": "0.5", "flat_amount": "3"},
]


def unrounded(model: dict[str, Any], units: str, **more: Any) -> Decimal:
    answer = estimate({"currency": "USD", "model": model, **more}, units=units)
    assert sum(Decimal(step["amount"]) for step in answer["steps"]) == Decimal(answer["unrounded_amount"])
    return Decimal(answer["unrounded_amount"])


@pytest.mark.parametrize(
    ("units", "amount"),
    [
        ("0", "10"),
        ("1", "17"),
        ("5", "45"),
        ("5.5", "68.25"),
        ("6", "71.5"),
        ("10", "97.5"),
        ("10.001", "97.506"),
        ("20", "157.5"),
    ],
)
def test_graduated_prices_each_unit_by_its_own_tier(units: str, amount: str) -> None:
    assert unrounded({"type": "graduated", "tiers": TIERS}, units) == Decimal(amount)


@pytest.mark.parametrize(
    ("units", "amount"),
    [("0", "10"), ("5", "45"), ("5.5", "55.75"), ("10", "85"), ("10.5", "63"), ("20", "120")],
)
def test_volume_prices_all_units_by_the_tier_of_their_total(units: str, amount: str) -> None:
    assert unrounded({"type": "volume", "tiers": TIERS}, units) == Decimal(amount)


@pytest.mark.parametrize(("units", "amount"), [("0", "2"), ("100", "3"), ("100.01", "6.00005"), ("300", "7")])
def test_graduated_percentage_takes_each_tiers_share(units: str, amount: str) -> None:
    model = {"type": "graduated_percentage", "tiers": PERCENT_TIERS}
    assert unrounded(model, units) == Decimal(amount)


@pytest.mark.parametrize(("kind", "amount"), [("graduated", "45"), ("volume", "45")])
def test_included_units_come_off_before_the_tiers(kind: str, amount: str) -> None:
    model = {"type": kind, "tiers": TIERS}
    assert unrounded(model, "1005", included_units="1000") == Decimal(amount)
    assert unrounded(model, "999", included_units="1000") == Decimal(10)


def test_each_tier_entered_is_a_step_of_its_own() -> None:
    answer = estimate({"currency": "USD", "model": {"type": "graduated", "tiers": TIERS}}, units="12")
    assert [(step["description"], step["amount"]) for step in answer["steps"]] == [
        ("Tier 1 (up to 5): 5 units at 7 each", "35"),
        ("Tier 1 (up to 5): flat amount", "10"),
        ("Tier 2 (up to 10): 5 units at 6.5 each", "32.5"),
        ("Tier 2 (up to 10): flat amount", "20"),
        ("Tier 3 (open-ended): 2 units at 6 each", "12"),
    ]
