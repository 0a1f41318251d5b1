"""A period's price spans as they are priced: cut to the subscription's life, merged, weighed by time."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from fusion_billing.catalog.charge import Charge
from fusion_billing.rating.exact import ONE
from fusion_billing.rating.price_spans import PriceSpan, of_versions
from fusion_billing.rating.timeline import Interval, Part, timeline
from tests.unit.rating.conftest import DAY, START, make_charge

END = START + 30 * DAY
WHOLE = Interval(START, END)


def _charge(price: str = "1", **more: Any) -> Charge:
    return make_charge({"type": "per_unit", "unit_amount": price}, **more)


def _spans(*parts: tuple[float, float, Charge | None]) -> list[PriceSpan]:
    return [PriceSpan(START + first * DAY, START + last * DAY, charge) for first, last, charge in parts]


def _days(part: Part) -> tuple[int, int]:
    return (part.start - START) // DAY, (part.end - START) // DAY


def test_one_price_throughout_is_whole_and_has_no_words() -> None:
    charge = _charge(prorate=True)
    (part,) = timeline(_spans((0, 30, charge)), WHOLE, WHOLE, "UTC")
    assert part == Part(START, END, charge)
    assert (part.label, part.weighed_label) == ("", "")


def test_two_prices_are_weighed_by_their_days() -> None:
    first, then = _charge("1"), _charge("2")
    parts = timeline(_spans((0, 12, first), (12, 30, then)), WHOLE, WHOLE, "UTC")
    assert [(_days(part), part.charge, part.weight, part.fee_share) for part in parts] == [
        ((0, 12), first, Decimal("0.4"), ONE),
        ((12, 30), then, Decimal("0.6"), ONE),
    ]
    assert [(part.dates, part.weight_words, part.fee_words) for part in parts] == [
        ("1 to 12 November", "12 of 30 days", ""),
        ("13 to 30 November", "18 of 30 days", ""),
    ]
    assert (parts[0].label, parts[0].weighed_label) == ("1 to 12 November: ", "1 to 12 November, 12 of 30 days: ")


@pytest.mark.parametrize(
    ("prorate", "weight", "words", "fee_share", "fee_words"),
    [
        (False, "1", "", "1", ""),
        (True, "0.5", "15 of 30 days", "0.5", "15 of 30 days"),
    ],
)
def test_a_life_cut_short_counts_only_against_what_is_prorated(
    prorate: bool, weight: str, words: str, fee_share: str, fee_words: str
) -> None:
    lived = Interval(START + 15 * DAY, END)
    (part,) = timeline(_spans((0, 30, _charge(prorate=prorate))), WHOLE, lived, "UTC")
    assert _days(part) == (15, 30)
    assert (part.weight, part.fee_share) == (Decimal(weight), Decimal(fee_share))
    assert (part.dates, part.weight_words, part.fee_words) == ("", words, fee_words)
    assert part.weighed_label == (f"{words}: " if words else "")


def test_fees_are_due_for_all_the_time_in_which_the_charge_applies() -> None:
    first, then = _charge("1", prorate=True), _charge("2", prorate=True)
    parts = timeline(_spans((0, 10, first), (10, 20, None), (20, 30, then)), WHOLE, WHOLE, "UTC")
    assert [(_days(part), part.fee_share, part.fee_words) for part in parts] == [
        ((0, 10), Fraction(2, 3), "20 of 30 days"),
        ((20, 30), Fraction(2, 3), "20 of 30 days"),
    ]
    assert [part.weight for part in parts] == [Fraction(1, 3)] * 2
    assert [part.dates for part in parts] == ["1 to 10 November", "21 to 30 November"]


def test_empty_spans_and_those_outside_the_life_are_left_out() -> None:
    first, then = _charge("1"), _charge("2")
    lived = Interval(START + 10 * DAY, START + 20 * DAY)
    spans = _spans((0, 10, then), (10, 10, then), (10, 20, first), (20, 30, then))
    assert [(_days(part), part.charge) for part in timeline(spans, WHOLE, lived, "UTC")] == [((10, 20), first)]


def test_neighbors_of_one_price_are_one_part_and_the_later_names_it() -> None:
    first, renamed, other = _charge("1"), _charge("1", name="Renamed"), _charge("2")
    spans = _spans((0, 10, first), (10, 15, renamed), (15, 20, None), (20, 25, None), (25, 30, other))
    parts = timeline(spans, WHOLE, WHOLE, "UTC")
    assert [(_days(part), part.charge) for part in parts] == [((0, 15), renamed), ((25, 30), other)]


@pytest.mark.parametrize(
    "change",
    [
        {"included_units": "1"},
        {"filters": [{"properties": {"a": ["b"]}, "model": {"type": "per_unit", "unit_amount": "1"}}]},
        {"group_by": ["a"]},
        {"unit_conversion": {"operation": "divide", "factor": "2"}},
        {"minimum_amount": "1"},
        {"maximum_amount": "1"},
        {"prorate": True},
        {"currency": "EUR"},
    ],
)
def test_whatever_prices_usage_makes_another_price(change: dict[str, Any]) -> None:
    spans = _spans((0, 10, _charge()), (10, 30, _charge(**change)))
    assert [_days(part) for part in timeline(spans, WHOLE, WHOLE, "UTC")] == [(0, 10), (10, 30)]


def test_an_interval_that_ends_before_it_starts_has_no_length() -> None:
    assert WHOLE.length == 30 * DAY
    assert Interval(END, START).length == 0 * DAY


def test_versions_make_spans_from_the_first_one_that_is_valid() -> None:
    first = _charge("1")
    then = _charge("2", valid_from="2026-11-11T00:00:00Z")
    late = _charge("3", valid_from="2026-12-01T00:00:00Z")
    assert of_versions([late, then, first], START, END) == _spans((0, 10, first), (10, 30, then))
    assert of_versions([then], START, END) == _spans((0, 10, None), (10, 30, then))
    assert of_versions([late], START, END) == []
    assert of_versions([late], START + 30 * DAY, END + DAY) == _spans((30, 31, late))
