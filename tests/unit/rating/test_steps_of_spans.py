"""Every step of a period in which the price changes: words, units, prices and amounts."""

from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.catalog.charge import Charge
from fusion_billing.rating.engine import rate_spans
from fusion_billing.rating.price_spans import PriceSpan
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult
from tests.unit.rating.conftest import DAY, START, make_charge, make_metric, make_record

END = START + 30 * DAY
FIRST, THEN = "1 to 12 November", "13 to 30 November"


def _per_unit(amount: str, **more: Any) -> Charge:
    return make_charge({"type": "per_unit", "unit_amount": amount}, **more)


def _rated(first: Charge, then: Charge, records: list[Record], aggregation: str = "sum", **more: Any) -> RatingResult:
    """Rate November, the price of which changes on the 13th: 12 of 30 days are at the first one."""
    change = START + 12 * DAY
    spans = [PriceSpan(START, change, first), PriceSpan(change, END, then)]
    return rate_spans(spans, make_metric(aggregation), records, period_start=START, period_end=END, **more)


def _figures(result: RatingResult) -> list[tuple[str, str, str, str]]:
    return [tuple(step.as_dict().values()) for step in result.steps]  # type: ignore[misc]


def _units(result: RatingResult) -> list[Decimal]:
    return [result.units, result.included_units, result.billable_units]


RECORDS = [make_record("6", 1), make_record("2", 3), make_record("5", 20)]


def test_what_adds_up_is_priced_part_by_part_after_the_included_units() -> None:
    first, then = _per_unit("1", included_units="10"), _per_unit("3", included_units="10")
    result = _rated(first, then, RECORDS)
    assert _figures(result) == [
        (f"{FIRST}: 2 records, added up", "8", "0", "0"),
        (f"{FIRST}: Included: 10 units", "8", "0", "0"),
        (f"{FIRST}: 0 units at 1 each", "0", "1", "0"),
        (f"{THEN}: Included: 2 of 10 units", "2", "0", "0"),
        (f"{THEN}: 3 units at 3 each", "3", "3", "9"),
    ]
    assert _units(result) == [13, 10, 3]
    assert result.amount == result.unrounded_amount == 9
    assert result.currency == "USD"
    assert result.price_versions == (None,)


def test_units_that_were_included_before_are_not_included_again() -> None:
    first, then = _per_unit("1", included_units="8"), _per_unit("3", included_units="9")
    assert _figures(_rated(first, then, RECORDS)) == [
        (f"{FIRST}: 2 records, added up", "8", "0", "0"),
        (f"{FIRST}: Included: 8 units", "8", "0", "0"),
        (f"{FIRST}: 0 units at 1 each", "0", "1", "0"),
        (f"{THEN}: Included: 1 of 9 units", "1", "0", "0"),
        (f"{THEN}: 4 units at 3 each", "4", "3", "12"),
    ]


def test_a_part_without_usage_has_no_steps_unless_it_is_the_last() -> None:
    first, then = _per_unit("1"), _per_unit("3")
    assert _figures(_rated(first, then, RECORDS[2:])) == [
        (f"{FIRST}: 0 units at 1 each", "0", "1", "0"),
        (f"{THEN}: 5 units at 3 each", "5", "3", "15"),
    ]
    result = _rated(first, then, RECORDS[:1])
    assert _figures(result) == [(f"{FIRST}: 6 units at 1 each", "6", "1", "6")]
    assert result.units == 6


def test_one_value_is_priced_by_each_price_for_its_share() -> None:
    first, then = _per_unit("1", included_units="2"), _per_unit("5", included_units="1")
    result = _rated(first, then, RECORDS, "max")
    before, after = f"{FIRST}, 12 of 30 days", f"{THEN}, 18 of 30 days"
    assert _figures(result) == [
        (f"{before}: 3 records, the largest taken", "6", "0", "0"),
        (f"{before}: Included: 2 units", "2", "0", "0"),
        (f"{before}: 4 units at 1 each", "4", "0.4", "1.6"),
        (f"{after}: 3 records, the largest taken", "6", "0", "0"),
        (f"{after}: Included: 1 unit", "1", "0", "0"),
        (f"{after}: 5 units at 5 each", "5", "3", "15"),
    ]
    assert _units(result) == [6, 1, 5]


def test_a_level_s_parts_say_how_long_they_are() -> None:
    result = _rated(_per_unit("1"), _per_unit("2"), [make_record("10", 0, 30)], "time_weighted")
    assert _figures(result) == [
        (f"{FIRST}, 12 of 30 days: 1 record, weighted by time", "4", "0", "0"),
        (f"{FIRST}, 12 of 30 days: 4 units at 1 each", "4", "1", "4"),
        (f"{THEN}, 18 of 30 days: 1 record, weighted by time", "6", "0", "0"),
        (f"{THEN}, 18 of 30 days: 6 units at 2 each", "6", "2", "12"),
    ]


