"""Where a period is heading."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.billing.pricing import PricedSubscription, Pricing
from fusion_billing.billing.projection import projected
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.price_models import PerUnit
from fusion_billing.catalog.validation import parse
from fusion_billing.rating.price_spans import PriceSpan
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
HALF = datetime(2026, 11, 16, tzinfo=UTC)
WHO = PricedSubscription("42", "Pro", "USD", "UTC", 42, {})


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
    return Pricing((PriceSpan(START, END, parse(Charge, charge, code="calls")),), metric)


def _projected(
    price: Pricing, records: list[Record], now: datetime = HALF, until: datetime | None = None, **life: Any
) -> RatingResult:
    subscription = replace(WHO, **life)
    return projected(price, records, subscription, start=START, end=END, until=until, now=now)


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
    then = _projected(_price(aggregation), _records("7", "14", "9"))
    assert then.units == Decimal(units)


@pytest.mark.parametrize("now", [START, START - timedelta(days=1), END, END + timedelta(days=1)])
def test_outside_the_period_nothing_is_added(now: datetime) -> None:
    assert _projected(_price("sum"), _records("7", "14"), now=now).units == 21


def test_filters_keep_their_shares() -> None:
    filters = [{"properties": {"region": ["eu"]}, "model": {"type": "per_unit", "unit_amount": "3"}}]
    price = _price("sum", included_units="0", filters=filters)
    records = _records("10", region="eu") + _records("20", region="us")
    assert _projected(price, records).amount == Decimal(20 * 3 + 40)


@pytest.mark.parametrize(
    "stopped",
    [
        {"until": HALF - timedelta(days=2)},  # churned, paused or renewed the day before yesterday
        {"until": HALF},
        {"until": datetime.min.replace(tzinfo=UTC)},  # never was in progress
        {"lived_until": HALF},
    ],
)
@pytest.mark.parametrize("aggregation", ["sum", "count", "time_weighted"])
def test_what_has_stopped_grows_no_more(aggregation: str, stopped: dict[str, Any]) -> None:
    price, records = _price(aggregation), _records("7", "14", "9")
    so_far = price.rate(records, replace(WHO, lived_until=stopped.get("lived_until")), START, END)
    assert _projected(price, records, **stopped) == so_far


@pytest.mark.parametrize("how", ["until", "lived_until"])
def test_what_ends_in_the_period_grows_to_the_end_alone(how: str) -> None:
    end = {how: datetime(2026, 11, 21, tzinfo=UTC)}
    assert _projected(_price("sum"), _records("7", "14", "9"), **end).units == 40  # 30 in 15 days, 5 more


def test_the_pace_is_that_of_the_time_lived() -> None:
    began = datetime(2026, 11, 11, tzinfo=UTC)
    records = [Record("a", HALF, HALF, Decimal(10))]
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert _projected(_price("sum"), records, now=now, lived_from=began).units == 20


def test_what_is_to_come_is_priced_as_it_will_be_then() -> None:
    price = _price("sum", included_units="0")
    dearer = price.charge.model_copy(update={"model": PerUnit(type="per_unit", unit_amount=Decimal(5))})
    change = datetime(2026, 11, 26, tzinfo=UTC)
    spans = (PriceSpan(START, change, price.charge), PriceSpan(change, END, dearer))
    then = _projected(Pricing(spans, price.metric), _records("15"))
    assert then.amount == 25 * 1 + 5 * 5


def test_a_charge_that_stops_applying_gets_nothing_of_what_is_to_come() -> None:
    price = _price("sum", included_units="0")
    spans = (PriceSpan(START, HALF, price.charge), PriceSpan(HALF, END, None))
    assert _projected(Pricing(spans, price.metric), _records("15")).amount == 15


def _level(first: int, last: int, quantity: str, **properties: str) -> Record:
    return Record(
        f"{first}-{last}-{properties}",
        START + timedelta(days=first),
        START + timedelta(days=last),
        Decimal(quantity),
        None,
        properties,
    )


@pytest.mark.parametrize(
    ("windows", "units"),
    [
        ([(0, 30, "10")], 10),  # known to the end: nothing is to be guessed
        ([(0, 15, "10")], 10),
        ([(day, day + 1, "10") for day in range(15)], 10),
        ([(day, day + 1, "10") for day in range(14)], 10),  # yesterday's is not there yet
        ([(0, 10, "3"), (10, 15, "9")], 5),
    ],
)
def test_a_level_goes_on_from_where_it_is_known(windows: list[tuple[int, int, str]], units: int) -> None:
    records = [_level(*window) for window in windows]
    assert _projected(_price("time_weighted", included_units="0"), records).units == units


def test_levels_of_other_properties_go_on_by_themselves() -> None:
    records = [_level(0, 30, "10", region="eu"), _level(0, 15, "4", region="us")]
    assert _projected(_price("time_weighted", included_units="0"), records).units == 14
