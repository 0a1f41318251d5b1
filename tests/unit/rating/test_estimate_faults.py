"""What is said of each fault in an estimate's records and units, word for word."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing import strict_json
from fusion_billing.errors import Fault, Refused
from fusion_billing.rating import estimate
from fusion_billing.rating.estimate_input import Span, parsed_decimal, parsed_records

CHARGE = {"currency": "USD", "model": {"type": "per_unit", "unit_amount": "1"}}
FIRST, SECOND = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
END_OF_TIME = "9999-12-31T23:59:59.999999Z"
MISSING_START = Fault("records.0.period_start", "missing", "is required with period_end")
MISSING_END = Fault("records.0.period_end", "missing", "is required if records are weighted by time")
NO_WINDOW = Fault("records.0.period_end", "invalid_window", "must be after period_start")
NO_STRINGS = Fault("records.0.properties", "not_a_string", "must be an object whose values are strings")


def _faults(records: object, *, windows: bool = False) -> list[Fault]:
    found: list[Fault] = []
    parsed_records(records, found, windows=windows)
    return found


@pytest.mark.parametrize("records", [{}, "1", 5, None])
def test_records_are_a_list(records: object) -> None:
    assert _faults(records) == [Fault("records", "not_a_list", "must be a list")]


@pytest.mark.parametrize(
    ("record", "faults"),
    [
        (5, [Fault("records.0", "not_an_object", "must be a JSON object")]),
        ({}, [Fault("records.0.quantity", "missing", "is required")]),
        ({"quantity": None}, [Fault("records.0.quantity", "missing", "is required")]),
        (
            {"quantity": "1", "amount": "1", 7: "x"},
            [Fault(f"records.0.{name}", "unknown_field", "is not a field of a record") for name in ("amount", "7")],
        ),
        (
            strict_json.loads('{"quantity": 1, "quantity": 2}'),
            [Fault("records.0.quantity", "duplicate_key", "must not be given twice")],
        ),
        ({"quantity": "1", "period_end": FIRST}, [MISSING_START]),
        ({"quantity": "1", "period_start": FIRST, "period_end": FIRST}, [NO_WINDOW]),
        ({"quantity": "1", "period_start": SECOND, "period_end": FIRST}, [NO_WINDOW]),
        (
            {"quantity": "1", "period_start": END_OF_TIME},
            [Fault("records.0.period_start", "out_of_range", "must be before the last instant of 9999")],
        ),
        ({"quantity": "1", "member": 5}, [Fault("records.0.member", "not_a_string", "must be a string")]),
        (
            {"quantity": "1", "properties": ["a"]},
            [Fault("records.0.properties", "not_an_object", "must be an object of strings")],
        ),
        ({"quantity": "1", "properties": {"a": "b", "c": 1}}, [NO_STRINGS]),
    ],
)
def test_a_fault_of_a_record_names_its_field(record: object, faults: list[Fault]) -> None:
    assert _faults([record]) == faults


@pytest.mark.parametrize("field", ["period_start", "period_end"])
def test_a_time_that_can_not_be_read_is_the_only_fault_of_its_field(field: str) -> None:
    window = {"period_start": FIRST, "period_end": SECOND, field: "soon"}
    faults = _faults([{"quantity": "1", **window}], windows=True)
    assert [(fault.field, fault.code) for fault in faults] == [(f"records.0.{field}", "not_an_instant")]


@pytest.mark.parametrize(
    ("window", "windows", "faults"),
    [
        ({}, True, []),
        ({"period_start": FIRST}, False, []),
        ({"period_start": FIRST}, True, [MISSING_END]),
        ({"period_start": FIRST, "period_end": SECOND}, True, []),
    ],
)
def test_a_window_once_begun_must_end_where_records_are_weighted_by_time(
    window: dict[str, str], windows: bool, faults: list[Fault]
) -> None:
    assert _faults([{"quantity": "1", **window}], windows=windows) == faults


def test_faults_are_numbered_by_record_and_the_others_are_read() -> None:
    found: list[Fault] = []
    records = [
        {"quantity": "1"},
        5,
        {"quantity": "x", "member": "ann"},
        {},
        {"quantity": "2", "properties": {"a": "b"}},
    ]
    spans = parsed_records(records, found, windows=False)
    assert [(fault.field, fault.code) for fault in found] == [
        ("records.1", "not_an_object"),
        ("records.2.quantity", "not_a_number"),
        ("records.3.quantity", "missing"),
    ]
    assert spans == [
        Span("000000000", None, None, Decimal(1), None, None),
        Span("000000002", None, None, Decimal(0), "ann", None),
        Span("000000004", None, None, Decimal(2), None, {"a": "b"}),
    ]


def test_a_record_is_read_with_all_its_fields() -> None:
    record = {
        "quantity": "1.5",
        "period_start": FIRST,
        "period_end": SECOND,
        "member": "ann",
        "properties": {"region": "eu"},
    }
    found: list[Fault] = []
    first, second = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    spans = parsed_records((record,), found, windows=True)
    assert spans == [Span("000000000", first, second, Decimal("1.5"), "ann", {"region": "eu"})]
    assert found == []


def test_a_quantity_that_is_none_is_zero_and_a_fault() -> None:
    found: list[Fault] = []
    assert parsed_decimal("1.5", "units", found) == Decimal("1.5")
    assert found == []
    assert parsed_decimal("x", "units", found) == 0
    assert [(fault.field, fault.code) for fault in found] == [("units", "not_a_number")]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, Fault("units", "missing", "is required unless records are given")),
        ({"units": "1", "records": []}, Fault("units", "mutually_exclusive", "can't be given together with records")),
    ],
)
def test_units_or_records_are_given(given: dict[str, Any], fault: Fault) -> None:
    with pytest.raises(Refused) as refused:
        estimate(CHARGE, **given)
    assert list(refused.value.faults) == [fault]
