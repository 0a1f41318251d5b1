"""Every aggregation: records to a quantity."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.rating import estimate
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult

ONE_EACH = {"type": "per_unit", "unit_amount": "1"}


def units(aggregation: str, records: list[dict[str, Any]]) -> str:
    charge = {"currency": "USD", "model": ONE_EACH}
    return str(estimate(charge, metric={"aggregation": aggregation}, records=records)["units"])


def quantities(*values: str) -> list[dict[str, Any]]:
    return [{"quantity": value} for value in values]


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ("sum", "63.5"),
        ("count", "4"),
        ("max", "50"),
        ("min", "0.5"),
        ("last", "10"),
        ("average", "15.875"),
        ("unique_count", "4"),
        ("time_weighted", "63.5"),
    ],
)
def test_records_become_one_quantity(aggregation: str, expected: str) -> None:
    assert units(aggregation, quantities("0.5", "3", "50", "10")) == expected


@pytest.mark.parametrize(
    "aggregation", ["sum", "count", "max", "min", "last", "average", "unique_count", "time_weighted"]
)
def test_nothing_recorded_is_zero(aggregation: str) -> None:
    assert units(aggregation, []) == "0"


def test_distinct_members_are_counted_and_the_memberless_by_their_quantity() -> None:
    members = [{"quantity": "1", "member": member} for member in ("ann", "bob", "ann")]
    assert units("unique_count", members) == "2"
    assert units("unique_count", quantities("5", "5.0", "7")) == "2"
    assert units("unique_count", members + quantities("1", "2")) == "4"


def test_an_average_that_does_not_end_keeps_thirty_eight_digits_past_the_point() -> None:
    assert units("average", quantities("1", "0", "0")) == "0." + "3" * 38
    assert units("average", quantities("2", "0", "0")) == "0." + "6" * 37 + "7"


def test_the_last_is_by_window_start_and_then_by_key(
    charge: Callable[..., Charge],
    metric: Callable[..., Metric],
    record: Callable[..., Record],
    november: Callable[..., RatingResult],
) -> None:
    records = [record("1", day=9), record("2", day=2), record("3", day=9, key="z"), record("4", day=8)]
    assert november(charge(ONE_EACH), metric("last"), records).units == 3


def days(quantity: str, first: int, last: int) -> dict[str, Any]:
    return {
        "quantity": quantity,
        "period_start": f"2023-04-{first:02d}T00:00:00Z",
        "period_end": f"2023-04-{last:02d}T00:00:00Z",
    }


def test_a_level_is_weighed_by_how_long_it_held() -> None:
    assert units("time_weighted", [days("10", 1, 2), days("20", 2, 5)]) == "17.5"


def test_levels_that_held_together_add_up() -> None:
    assert units("time_weighted", [days("10", 1, 5), days("20", 3, 5)]) == "20"


def test_a_level_without_a_window_held_throughout() -> None:
    assert units("time_weighted", [days("10", 1, 2), days("0", 2, 5), {"quantity": "3"}]) == "5.5"


def test_what_of_a_window_lies_past_the_period_does_not_count(
    charge: Callable[..., Charge],
    metric: Callable[..., Metric],
    record: Callable[..., Record],
    november: Callable[..., RatingResult],
) -> None:
    records = [record("10", day=0, days=15), record("30", day=29, days=20)]
    assert november(charge(ONE_EACH), metric("time_weighted"), records).units == Decimal(6)


def test_a_window_belongs_to_the_period_that_holds_its_start(
    charge: Callable[..., Charge],
    metric: Callable[..., Metric],
    record: Callable[..., Record],
    november: Callable[..., RatingResult],
) -> None:
    records = [record("1", day=-1, days=5), record("2", day=0), record("4", day=29.5), record("8", day=30)]
    assert november(charge(ONE_EACH), metric(), records).units == 6
