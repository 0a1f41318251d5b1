"""Usage by day, in the subscription's time zone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from functions.admin.services.usage_days import usage_days
from fusion_billing.catalog.metric import Aggregation, Metric
from fusion_billing.rating.records import Record

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def record(hour: int, quantity: str) -> Record:
    start = START + timedelta(hours=hour)
    return Record(f"src_a#{hour}", start, start + timedelta(hours=1), Decimal(quantity))


def metric(aggregation: Aggregation) -> Metric:
    return Metric(code="calls", name="Calls", aggregation=aggregation)


@pytest.mark.parametrize(
    ("aggregation", "first", "second"), [("sum", "30.5", "7"), ("max", "20.5", "7"), ("count", "2", "1")]
)
def test_each_day_is_aggregated_as_the_period_is(aggregation: Aggregation, first: str, second: str) -> None:
    records = [record(30, "7"), record(1, "10"), record(2, "20.5")]
    days = usage_days(records, metric(aggregation), "UTC", START, END)
    assert days == [{"date": "2026-11-01", "units": first}, {"date": "2026-11-02", "units": second}]


def test_a_day_is_one_of_the_subscriptions_zone() -> None:
    [day] = usage_days([record(23, "1")], metric("sum"), "Asia/Tokyo", START, END)
    assert day["date"] == "2026-11-02"


def test_a_level_lasts_over_days_and_has_none() -> None:
    assert usage_days([record(1, "1")], metric("time_weighted"), "UTC", START, END) == []
