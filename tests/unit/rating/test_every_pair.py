"""What holds of every aggregation with every charge model, whatever the usage, however the price changes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Aggregation, Metric
from fusion_billing.currencies import rounded
from fusion_billing.rating.aggregations import AGGREGATORS
from fusion_billing.rating.engine import rate_spans
from fusion_billing.rating.price_spans import PriceSpan
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult
from tests.unit.rating.conftest import DAY, START, make_charge, make_metric

END = START + 30 * DAY
HOUR = timedelta(hours=1)
MODELS = ("per_unit", "graduated", "volume", "package", "percentage", "graduated_percentage", "flat")
PAIRS = [(aggregation, model) for aggregation in get_args(Aggregation) for model in MODELS]
every_pair = pytest.mark.parametrize(("aggregation", "model"), PAIRS)
EXAMPLES = settings(max_examples=10, deadline=None)

prices = st.integers(0, 500).map(lambda cents: str(Decimal(cents) / 100))
sizes = st.integers(1, 30).map(str)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def tiers(draw: st.DrawFn, price: str) -> list[dict[str, Any]]:
    bounds = sorted(draw(st.sets(st.integers(1, 60), max_size=3)))
    return [{"up_to": up, price: draw(prices), "flat_amount": draw(prices)} for up in [*map(str, bounds), None]]


FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "per_unit": {"unit_amount": prices},
    "graduated": {"tiers": tiers("unit_amount")},
    "volume": {"tiers": tiers("unit_amount")},
    "package": {
        "package_size": sizes,
        "package_amount": prices,
        "rounding": st.sampled_from(["up", "down"]),
    },
    "percentage": {
        "rate_percent": prices,
        "fixed_amount": optional(prices),
        "free_records": optional(st.integers(0, 4)),
        "free_amount": optional(sizes),
        "record_minimum": optional(st.sampled_from(["0.5", "2"])),
        "record_maximum": optional(st.sampled_from(["3", "40"])),
    },
    "graduated_percentage": {"tiers": tiers("rate_percent")},
    "flat": {"amount": prices},
}


@st.composite
def charges(draw: st.DrawFn, model: str, *, plain: bool = False) -> Charge:
    def one_model() -> dict[str, Any]:
        return {"type": model} | draw(st.fixed_dictionaries(FIELDS[model]))

    more: dict[str, Any] = {
        "included_units": draw(st.integers(0, 20).map(str)),
        "prorate": draw(st.booleans()),
    }
    if draw(st.booleans()):
        factor, mode = draw(sizes), draw(st.sampled_from(["none", "up", "down", "half_up"]))
        more["unit_conversion"] = {"operation": "divide", "factor": factor, "rounding": mode}
    if not plain:
        more["minimum_amount"] = draw(optional(st.integers(0, 5).map(str)))
        more["maximum_amount"] = draw(optional(st.integers(5, 50).map(str)))
        if draw(st.booleans()):
            more["filters"] = [{"properties": {"region": ["eu"]}, "model": one_model()}]
        if draw(st.booleans()):
            more["group_by"] = ["region"]
    return make_charge(one_model(), **{name: value for name, value in more.items() if value is not None})


@st.composite
def usage(draw: st.DrawFn, aggregation: str) -> list[Record]:
    """Some records of November; levels may begin before it and end after it."""
    is_level = aggregation == "time_weighted"
    records = []
    for index in range(draw(st.integers(0, 7))):
        start = START + draw(st.integers(-200 if is_level else 0, 719)) * HOUR
        records.append(
            Record(
                f"{index}",
                start,
                start + draw(st.integers(1, 600)) * HOUR,
                Decimal(draw(st.integers(0, 4_000))) / 100,
                draw(st.sampled_from([None, "ann", "bob"])),
                draw(st.sampled_from([None, {}, {"region": "eu"}, {"region": "us"}, {"region": ""}])),
            )
        )
    return records


@st.composite
def metrics(draw: st.DrawFn, aggregation: str) -> Metric:
    rounding = draw(optional(st.sampled_from([{"mode": "up"}, {"mode": "down"}, {"mode": "half_up", "digits": 1}])))
    return make_metric(aggregation, **({} if rounding is None else {"rounding": rounding}))


cuts = st.lists(st.integers(0, 720), max_size=3).map(lambda hours: [START + hour * HOUR for hour in sorted(hours)])


def tiled(bounds: Sequence[datetime], versions: Sequence[Charge | None]) -> list[PriceSpan]:
    edges = [START, *bounds, END]
    return [
        PriceSpan(start, end, versions[index % len(versions)]) for index, (start, end) in enumerate(pairwise(edges))
    ]


def rated(spans: Sequence[PriceSpan], metric: Metric, records: Sequence[Record], **more: Any) -> RatingResult:
    return rate_spans(spans, metric, records, period_start=START, period_end=END, **more)


def total(result: RatingResult) -> Fraction:
    return sum([Fraction(step.amount) for step in result.steps], Fraction(0))


@every_pair
@EXAMPLES
@given(data=st.data())
def test_an_amount_is_never_negative_and_its_steps_sum_to_it(aggregation: str, model: str, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from(MODELS))
    versions = [data.draw(charges(model)), data.draw(optional(charges(other)))]
    records, metric = data.draw(usage(aggregation)), data.draw(metrics(aggregation))
    bounds = data.draw(cuts)
    lived = data.draw(optional(st.integers(1, 719)))
    more = {} if lived is None else {"lived_start": START + lived * HOUR}
    result = rated(tiled(bounds, versions), metric, records, **more)
    assert result.amount >= 0
    assert result.units >= 0
    assert all(step.amount == step.units * step.unit_amount for step in result.steps)
    assert abs(total(result) - Fraction(result.amount)) <= Fraction(1, 200)
    assert abs(total(result) - Fraction(result.unrounded_amount)) < Fraction(1, 10**36)
    if total(result) == Fraction(result.unrounded_amount):
        assert rounded(result.unrounded_amount, result.currency) == result.amount


@every_pair
@EXAMPLES
@given(data=st.data())
def test_an_identical_version_and_a_change_at_either_end_change_nothing(
    aggregation: str, model: str, data: st.DataObject
) -> None:
    charge, other = data.draw(charges(model)), data.draw(charges(model))
    records, metric = data.draw(usage(aggregation)), data.draw(metrics(aggregation))
    again = charge.model_copy(update={"valid_from": START + DAY})
    once = rated(tiled([], [charge]), metric, records)
    twice = rated(tiled(data.draw(cuts), [charge, again]), metric, records)
    ends = rated(tiled([START, END], [other, charge, other]), metric, records)
    for result in (twice, ends):
        assert (once.amount, once.units, once.steps) == (result.amount, result.units, result.steps)


@every_pair
@EXAMPLES
@given(data=st.data())
def test_a_price_in_two_parts_is_one_price(aggregation: str, model: str, data: st.DataObject) -> None:
    """Versions that only look different are priced part by part, and come to the same amount."""
    charge = data.draw(charges(model))
    records, metric = data.draw(usage(aggregation)), data.draw(metrics(aggregation))
    alike = charge.model_copy(
        update={
            "filters": (
                *charge.filters,
                make_charge(
                    {"type": "per_unit", "unit_amount": "1"},
                    filters=[
                        {
                            "properties": {"no": ["such"]},
                            "model": {"type": "per_unit", "unit_amount": "1"},
                        }
                    ],
                ).filters[0],
            )
        }
    )
    once = rated(tiled([], [charge]), metric, records)
    parts = rated(tiled(data.draw(cuts), [charge, alike]), metric, records)
    assert total(once) == total(parts)
    assert once.amount == parts.amount


@every_pair
@EXAMPLES
@given(data=st.data())
def test_the_order_of_records_changes_nothing(aggregation: str, model: str, data: st.DataObject) -> None:
    records, metric = data.draw(usage(aggregation)), data.draw(metrics(aggregation))
    spans = tiled(data.draw(cuts), [data.draw(charges(model)), data.draw(charges(model))])
    shuffled = data.draw(st.permutations(records))
    assert rated(spans, metric, records) == rated(spans, metric, shuffled)


@pytest.mark.parametrize("model", MODELS)
@EXAMPLES
@given(data=st.data())
def test_one_long_window_equals_its_hours(model: str, data: st.DataObject) -> None:
    whole = Record("0", START, START + data.draw(st.integers(1, 800)) * HOUR, Decimal(data.draw(sizes)))
    step = data.draw(st.integers(6, 200)) * HOUR
    pieces: list[Record] = []
    start = whole.window_start
    while start < whole.window_end:
        end = min(start + step, whole.window_end)
        pieces.append(replace(whole, key=str(len(pieces)), window_start=start, window_end=end))
        start = end
    spans = tiled(data.draw(cuts), [data.draw(charges(model)), data.draw(charges(model))])
    metric = data.draw(metrics("time_weighted"))
    one, many = rated(spans, metric, [whole]), rated(spans, metric, pieces)
    assert (one.amount, total(one), one.units) == (many.amount, total(many), many.units)


@every_pair
@EXAMPLES
@given(data=st.data())
def test_what_is_weighed_by_time_lies_between_the_cheapest_and_the_dearest(
    aggregation: str, model: str, data: st.DataObject
) -> None:
    if AGGREGATORS[aggregation].adds_up and model != "flat":  # type: ignore[literal-required]
        pytest.skip("is not weighed by time")
    versions = [data.draw(charges(model)) for _ in range(3)]
    records, metric = data.draw(usage(aggregation)), data.draw(metrics(aggregation))
    alone = [total(rated(tiled([], [version]), metric, records)) for version in versions]
    mixed = rated(tiled(data.draw(cuts), versions), metric, records)
    assert min(alone) <= total(mixed) <= max(alone)


@pytest.mark.parametrize("model", [model for model in MODELS if model != "flat"])
@pytest.mark.parametrize("aggregation", ["sum", "count", "time_weighted"])
@EXAMPLES
@given(data=st.data())
def test_a_charge_that_comes_back_prices_what_lies_in_its_own_spans(
    aggregation: str, model: str, data: st.DataObject
) -> None:
    charge = data.draw(charges(model, plain=True)).model_copy(update={"prorate": False})
    records, metric = data.draw(usage(aggregation)), data.draw(metrics(aggregation))
    away, back = sorted(data.draw(st.lists(st.integers(1, 719), min_size=2, max_size=2, unique=True)))
    since, until = START + away * HOUR, START + back * HOUR
    own = []
    for record in records:
        if aggregation != "time_weighted":
            own += [record] if not since <= record.window_start < until else []
            continue
        early = replace(record, window_end=min(record.window_end, since))
        late = replace(record, key=record.key + "b", window_start=max(record.window_start, until))
        own += [piece for piece in (early, late) if piece.window_start < piece.window_end]
    interrupted = rated(tiled([since, until], [charge, None, charge]), metric, records)
    assert interrupted.amount == rated(tiled([], [charge]), metric, own).amount
