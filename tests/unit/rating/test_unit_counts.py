"""How one price counts the units of records, and what steps say of it."""

from decimal import Decimal, localcontext
from typing import Any

import pytest

from fusion_billing.catalog.charge import Charge
from fusion_billing.decimals import EXACT
from fusion_billing.rating.exact import Ratio
from fusion_billing.rating.timeline import Interval
from fusion_billing.rating.unit_counts import UnitCount, UnitCounter
from tests.unit.rating.conftest import DAY, START, make_charge, make_metric, make_record

RECORDS = [make_record("7", 0), make_record("0", 1), make_record("5", 2)]
EACH = {"type": "per_unit", "unit_amount": "1"}
PERCENT = {"type": "percentage", "rate_percent": "1"}


def _counter(aggregation: str = "sum", **more: Any) -> UnitCounter:
    return UnitCounter(make_metric(aggregation, **more), Interval(START, START + 30 * DAY))


def _count(counter: UnitCounter, charge: Charge, number: int = 3) -> UnitCount:
    with localcontext(EXACT):
        return counter.count(charge, charge.model, RECORDS[:number])


@pytest.mark.parametrize(
    ("aggregation", "model", "number", "count"),
    [
        ("sum", EACH, 3, UnitCount(3, Decimal(12), [Decimal(12)], [Decimal(12)])),
        ("count", EACH, 3, UnitCount(3, Decimal(3), [Decimal(3)], [Decimal(3)])),
        ("average", EACH, 3, UnitCount(3, Decimal(4), [Decimal(4)], [Decimal(4)])),
        ("time_weighted", EACH, 3, UnitCount(3, Decimal("0.4"), [Decimal("0.4")], [Decimal("0.4")])),
        ("max", PERCENT, 3, UnitCount(3, Decimal(7), [Decimal(7)], [Decimal(7)])),
        ("sum", EACH, 0, UnitCount(0, Decimal(0), [], [Decimal(0)])),
        ("sum", PERCENT, 3, UnitCount(3, Decimal(12), [Decimal(7), Decimal(0), Decimal(5)], [])),
        ("count", PERCENT, 3, UnitCount(3, Decimal(3), [Decimal(1)] * 3, [])),
        ("sum", PERCENT, 0, UnitCount(0, Decimal(0), [], [])),
    ],
)
def test_records_are_counted_together_or_each_by_itself(
    aggregation: str, model: dict[str, Any], number: int, count: UnitCount
) -> None:
    assert _count(_counter(aggregation), make_charge(model), number) == count


def test_the_stages_are_the_aggregate_then_what_it_is_converted_and_rounded_to() -> None:
    halves = make_charge(EACH, unit_conversion={"operation": "divide", "factor": "5"})
    counter = _counter(rounding={"mode": "up", "digits": 0})
    assert _count(counter, halves).stages == [Decimal(12), Decimal("2.4"), Decimal(3)]
    assert _count(counter, make_charge(EACH)).stages == [Decimal(12), Decimal(12)]
    each = make_charge(PERCENT, unit_conversion={"operation": "divide", "factor": "5"})
    assert _count(counter, each) == UnitCount(3, Decimal(3), [Decimal(2), Decimal(0), Decimal(1)], [])


@pytest.mark.parametrize(
    ("included", "billable", "portions"),
    [
        ("0", "12", ["7", "0", "5"]),
        ("3", "9", ["4", "0", "5"]),
        ("7", "5", ["5"]),  # a record of zero is covered too while units are left, or none are
        ("8", "4", ["4"]),
        ("12", "0", []),
        ("20", "0", []),
    ],
)
def test_included_units_come_off_the_first_portions(included: str, billable: str, portions: list[str]) -> None:
    count = UnitCount(3, Decimal(12), [Decimal(7), Decimal(0), Decimal(5)], [])
    usage = count.usage(Decimal(included))
    assert usage.billable == Decimal(billable)
    expected = [Decimal(portion) for portion in portions]
    assert usage.portions == (expected if included != "7" else [Decimal(0), *expected])
    assert (usage.before, usage.total) == (None, None)


def _words(counter: UnitCounter, charge: Charge, number: int, before: int | None = None) -> list[tuple[object, ...]]:
    now = _count(counter, charge, number)
    with localcontext(EXACT):
        notes = counter.notes(charge, now, None if before is None else _count(counter, charge, before))
    assert all(not step.amount and not step.unit_amount for step in notes)
    return [(step.description, step.units) for step in notes]


@pytest.mark.parametrize(
    ("aggregation", "number", "before", "notes"),
    [
        ("sum", 0, None, []),
        ("sum", 1, None, []),
        ("sum", 2, None, [("2 records, added up", 7)]),
        ("sum", 3, 1, [("2 records, added up", 5)]),
        ("sum", 3, 2, []),
        ("count", 1, None, [("1 record, counted", 1)]),
        ("count", 3, 2, [("1 record, counted", 1)]),
        ("max", 0, None, [("0 records, the largest taken", 0)]),
        ("average", 3, None, [("3 records, averaged", 4)]),
    ],
)
def test_notes_tell_of_the_records_that_came_since(
    aggregation: str, number: int, before: int | None, notes: list[tuple[object, ...]]
) -> None:
    assert _words(_counter(aggregation), make_charge(EACH), number, before) == notes


def test_notes_tell_of_each_stage_what_came_since() -> None:
    thirds = make_charge(EACH, unit_conversion={"operation": "divide", "factor": "3"})
    counter = _counter(rounding={"mode": "down", "digits": 1})
    assert _words(counter, thirds, 1) == [("Divided by 3", Ratio(7, 3)), ("Rounded down to 1 digit", Decimal("2.3"))]
    assert _words(counter, thirds, 3, 1) == [
        ("2 records, added up", Decimal(5)),
        ("Divided by 3", Ratio(5, 3)),
        ("Rounded down to 1 digit", Decimal("1.7")),
    ]


def test_records_that_are_counted_by_themselves_have_no_notes() -> None:
    assert _words(_counter("count"), make_charge(PERCENT), 3) == []