def test_a_flat_amount_is_due_by_its_share_of_the_time() -> None:
    first, then = (make_charge({"type": "flat", "amount": amount}) for amount in ("30", "60"))
    assert _figures(_rated(first, then, RECORDS)) == [
        (f"{FIRST}, 12 of 30 days: 3 records, added up", "13", "0", "0"),
        (f"{FIRST}, 12 of 30 days: Flat amount for the period", "1", "12", "12"),
        (f"{THEN}, 18 of 30 days: 3 records, added up", "13", "0", "0"),
        (f"{THEN}, 18 of 30 days: Flat amount for the period", "1", "36", "36"),
    ]


def test_filters_and_groups_are_named_after_the_part() -> None:
    eu = {"properties": {"region": ["eu"]}, "model": {"type": "per_unit", "unit_amount": "2"}, "included_units": "1"}
    first = _per_unit("1", filters=[eu], group_by=["size"])
    then = _per_unit("4", filters=[eu], group_by=["size"])
    records = [
        make_record("3", 1, key="a", properties={"region": "eu", "size": "s"}),
        make_record("5", 20, key="b", properties={"region": "us", "size": "xl"}),
    ]
    result = _rated(first, then, records)
    assert _figures(result) == [
        (f"{FIRST}: region eu, size s: Included: 1 unit", "1", "0", "0"),
        (f"{FIRST}: region eu, size s: 2 units at 2 each", "2", "2", "4"),
        (f"{THEN}: all else, size xl: 5 units at 4 each", "5", "4", "20"),
    ]
    assert _units(result) == [8, 1, 7]


@pytest.mark.parametrize(
    ("first", "then", "records", "last"),
    [
        (
            _per_unit("1", minimum_amount="100"),
            _per_unit("1", minimum_amount="50", included_units="1"),
            RECORDS,
            ("Raised to the minimum of 70 USD (100 for 12 of 30 days, 50 for 18 of 30 days)", "1", "57", "57"),
        ),
        (
            _per_unit("1", minimum_amount="100"),
            _per_unit("2"),
            RECORDS[:1],
            ("Raised to the minimum of 40 USD (100 for 12 of 30 days, 0 for 18 of 30 days)", "1", "34", "34"),
        ),
        (
            _per_unit("1", maximum_amount="10"),
            _per_unit("2", maximum_amount="5"),
            RECORDS,
            ("Lowered to the maximum of 7 USD (10 for 12 of 30 days, 5 for 18 of 30 days)", "1", "-11", "-11"),
        ),
        (_per_unit("1", maximum_amount="10"), _per_unit("2"), RECORDS, (f"{THEN}: 5 units at 2 each", "5", "2", "10")),
    ],
)
def test_minimum_and_maximum_of_what_adds_up_are_weighed_over_all_prices(
    first: Charge, then: Charge, records: list[Record], last: tuple[str, str, str, str]
) -> None:
    assert _figures(_rated(first, then, records))[-1] == last


def test_records_outside_the_life_and_the_parts_do_not_count() -> None:
    at: dict[str, Any] = {"lived_start": START + 2 * DAY, "lived_end": START + 21 * DAY}
    records = [*RECORDS, make_record("100", 21), make_record("7", 2)]
    assert _rated(_per_unit("1"), _per_unit("1"), records, **at).units == 14  # 7 + 2 + 5
    assert _rated(_per_unit("1"), _per_unit("2"), records, **at).units == 14
    assert _rated(_per_unit("1"), _per_unit("2"), records, "count", **at).units == 3
    assert _rated(_per_unit("1"), _per_unit("2"), records, "max", **at).units == 7


def test_a_prorated_price_counts_by_the_period_as_it_would_be_whole() -> None:
    charge = _per_unit("1", prorate=True, included_units="20")
    result = _rated(charge, charge, [make_record("30", 3)], whole_start=START - 30 * DAY)
    assert _figures(result) == [
        ("Included: 10 units (20 for 30 of 60 days)", "10", "0", "0"),
        ("20 units at 1 each", "20", "1", "20"),
    ]


def test_price_versions_are_those_that_apply_in_the_life() -> None:
    first, then = _per_unit("1"), _per_unit("2", valid_from="2026-11-13T00:00:00Z")
    both = _rated(first, then, []).price_versions
    assert both == (first.valid_from, then.valid_from)
    assert _rated(first, then, [], lived_end=START + 12 * DAY).price_versions == (None,)
    assert _rated(first, then, [], lived_start=START + 12 * DAY).price_versions == (then.valid_from,)


def test_a_life_of_no_time_comes_to_nothing_in_the_charge_s_currency() -> None:
    yen = _per_unit("1", currency="JPY", minimum_amount="5")
    result = _rated(yen, yen, RECORDS, lived_start=START + DAY, lived_end=START + DAY)
    nothing = Decimal(0)
    assert result == RatingResult(nothing, nothing, nothing, nothing, nothing, "JPY", ())
    with pytest.raises(ValueError, match=r"^At least one span must have a charge$"):
        rate_spans([PriceSpan(START, END, None)], make_metric(), [], period_start=START, period_end=END)
