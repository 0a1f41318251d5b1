"""Test that docs/rating.md shows what the engine returns."""

import json
import re
from pathlib import Path

import pytest

from fusion_billing.rating import estimate
from fusion_billing.rating.engine import rate
from fusion_billing.rating.result import RatingResult
from tests.unit.rating.conftest import DAY, START, make_charge, make_metric, make_record
from tests.unit.rating.test_price_spans import changed, per_unit, rated, spans, tiered

PAGE = (Path(__file__).parents[3] / "docs" / "rating.md").read_text()
TWO = [make_record("10", 0), make_record("2", 19)]


def _least(amount: str, **more: str) -> RatingResult:
    versions = [
        make_charge(per_unit("1"), minimum_amount="60"),
        make_charge(per_unit("1"), minimum_amount=amount, **more),
    ]
    return rate(versions, make_metric(), [make_record("12", 3)], period_start=START, period_end=START + 30 * DAY)


def _cut_short(*, prorate: bool) -> RatingResult:
    charge = make_charge(per_unit("0.01"), included_units="1000", minimum_amount="6", prorate=prorate)
    return rated(spans((0, charge)), [make_record("620", 20)], lived=(15, 30))


EXAMPLES = {
    "sum": (changed(per_unit("1"), per_unit("10"), TWO), "30.00"),
    "last": (changed(per_unit("1"), per_unit("10"), TWO, "last"), "11.60"),
    "level": (changed(per_unit("1"), per_unit("10"), [make_record("10", 0, 30)], "time_weighted"), "58.00"),
    "tiers": (
        changed(
            tiered("graduated", ("10", "1", "0"), (None, "2", "0")),
            tiered("graduated", ("10", "10", "0"), (None, "20", "0")),
            [make_record("12", 5), make_record("6", 15)],
            included_units="4",
        ),
        "108.00",
    ),
    "volume": (
        changed(
            tiered("volume", ("10", "5", "0"), (None, "2", "7")),
            tiered("volume", ("10", "4", "0"), (None, "3", "9")),
            [make_record("8", 0), make_record("4", 20)],
        ),
        "37.00",
    ),
    "flat": (changed({"type": "flat", "amount": "10"}, {"type": "flat", "amount": "99"}, []), "57.47"),
    "minimum": (_least("90", valid_from="2026-11-15T00:00:00Z"), "76.00"),
    "prorated": (_cut_short(prorate=True), "3.00"),
    "not prorated": (_cut_short(prorate=False), "6.00"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_shows_the_amount_and_the_priced_steps(name: str) -> None:
    result, shown = EXAMPLES[name]
    assert str(result.amount) == shown
    assert shown in PAGE
    if name != "flat":  # shown as a sum
        assert all(step.description in PAGE for step in result.steps if step.amount)


MODELS = re.findall(r"^\| [^|]+ \| `(\{.+\})` \| ([0-9.]+) \| ([0-9.]+) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("charge", "units", "amount"), MODELS)
def test_the_page_shows_the_amount_of_each_model(charge: str, units: str, amount: str) -> None:
    result = estimate({"currency": "USD", **json.loads(charge)}, units=units)

    assert result["amount"] == amount


def test_the_page_has_an_example_of_each_model() -> None:
    shown = {json.loads(charge)["model"]["type"] for charge, _, _ in MODELS}

    assert shown == {"per_unit", "graduated", "volume", "package", "percentage", "graduated_percentage", "flat"}


def test_the_page_starts_with_an_estimate_as_the_service_returns_it() -> None:
    block = PAGE.partition("```\n")[2].partition("```")[0].removeprefix("POST /v1/estimates\n")
    request, shown = (json.loads(part) for part in block.split("\n\n"))

    result = estimate(request["charge"], units=request["units"])

    assert {name: result[name] for name in shown} == shown
