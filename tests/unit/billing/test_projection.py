"""Where a period is heading."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.billing.pricing import Pricing
from fusion_billing.billing.projection import projected
from fusion_billing.definitions.charge import Charge
from fusion_billing.definitions.metric import Metric
from fusion_billing.definitions.validation import parse
from fusion_billing.rating.records import Record

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
HALF = datetime(2026, 11, 16, tzinfo=UTC)


def _price(aggregation: str, **fields: Any) -> Pricing:
    charge = {
        "name": "calls",
        "metric": "calls",
        "applies_to": {"all": True},
        "currency": "USD",
        "odoo_product_id": 7,
        "included_units": "10",
        "model": {"type": "per_unit", "unit_amount": "1"},
        **fields,
    }
    metric = parse(Metric, {"name": "calls", "aggregation": aggregation}, code="calls")
    return Pricing((parse(Charge, charge, code="calls"),), metric)


def _records(*quantities: str, **properties: str) -> list[Record]:
    return [
        Record(
            str(day),
            START + timedelta(days=day),
            START + timedelta(days=day + 1),
            Decimal(q),
            None,
            properties,
        )
        for day, q in enumerate(quantities)
    ]


@pytest.mark.parametrize(
    ("aggregation", "units"),
    [("sum", "60"), ("count", "6"), ("max", "14"), ("last", "9"), ("unique_count", "3")],
)
def test_what_adds_up_goes_on_at_its_pace_and_the_rest_stays(aggregation: str, units: str) -> None:
    then = projected(_price(aggregation), _records("7", "14", "9"), start=START, end=END, now=HALF)
    assert then.units == Decimal(units)


@pytest.mark.parametrize("now", [START, START - timedelta(days=1), END, END + timedelta(days=1)])
def test_outside_the_period_nothing_is_added(now: datetime) -> None:
    assert projected(_price("sum"), _records("7", "14"), start=START, end=END, now=now).units == 21


def test_filters_keep_their_shares() -> None:
    filters = [{"properties": {"region": ["eu"]}, "model": {"type": "per_unit", "unit_amount": "3"}}]
    price = _price("sum", included_units="0", filters=filters)
    records = _records("10", region="eu") + _records("20", region="us")
    assert projected(price, records, start=START, end=END, now=HALF).amount == Decimal(20 * 3 + 40)
