"""A price that changes within a period, a charge that stops and starts again, and a period cut short."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.currencies import with_digits
from fusion_billing.rating.engine import rate, rate_spans
from fusion_billing.rating.price_spans import PriceSpan
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult
from tests.unit.rating.conftest import DAY, START, make_charge, make_metric, make_record

ON_THE_15TH = "2026-11-15T00:00:00Z"
END = START + 30 * DAY


def per_unit(amount: str) -> dict[str, str]:
    return {"type": "per_unit", "unit_amount": amount}


def tiered(kind: str, *rows: tuple[str | None, str, str]) -> dict[str, Any]:
    return {
        "type": kind,
        "tiers": [{"up_to": up, "unit_amount": unit, "flat_amount": flat} for up, unit, flat in rows],
    }


def changed(
    first: dict[str, Any],
    then: dict[str, Any],
    records: Sequence[Record],
    aggregation: str = "sum",
    **more: Any,
) -> RatingResult:
    """Rate November, the price of which changes on the 15th."""
    versions = [make_charge(first, **more), make_charge(then, valid_from=ON_THE_15TH, **more)]
    return rate(versions, make_metric(aggregation), records, period_start=START, period_end=END)


def spans(*parts: tuple[float, Charge | None]) -> list[PriceSpan]:
    """Make spans that each start so many days into November."""
    starts = [START + day * DAY for day, _ in parts]
    ends = [*starts[1:], END]
    return [PriceSpan(start, end, charge) for start, end, (_, charge) in zip(starts, ends, parts, strict=True)]


def rated(
    parts: Sequence[PriceSpan],
    records: Sequence[Record],
    aggregation: str = "sum",
    lived: tuple[float, float] = (0, 30),
    **more: Any,
) -> RatingResult:
    return rate_spans(
        parts,
        make_metric(aggregation),
        records,
        period_start=START,
        period_end=END,
        lived_start=START + lived[0] * DAY,
        lived_end=START + lived[1] * DAY,
        **more,
    )


def priced_steps(result: RatingResult) -> list[str]:
    return [step.description for step in result.steps if step.amount]


def amount(result: RatingResult) -> str:
    return with_digits(result.amount, result.currency)


def level(quantity: str, day: float, days: float) -> Record:
    return make_record(quantity, day, days)


def test_the_last_value_is_priced_by_each_price_for_its_time() -> None:
    result = changed(per_unit("1"), per_unit("10"), [make_record("10", 0), make_record("2", 19)], "last")
    assert amount(result) == "11.60"  # (14 x 2 x 1 + 16 x 2 x 10) / 30
    assert priced_steps(result) == [
        "1 to 14 November, 14 of 30 days: 2 units at 1 each",
        "15 to 30 November, 16 of 30 days: 2 units at 10 each",
    ]


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ("sum", "204.00"),  # 4 x 1 + 20 x 10
        ("count", "21.00"),
        ("max", "116.00"),
        ("min", "23.20"),
        ("last", "116.00"),
        ("average", "46.40"),  # 24 / 3 = 8
        ("unique_count", "17.40"),
    ],
)
def test_each_aggregation_has_its_rule(aggregation: str, expected: str) -> None:
    records = [make_record("4", 0), make_record("0", 15), make_record("20", 19)]
    if aggregation == "min":
        records[1] = make_record("20", 15)
        expected = "23.20"
    assert amount(changed(per_unit("1"), per_unit("10"), records, aggregation)) == expected


@pytest.mark.parametrize(
    "records",
    [
        [level("10", 0, 30)],
        [level("10", day, 1) for day in range(30)],
        [level("10", -16, 60)],
        [level("4", -3, 40), level("6", 0, 7), level("6", 7, 100)],
    ],
)
def test_a_window_is_cut_where_the_price_changes_and_at_the_period_s_ends(records: list[Record]) -> None:
    result = changed(per_unit("1"), per_unit("10"), records, "time_weighted")
    assert (amount(result), int(result.units)) == ("58.00", 10)
    assert priced_steps(result) == [
        "1 to 14 November, 14 of 30 days: 4.666667 units at 1 each",
        "15 to 30 November, 16 of 30 days: 5.333333 units at 10 each",
    ]


def test_a_level_over_a_period_s_end_is_paid_in_both_for_its_part() -> None:
    window = make_record("10", -16, 31)  # from 16 October to 16 November
    each = make_charge(per_unit("1"))
    october = rate([each], make_metric("time_weighted"), [window], period_start=START - 31 * DAY, period_end=START)
    november = rate([each], make_metric("time_weighted"), [window], period_start=START, period_end=END)
    assert (amount(october), amount(november)) == ("5.16", "5.00")  # 10 x 16/31, 10 x 15/30


def test_levels_are_cut_within_each_filter_and_group() -> None:
    eu = {"properties": {"region": ["eu"]}, "model": per_unit("2")}
    first = make_charge(per_unit("1"), filters=[eu], group_by=["size"])
    then = make_charge(per_unit("10"), filters=[eu], group_by=["size"], valid_from=ON_THE_15TH)
    records = [
        make_record("10", -5, 100, key="a", properties={"region": "eu", "size": "s"}),
        make_record("10", -5, 100, key="b", properties={"region": "us", "size": "s"}),
        make_record("10", 14, 16, key="c", properties={"region": "us", "size": "xl"}),
    ]
    result = rate([first, then], make_metric("time_weighted"), records, period_start=START, period_end=END)
    assert amount(result) == with_digits(Decimal(20 + 58) + Decimal("53.33"), "USD")


def test_a_charge_that_comes_back_prices_its_own_units_alone() -> None:
    plan_a, plan_b = make_charge(per_unit("1")), make_charge(per_unit("3"))
    records = [make_record("10", 2), make_record("5", 24.5)]
    a = rated(spans((0, plan_a), (24, None), (26, plan_a)), records)
    b = rated(spans((0, None), (24, plan_b), (26, None)), records)
    assert (amount(a), amount(b)) == ("10.00", "15.00")
    assert [int(a.units), int(b.units)] == [10, 5]
    assert a.price_versions == (None,)


def test_included_units_and_tiers_go_on_when_a_charge_comes_back() -> None:
    rows = tiered("graduated", ("5", "1", "2"), (None, "10", "100"))
    charge = make_charge(rows, included_units="4")
    records = [make_record("6", 0), make_record("50", 12), make_record("5", 20)]
    result = rated(spans((0, charge), (10, None), (15, charge)), records)
    assert result.unrounded_amount == 2 + 2 + 3 + 100 + 2 * 10
    assert priced_steps(result) == [
        "1 to 10 November: Tier 1 (up to 5): 2 units at 1 each",
        "1 to 10 November: Tier 1 (up to 5): flat amount",
        "16 to 30 November: Tier 1 (up to 5): 3 units at 1 each",
        "16 to 30 November: Tier 2 (open-ended): 2 units at 10 each",
        "16 to 30 November: Tier 2 (open-ended): flat amount",
    ]


def test_the_one_value_counts_for_the_time_the_charge_applies() -> None:
    charge = make_charge(per_unit("3"))
    result = rated(spans((0, None), (20, charge)), [make_record("7", 3)], "max")
    assert (amount(result), int(result.units)) == ("7.00", 7)
    assert priced_steps(result) == ["21 to 30 November, 10 of 30 days: 7 units at 3 each"]


def test_the_period_s_total_picks_the_tier_of_a_volume_in_every_version() -> None:
    first = tiered("volume", ("10", "5", "1"), (None, "2", "7"))
    then = tiered("volume", ("10", "4", "3"), (None, "3", "9"))
    result = changed(first, then, [make_record("8", 0), make_record("4", 20)])
    assert result.unrounded_amount == 8 * 2 + 4 * 3 + 9
    assert priced_steps(result) == [
        "1 to 14 November: Tier 2 (open-ended): 8 units at 2 each, as the period has 12 units in all",
        "15 to 30 November: Tier 2 (open-ended): 4 units at 3 each, as the period has 12 units in all",
        "15 to 30 November: Tier 2 (open-ended): flat amount",
    ]


def test_a_volume_s_flat_amount_is_due_though_nothing_was_used_at_the_end() -> None:
    first, then = tiered("volume", (None, "2", "7")), tiered("volume", (None, "3", "9"))
    assert changed(first, then, [make_record("8", 0)]).unrounded_amount == 8 * 2 + 9
    assert changed(first, then, []).unrounded_amount == 9


def test_packages_go_on_through_a_change() -> None:
    first = {"type": "package", "package_size": "10", "package_amount": "1"}
    result = changed(first, first | {"package_amount": "5"}, [make_record("15", 0), make_record("6", 20)])
    assert result.unrounded_amount == 2 * 1 + 1 * 5
    assert priced_steps(result)[-1] == (
        "15 to 30 November: 6 units more, 21 units in all, need 1 more package of 10 (rounded up) at 5"
    )


def test_free_records_go_on_through_a_change() -> None:
    first = {"type": "percentage", "rate_percent": "10", "fixed_amount": "1", "free_records": 2}
    records = [make_record("100", 0), make_record("100", 20), make_record("100", 21)]
    result = changed(first, first | {"rate_percent": "20", "fixed_amount": "2"}, records)
    assert result.unrounded_amount == 22
    assert priced_steps(result) == [
        "15 to 30 November: 20 % of 100",
        "15 to 30 November: 1 record at 2",
    ]


def test_a_group_s_fee_is_due_from_its_first_record_on() -> None:
    rows = tiered("graduated", (None, "1", "5"))
    records = [make_record("1", 20, key=key, properties={"region": key}) for key in ("eu", "us")]
    assert changed(rows, rows, records, group_by=["region"]).amount == 12
    other = tiered("graduated", (None, "2", "7"))
    assert changed(rows, other, records, group_by=["region"]).amount == 18
    assert changed(rows, other, [], group_by=["region"]).amount == 5


CUT_SHORT = [((0, 30), "100", "10"), ((15, 30), "50", "5"), ((0, 10), "33.33", "3.33")]


@pytest.mark.parametrize(("lived", "minimum", "flat"), CUT_SHORT)
def test_what_is_prorated_follows_the_time_in_which_the_charge_applies(
    lived: tuple[float, float], minimum: str, flat: str
) -> None:
    least = make_charge(per_unit("1"), minimum_amount="100", prorate=True)
    fee = make_charge({"type": "flat", "amount": "10"}, prorate=True)
    assert rated(spans((0, least)), [], lived=lived).amount == Decimal(minimum).quantize(Decimal("0.01"))
    assert rated(spans((0, fee)), [], lived=lived).amount == Decimal(flat).quantize(Decimal("0.01"))
    parts = spans((0, None), (lived[0], fee), (lived[1], None)) if lived[1] < 30 else spans((lived[0], fee))
    assert rated(parts, []).amount == Decimal(flat).quantize(Decimal("0.01"))


@pytest.mark.parametrize(("lived", "_minimum", "_flat"), CUT_SHORT)
def test_what_is_not_prorated_is_whole_however_short_the_life(
    lived: tuple[float, float], _minimum: str, _flat: str
) -> None:
    least = make_charge(per_unit("1"), minimum_amount="100")
    assert rated(spans((0, least)), [], lived=lived).amount == 100
    assert rated(spans((0, make_charge(per_unit("3")))), [make_record("7", 16)], "max", lived=(15, 30)).amount == 21


def test_prorated_included_units_fees_of_tiers_and_maximum() -> None:
    rows = tiered("graduated", (None, "1", "4"))
    charge = make_charge(rows, included_units="100", maximum_amount="30", prorate=True)
    result = rated(spans((0, charge)), [make_record("60", 20)], lived=(15, 30))
    assert [int(result.units), int(result.included_units), int(result.billable_units)] == [60, 50, 10]
    assert result.amount == 12
    assert [step.description for step in result.steps] == [
        "Included: 50 units (100 for 15 of 30 days)",
        "Tier 1 (open-ended): 10 units at 1 each",
        "Tier 1 (open-ended): flat amount of 4, 15 of 30 days",
    ]
    more = rated(spans((0, charge)), [make_record("90", 20)], lived=(15, 30))
    assert more.amount == 15
    assert more.steps[-1].description == "Lowered to the maximum of 15 USD (30 for 15 of 30 days)"


def test_a_prorated_level_counts_for_the_period_s_share() -> None:
    seats = make_charge(per_unit("10"), included_units="2", prorate=True)
    result = rated(spans((0, seats)), [make_record("6", 20)], "max", lived=(15, 30))
    assert result.amount == 20  # (6 - 2) x 10 x 15 / 30
    assert priced_steps(result) == ["15 of 30 days: 4 units at 10 each"]


def test_usage_outside_the_subscription_s_life_is_not_priced() -> None:
    each = make_charge(per_unit("1"))
    records = [make_record("500", 3), make_record("7", 20), make_record("90", 25)]
    for aggregation, units in (("sum", 7), ("max", 7), ("average", 7), ("count", 1)):
        assert rated(spans((0, each)), records, aggregation, lived=(15, 25)).units == units
    assert rated(spans((0, each)), [make_record("30", -5, 100)], "time_weighted", lived=(15, 25)).units == 10


def test_a_life_that_ends_before_it_starts_comes_to_nothing() -> None:
    charge = make_charge({"type": "flat", "amount": "5"}, minimum_amount="9")
    result = rated(spans((0, charge)), [make_record("7", 20)], lived=(20, 10))
    assert (amount(result), result.steps, result.price_versions) == ("0.00", (), ())


def test_a_period_without_any_charge_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="At least one span must have a charge"):
        rated(spans((0, None)), [])


@pytest.mark.parametrize(
    ("aggregation", "model"),
    [
        (aggregation, model)
        for aggregation in ("sum", "time_weighted", "average", "last")
        for model in (per_unit("0.7"), tiered("volume", ("9", "1", "2"), (None, "0.3", "5")))
    ],
)
def test_equal_neighbours_are_one_price_in_amount_and_steps(aggregation: str, model: dict[str, Any]) -> None:
    charge = make_charge(model, included_units="1", minimum_amount="2")
    again = make_charge(model, included_units="1", minimum_amount="2", name="Renamed", valid_from=ON_THE_15TH)
    records = [make_record("7", 3, 20), make_record("6.1", 20)]
    once = rated(spans((0, charge)), records, aggregation)
    twice = rated(spans((0, charge), (0, again), (7, charge), (7, again), (30, None)), records, aggregation)
    assert (once.amount, once.steps, once.units) == (twice.amount, twice.steps, twice.units)


@pytest.mark.parametrize(
    ("day", "length", "timezone", "words"),
    [
        (0, 1, "UTC", "1 November, 1 of 30 days"),
        (0, 0.5, "UTC", "1 November 00:00 to 1 November 12:00, 12 of 720 hours"),
        (9, 1.25, "UTC", "10 November 00:00 to 11 November 06:00, 30 of 720 hours"),
        (9, 1, "Asia/Kathmandu", "10 November 05:45 to 11 November 05:45, 1 of 30 days"),
    ],
)
def test_a_span_is_named_by_its_dates_where_the_subscription_is(
    day: float, length: float, timezone: str, words: str
) -> None:
    charge = make_charge(per_unit("1"))
    parts = spans((0, None), (day, charge), (day + length, None))
    result = rated(parts, [make_record("1", 3)], "max", timezone=timezone)
    assert priced_steps(result) == [f"{words}: 1 unit at 1"]


def test_a_day_of_changing_clocks_is_as_long_as_it_is() -> None:
    first_of_october = datetime.fromisoformat("2026-10-01T00:00:00+02:00")
    change = datetime.fromisoformat("2026-10-15T00:00:00+02:00")
    end = datetime.fromisoformat("2026-11-01T00:00:00+01:00")
    old, new = make_charge(per_unit("745")), make_charge(per_unit("0"))
    record = Record("1", change, change + timedelta(days=1), Decimal(1))
    result = rate_spans(
        [PriceSpan(first_of_october, change, old), PriceSpan(change, end, new)],
        make_metric("max"),
        [record],
        period_start=first_of_october,
        period_end=end,
        timezone="Europe/Berlin",
    )
    assert result.amount == 14 * 24
    assert priced_steps(result) == ["1 to 14 October, 336 of 745 hours: 1 unit at 745"]


def test_a_period_over_new_year_names_the_years() -> None:
    start, end = (
        datetime.fromisoformat("2026-12-16T00:00:00Z"),
        datetime.fromisoformat("2027-01-16T00:00:00Z"),
    )
    change = datetime.fromisoformat("2027-01-11T00:00:00Z")
    parts = [
        PriceSpan(start, change, make_charge(per_unit("1"))),
        PriceSpan(change, end, make_charge(per_unit("2"))),
    ]
    records = [Record("1", start, end, Decimal(3)), Record("2", change, end, Decimal(1))]
    result = rate_spans(parts, make_metric(), records, period_start=start, period_end=end)
    assert priced_steps(result) == [
        "16 December 2026 to 10 January 2027: 3 units at 1 each",
        "11 to 15 January: 1 unit at 2",
    ]


def test_rating_takes_any_order_of_records(
    november: Callable[..., RatingResult], charge: Callable[..., Charge], metric: Callable[..., Metric]
) -> None:
    versions = [charge(per_unit("1")), charge(per_unit("10"), valid_from=ON_THE_15TH)]
    records = [make_record(str(day), day, 2) for day in range(30)]
    for aggregation in ("sum", "time_weighted", "last"):
        forth = november(versions, metric(aggregation), records)
        assert forth == november(versions, metric(aggregation), records[::-1])


def test_a_weighed_value_keeps_to_each_version_s_own_minimum() -> None:
    free = make_charge(per_unit("0"), minimum_amount="10")
    full = make_charge(per_unit("1"))
    result = rated(spans((0, free), (15, full)), [make_record("10", 3)], "max")
    assert result.amount == 10  # as at either price alone
    assert priced_steps(result) == [
        "1 to 15 November: Raised to the minimum of 5 USD (10 for 15 of 30 days)",
        "16 to 30 November, 15 of 30 days: 10 units at 1 each",
    ]
