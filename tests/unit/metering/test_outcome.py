"""Every row of the outcome table, without a database."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from fusion_billing.errors import Fault
from fusion_billing.metering.outcome import Stored, conflicts, decide, sequence_is_newer
from fusion_billing.metering.usage_record import UsageRecord

PUSH = UsageRecord("k", False, "42", "api_calls", "s", "e", Decimal(10), "10")
STORED = Stored(PUSH.target, Decimal(10), None, None, 1)


@pytest.mark.parametrize(
    ("stored", "pushed", "outcome"),
    [
        (None, {}, "created"),
        ({}, {}, "unchanged"),
        ({"quantity": Decimal("10.00")}, {}, "unchanged"),
        ({"sequence": 5}, {"sequence": 1}, "unchanged"),
        ({}, {"quantity": Decimal(11)}, "updated"),
        ({"sequence": 5}, {"quantity": Decimal(11)}, "updated"),
        ({"sequence": 5}, {"quantity": Decimal(11), "sequence": 6}, "updated"),
        ({}, {"quantity": Decimal(11), "sequence": 0}, "updated"),
        ({"sequence": 5}, {"quantity": Decimal(11), "sequence": 5}, "stale"),
        ({"sequence": 5}, {"quantity": Decimal(11), "sequence": 4}, "stale"),
        ({}, {"member": "u"}, "updated"),
        ({"member": "u"}, {"member": "v"}, "updated"),
        ({"member": "u", "sequence": 5}, {"member": "v", "sequence": 4}, "stale"),
        ({}, {"subscription": "43"}, "conflict"),
        ({}, {"metric": "seats"}, "conflict"),
        ({}, {"start": "t"}, "conflict"),
        ({}, {"end": "f"}, "conflict"),
        ({}, {"properties": '{"region":"eu"}'}, "conflict"),
        ({"sequence": 5}, {"metric": "seats", "sequence": 4}, "conflict"),
    ],
)
def test_a_push_comes_to_what_the_table_says(
    stored: dict[str, object] | None, pushed: dict[str, object], outcome: str
) -> None:
    before = None if stored is None else replace(STORED, **stored)  # type: ignore[arg-type]
    assert decide(before, replace(PUSH, **pushed)) == outcome  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stored", "pushed", "newer"),
    [(None, None, False), (None, 0, True), (3, None, False), (3, 3, False), (3, 4, True), (4, 3, False)],
)
def test_a_sequence_is_newer_where_it_is_higher_or_the_first(
    stored: int | None, pushed: int | None, newer: bool
) -> None:
    assert sequence_is_newer(replace(STORED, sequence=stored), replace(PUSH, sequence=pushed)) is newer


@pytest.mark.parametrize(
    ("stored", "pushed", "outcome"),
    [
        (None, None, "updated"),
        (None, 1, "updated"),
        (3, None, "updated"),
        (3, 4, "updated"),
        (3, 3, "stale"),
        (3, 2, "stale"),
    ],
)
@pytest.mark.parametrize("quantity", [10, 11])
def test_a_voided_record_counts_again_where_the_push_is_newer(
    stored: int | None, pushed: int | None, outcome: str, quantity: int
) -> None:
    push = replace(PUSH, quantity=Decimal(quantity), sequence=pushed)
    assert decide(Stored(PUSH.target, Decimal(10), stored, None, 2, voided=True), push) == outcome


def test_a_voided_record_is_bound_to_its_target() -> None:
    assert decide(Stored("another", Decimal(10), None, None, 2, voided=True), PUSH) == "conflict"


START, END = "2026-11-03T00:00:00.000000Z", "2026-11-04T00:00:00.000000Z"


def record(**changes: str) -> UsageRecord:
    return replace(UsageRecord("k", False, "42", "calls", START, END, Decimal(1), "1"), **changes)  # type: ignore[arg-type]


def conflict(field: str, stored: str) -> Fault:
    return Fault(field, "conflict", f"the stored record has {stored}", stored=stored)


@pytest.mark.parametrize(
    ("stored", "faults"),
    [
        ({}, ()),
        ({"subscription": "41"}, (conflict("subscription", "41"),)),
        ({"metric": "seats"}, (conflict("metric", "seats"),)),
        ({"start": "2026-11-02T00:00:00.000000Z"}, (conflict("period_start", "2026-11-02T00:00:00Z"),)),
        ({"end": "2026-11-05T00:00:00.000000Z"}, (conflict("period_end", "2026-11-05T00:00:00Z"),)),
        (
            {"subscription": "41", "metric": "seats"},
            (conflict("subscription", "41"), conflict("metric", "seats")),
        ),
        ({"properties": '{"region":"eu"}'}, (conflict("properties.region", "eu"),)),
        ({"properties": '{"a#b":"c#d"}'}, (conflict("properties.a#b", "c#d"),)),
    ],
)
def test_a_conflict_names_each_field_of_the_target_that_differs(
    stored: dict[str, str], faults: tuple[Fault, ...]
) -> None:
    assert conflicts(record(**stored).target, record()) == faults


def test_a_property_that_only_the_push_has_is_a_conflict_with_none() -> None:
    assert conflicts(record().target, record(properties='{"region":"eu"}')) == (
        Fault("properties.region", "conflict", "the stored record has none", stored=None),
    )


def test_the_first_four_properties_that_differ_are_listed_in_order() -> None:
    stored = record(properties='{"a":"1","b":"2","c":"3","d":"4","e":"5","f":"6"}')
    pushed = record(properties='{"a":"0","b":"2","c":"0","d":"0","e":"0","f":"0"}')
    assert conflicts(stored.target, pushed) == tuple(
        conflict(f"properties.{name}", value) for name, value in (("a", "1"), ("c", "3"), ("d", "4"), ("e", "5"))
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 63 + "…"),
        ("é" * 32, "é" * 32),
        ("é" * 33, "é" * 31 + "…"),
    ],
)
def test_a_stored_property_is_shown_at_bounded_length(text: str, shown: str) -> None:
    by_value = record(properties=json.dumps({"a": text}, ensure_ascii=False))
    assert conflicts(by_value.target, record()) == (conflict("properties.a", shown),)
    by_name = record(properties=json.dumps({text: "1"}, ensure_ascii=False))
    assert conflicts(by_name.target, record()) == (conflict(f"properties.{shown}", "1"),)
