"""Where a period is heading."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

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


def _day(number: int) -> datetime:
    return START + timedelta(days=number)


class _Recorder(Pricing):
    """Prices that note the records they are asked to rate."""

    rated: ClassVar[list[Record]] = []

    def rate(self, records: Iterable[Record], *arguments: Any) -> RatingResult:
        self.rated[:] = records
        return super().rate(self.rated, *arguments)


def _added(price: Pricing, records: list[Record], now: datetime = HALF, **life: Any) -> list[Record]:
    """Return the records that the projection adds to those there are."""
    _projected(_Recorder(price.spans, price.metric), records, now, **life)
    return _Recorder.rated[len(records) :]


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


def test_usage_goes_on_to_the_end_of_the_period_at_most() -> None:
    later = END + timedelta(days=5)
    (more,) = _added(_price("time_weighted"), [_level(0, 15, "4")], until=later, lived_until=later)
    assert more.window_end == END
    assert more.quantity == 4


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


def test_levels_go_on_at_their_mean_over_the_time_they_are_known_for() -> None:
    records = [_level(-5, 5, "6", region="eu"), _level(0, 10, "3", region="us"), _level(5, 10, "12", region="eu")]
    more = _added(_price("time_weighted"), records)
    assert [(each.key, each.window_start, each.window_end, each.quantity, each.properties) for each in more] == [
        (f"{records[2].key}+", _day(10), END, Decimal(9), {"region": "eu"}),
        (f"{records[1].key}+", _day(10), END, Decimal(3), {"region": "us"}),
    ]


def test_a_series_that_is_known_to_the_end_does_not_keep_the_next_one_from_going_on() -> None:
    known, goes_on = _level(0, 30, "10", region="eu"), _level(0, 10, "4", region="us")
    assert [each.quantity for each in _added(_price("time_weighted"), [known, goes_on])] == [Decimal(4)]


def test_a_level_counts_from_where_the_subscription_lives() -> None:
    record = _level(0, 10, "4")
    (more,) = _added(_price("time_weighted"), [record], lived_from=_day(5))
    assert more.quantity == 4
    assert _added(_price("time_weighted"), [record], lived_from=_day(10)) == []  # nothing of it is known


def test_a_level_of_other_windows_overlaps_in_part() -> None:
    first, second = _level(0, 8, "6"), _level(2, 12, "1")
    (more,) = _added(_price("time_weighted"), [first, second])
    assert (more.window_start, more.quantity) == (_day(12), Decimal("4.833333"))  # (8 x 6 + 10 x 1) / 12


def test_future_usage_has_a_record_for_each_price_to_come() -> None:
    price = _price("sum", included_units="0")
    dearer = price.charge.model_copy(update={"model": PerUnit(type="per_unit", unit_amount=Decimal(5))})
    spans = (
        PriceSpan(START, _day(3), price.charge),
        PriceSpan(_day(3), _day(25), dearer),
        PriceSpan(_day(25), END, price.charge),
    )
    record = Record("a", START, _day(1), Decimal(2), "ann", {"region": "eu"})
    more = _added(Pricing(spans, price.metric), [record])
    assert more == [
        Record("a+1", HALF, _day(25), Decimal("1.333333"), "ann", {"region": "eu"}),  # 2 x 10 / 15
        Record("a+2", _day(25), END, Decimal("0.666667"), "ann", {"region": "eu"}),  # 2 x 5 / 15
    ]


def test_counted_records_go_on_as_ones() -> None:
    price = _price("count")
    more = _added(price, _records("7"))
    assert [(each.quantity, each.window_end) for each in more] == [(Decimal(1), END)]


def test_a_tie_of_a_projected_quantity_is_rounded_up() -> None:
    record = Record("a", START, START, Decimal("0.000001"))
    (more,) = _added(_price("sum"), [record], now=_day(20))
    assert more.quantity == Decimal("0.000001")  # half of it


def test_a_projected_quantity_of_32_digits_is_exact() -> None:
    record = Record("a", START, START, Decimal("99999999999999999999999999.999999"))
    (more,) = _added(_price("sum"), [record])
    assert more.quantity == record.quantity


def test_a_count_is_projected_by_its_pace() -> None:
    assert _projected(_price("count"), _records("7", "14"), now=START + timedelta(days=10)).units == 6


def test_a_span_that_ends_now_has_no_usage_to_come() -> None:
    per_record = {"type": "percentage", "rate_percent": "1", "record_minimum": "5"}
    price = _price("sum", model=per_record, included_units="0")
    (whole,) = price.spans
    cheaper = whole.charge.model_copy(update={"name": "Later"}) if whole.charge else None
    spans = (PriceSpan(START, HALF, whole.charge), PriceSpan(HALF, END, cheaper))
    amounts = [_projected(replace(price, spans=found), _records("100")).amount for found in (spans, (whole,))]
    assert amounts[0] == amounts[1]
