"""Where usage is heading."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from fusion_billing.definitions.metric import Aggregation
from fusion_billing.rating.projection import projected_units

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("aggregation", "day", "expected"),
    [
        ("sum", 16, "200"),
        ("count", 11, "300"),
        ("time_weighted", 16, "200"),
        ("sum", 8, "428.571429"),
        ("max", 16, "100"),
        ("last", 16, "100"),
        ("unique_count", 16, "100"),
        ("sum", 1, "100"),
    ],
)
def test_what_grows_with_time_is_drawn_on_and_a_level_stays(
    aggregation: Aggregation, day: int, expected: str
) -> None:
    now = START.replace(day=day)
    answer = projected_units(
        Decimal(100), aggregation=aggregation, period_start=START, period_end=END, now=now
    )
    assert answer == Decimal(expected)


def test_once_the_period_is_over_the_units_are_the_answer() -> None:
    answer = projected_units(Decimal(7), aggregation="sum", period_start=START, period_end=END, now=END)
    assert answer == 7
