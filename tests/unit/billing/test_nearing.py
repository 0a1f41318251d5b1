"""A rating nears a step of its charge if it may reach it before it is rated twice more."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.billing.nearing import is_nearing
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.rating.result import RatingResult

TEN_DAYS, DAY = timedelta(days=10), timedelta(days=1)
TIERS = {
    "type": "graduated",
    "tiers": [{"up_to": "1000", "unit_amount": "1"}, {"up_to": None, "unit_amount": "0.5"}],
}


def charge(**fields: Any) -> Charge:
    common = {
        "name": "Calls",
        "metric": "calls",
        "applies_to": {"all": True},
        "currency": "USD",
        "odoo_product_id": 7,
        "model": {"type": "per_unit", "unit_amount": "1"},
    }
    return parse(Charge, {**common, **fields}, code="calls")


def near(
    units: str,
    *,
    amount: str = "0",
    included: str = "0",
    aggregation: str = "sum",
    elapsed: timedelta = TEN_DAYS,
    **of: Any,
) -> bool:
    metric = parse(Metric, {"name": "Calls", "unit": "call", "aggregation": aggregation}, code="calls")
    free, due = Decimal(included), Decimal(amount)
    result = RatingResult(Decimal(units), free, Decimal(0), due, due, "USD", ())
    return is_nearing(charge(included_units=included, **of), metric, result, elapsed=elapsed, ahead=DAY)


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ("0", False),
        ("727", False),
        ("728", True),
        ("799.99", True),
        ("800", False),
        ("909", False),
        ("910", True),
        ("1000", False),
    ],
)
def test_a_sum_nears_eighty_percent_and_all_of_the_included_units_at_its_pace(units: str, expected: bool) -> None:
    assert near(units, included="1000") is expected  # a tenth of it in a day


@pytest.mark.parametrize(("units", "expected"), [("899", False), ("900", True), ("999", True), ("1000", False)])
@pytest.mark.parametrize("aggregation", ["max", "last", "unique_count", "time_weighted"])
def test_what_does_not_grow_with_time_is_near_from_nine_tenths_on(aggregation: str, units: str, expected: bool) -> None:
    assert near(units, aggregation=aggregation, model=TIERS) is expected


@pytest.mark.parametrize(
    "of",
    [
        {"model": TIERS},
        {"model": {"type": "percentage", "rate_percent": "1", "free_amount": "1000"}},
        {"amount": "950", "maximum_amount": "1000"},
        {"amount": "950", "thresholds": {"amounts": ["500", "1000"]}},
        {"included": "10000", "thresholds": {"percent_of_included": ["10"]}},
        {"included": "100", "model": {"type": "graduated", "tiers": [{"up_to": "900"}, {"unit_amount": "0.5"}]}},
    ],
)
def test_each_kind_of_step_is_near(of: dict[str, Any]) -> None:
    assert near("950", **of)


def test_without_a_step_nothing_is_near() -> None:
    assert not near("950", amount="950")
    assert not near("950", model=TIERS, group_by=["region"])


def test_a_period_that_has_not_begun_is_near_nothing() -> None:
    assert not near("950", model=TIERS, elapsed=timedelta())
    assert near("950", model=TIERS, elapsed=timedelta(microseconds=1))
