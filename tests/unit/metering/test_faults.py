"""Test the faults of an invalid usage record: each by its field, its code, and its message."""

import json
from typing import Any

import pytest

from fusion_billing import strict_json
from fusion_billing.errors import Fault, Refused
from fusion_billing.metering.field_faults import text_fault
from fusion_billing.metering.parsing import is_key, parse

ID_RULE = "must be 1 to 64 of A-Z, a-z, 0-9, '.', '_', ':' and '-'"
CODE_RULE = "must be 1 to 64 of a-z, 0-9, '_', '.' and '-'"
RECORD = {
    "idempotency_key": "k",
    "subscription": "42",
    "metric": "calls",
    "period_start": "2026-11-03T00:00:00Z",
    "period_end": "2026-11-04T00:00:00Z",
    "quantity": 1,
}


def refusal(text: str, header_key: str | None = None) -> Refused:
    """Return the refusal of a record given as JSON text."""
    with pytest.raises(Refused) as refused:
        parse(strict_json.loads(text), lambda: "made", header_key)
    return refused.value


def faults(header_key: str | None = None, **changes: Any) -> list[tuple[str, str, str]]:
    """Return the faults of a record with `changes`."""
    found = refusal(json.dumps(RECORD | changes), header_key).faults
    return [(fault.field, fault.code, fault.message) for fault in found]


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"member": 7}, "not_a_string", "must be a string"),
        ({"member": ""}, "empty", "must not be empty"),
        ({"member": "x" * 257}, "too_long", "must have at most 256 characters"),
        ({"member": "a\tb"}, "invalid_characters", "must contain printable characters only"),
        ({"idempotency_key": None}, "not_a_string", "must be a string"),
        ({"idempotency_key": ""}, "empty", "must not be empty"),
        ({"idempotency_key": "x" * 257}, "too_long", "must have at most 256 characters"),
        ({"idempotency_key": "\n"}, "invalid_characters", "must contain printable characters only"),
        ({"sequence": "1.5"}, "not_an_integer", "must be an integer"),
        ({"sequence": "X7"}, "not_an_integer", "must be an integer"),
        ({"sequence": "7-"}, "not_an_integer", "must be an integer"),
        ({"sequence": [7]}, "not_an_integer", "must be an integer"),
        ({"sequence": "-1"}, "negative", "must not be negative"),
        ({"sequence": "9" * 39}, "too_many_digits", "must have at most 38 digits"),
        ({"source": "a b"}, "invalid_identifier", ID_RULE),
        ({"source": 7}, "invalid_identifier", ID_RULE),
        ({"subscription": "a b"}, "invalid_identifier", ID_RULE),
        ({"subscription": 42}, "invalid_identifier", ID_RULE),
        ({"metric": "API"}, "invalid_identifier", CODE_RULE),
        ({"metric": None}, "invalid_identifier", CODE_RULE),
        ({"quantity": "-1"}, "negative", "must not be negative"),
        ({"period_start": "1999-12-31T23:59:59Z"}, "out_of_range", "must be in the years 2000 to 2199 (UTC)"),
        ({"period_end": "2200-01-01T00:00:00Z"}, "out_of_range", "must be in the years 2000 to 2199 (UTC)"),
        ({"period_start": 7}, "not_an_instant", "must be RFC 3339, such as 2026-11-03T00:00:00Z"),
        ({"period_end": "2026-11-04T00:00:00"}, "missing_offset", "must have a UTC offset, such as Z or +02:00"),
        ({"period_end": "2026-11-03T00:00:00Z"}, "invalid_window", "must be later than period_start"),
        ({"period_end": "2026-11-02T00:00:00Z"}, "invalid_window", "must be later than period_start"),
        ({"properties": [1]}, "not_an_object", "must be an object of strings"),
        ({"properties": {f"p{n}": "x" for n in range(33)}}, "too_many", "must have at most 32 entries"),
    ],
)
def test_an_invalid_field(changes: dict[str, Any], code: str, message: str) -> None:
    assert faults(**changes) == [(next(iter(changes)), code, message)]


NAME_RULE = "must have a name of 1 to 64 printable characters"


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"": "x"}, [("properties.", "invalid_property_name", NAME_RULE)]),
        ({"a\nb": "x"}, [("properties.a\nb", "invalid_property_name", NAME_RULE)]),
        ({"a" * 65: "x"}, [("properties." + "a" * 63 + "…", "invalid_property_name", NAME_RULE)]),
        ({"é" * 33 + "a" * 32: "x"}, [("properties." + "é" * 31 + "…", "invalid_property_name", NAME_RULE)]),
        ({"a": 7}, [("properties.a", "not_a_string", "must be a string")]),
        ({"a": "x" * 257}, [("properties.a", "too_long", "must have at most 256 characters")]),
        ({"a": "\x07"}, [("properties.a", "invalid_characters", "must contain printable characters only")]),
        (
            {"": 7, "b": None},
            [
                ("properties.", "invalid_property_name", NAME_RULE),
                ("properties.", "not_a_string", "must be a string"),
                ("properties.b", "not_a_string", "must be a string"),
            ],
        ),
        (
            {f"p{n}": n for n in range(9)},
            [(f"properties.p{n}", "not_a_string", "must be a string") for n in range(8)],
        ),
    ],
)
def test_an_invalid_property(properties: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert faults(properties=properties) == expected


def properties_of(size: int) -> dict[str, str]:
    """Return properties of `size` bytes as JSON."""
    properties = {f"p{n:02}": "é" * 100 for n in range(19)}
    properties["last"] = ""
    left = size - len(json.dumps(properties, ensure_ascii=False, separators=(",", ":")).encode())
    return properties | {"last": "x" * left}


def test_properties_are_limited_by_their_bytes_as_json() -> None:
    too_large = ("properties", "too_large", "must have at most 4096 bytes as JSON")
    assert faults(properties=properties_of(4097)) == [too_large]
    value = strict_json.loads(json.dumps(RECORD | {"properties": properties_of(4096)}))
    assert len(parse(value, lambda: "made").properties.encode()) == 4096


def test_a_name_given_twice_is_a_fault_of_the_object_that_has_it() -> None:
    text = json.dumps(RECORD)[:-1]
    (fault,) = refusal(text + ', "quantity": 2}').faults
    assert fault == Fault("quantity", "duplicate_key", "must not be given twice")
    (fault,) = refusal(text + ', "properties": {"a": "x", "a": "y"}}').faults
    assert fault == Fault("properties.a", "duplicate_key", "must not be given twice")


def test_at_most_eight_names_given_twice_are_listed() -> None:
    twice = ", ".join(f'"x{n}": 1, "x{n}": 2' for n in range(9))
    found = refusal(f"{json.dumps(RECORD)[:-1]}, {twice}}}").faults
    assert [fault.field for fault in found if fault.code == "duplicate_key"] == [f"x{n}" for n in range(8)]


def test_at_most_eight_unknown_fields_are_listed_in_order_and_all_are_counted() -> None:
    refused = refusal(json.dumps(RECORD | {f"x{n}": 1 for n in reversed(range(10))}))
    assert list(refused.faults) == [
        Fault(f"x{n}", "unknown_field", "is not a field of a usage record") for n in range(8)
    ]
    assert refused.total == 10


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 63 + "…"),
        ("é" * 32, "é" * 32),
        ("é" * 33, "é" * 31 + "…"),
        ("a\ud800", "a?"),
    ],
)
def test_an_unknown_name_is_shown_at_bounded_length_and_as_valid_text(name: str, shown: str) -> None:
    found = refusal(json.dumps(RECORD | {name: 1})).faults
    assert list(found) == [Fault(shown, "unknown_field", "is not a field of a usage record")]


def test_every_required_field_that_is_missing_is_named() -> None:
    assert list(refusal("{}").faults) == [
        Fault(field, "missing", "is required")
        for field in ("period_start", "period_end", "quantity", "subscription", "metric")
    ]


def test_all_faults_of_a_record_are_found_together() -> None:
    found = faults(
        other=1, quantity=None, metric="API", member="", sequence="x", period_end="2026-11-01T00:00:00Z", source=None
    )
    assert [(field, code) for field, code, _ in found] == [
        ("other", "unknown_field"),
        ("quantity", "not_a_number"),
        ("metric", "invalid_identifier"),
        ("sequence", "not_an_integer"),
        ("member", "empty"),
        ("period_end", "invalid_window"),
    ]


def test_a_window_is_checked_even_if_everything_else_is_missing() -> None:
    window = {"period_start": "2026-11-03T00:00:00Z", "period_end": "2026-11-02T00:00:00Z"}
    assert refusal(json.dumps(window)).faults[-1] == Fault(
        "period_end", "invalid_window", "must be later than period_start"
    )


def test_an_invalid_key_is_found_together_with_other_faults_and_each_is_counted() -> None:
    refused = refusal(json.dumps(RECORD | {"idempotency_key": "", "metric": "API"}))
    assert [(fault.field, fault.code) for fault in refused.faults] == [
        ("metric", "invalid_identifier"),
        ("idempotency_key", "empty"),
    ]
    assert refused.total == 2


def test_at_most_sixteen_faults_are_listed_and_all_are_counted() -> None:
    properties = {f"p{n}": n for n in range(12)}
    refused = refusal(json.dumps({"properties": properties, **{f"x{n}": 1 for n in range(10)}}))
    assert [fault.code for fault in refused.faults] == [
        *["unknown_field"] * 8,
        *["missing"] * 5,
        *["not_a_string"] * 3,
    ]
    assert refused.total == 10 + 5 + 12


def test_duplicate_keys_that_are_not_listed_are_counted() -> None:
    pairs = ",".join(f'"x{n}":1,"x{n}":1' for n in range(20))
    found = refusal(f"{{{pairs}}}")
    assert len(found.faults) == 16
    assert found.total == 20 + 20 + 5


def test_property_faults_that_are_not_listed_are_counted() -> None:
    found = refusal(json.dumps(RECORD | {"properties": {f"p{n}": n for n in range(32)}}))
    assert (len(found.faults), found.total) == (8, 32)
    twice = ",".join(f'"p{n}":"a","p{n}":"a"' for n in range(20))
    assert refusal(json.dumps(RECORD)[:-1] + f', "properties": {{{twice}}}}}').total == 20


def test_a_key_must_equal_the_header() -> None:
    mismatch = ("idempotency_key", "mismatch", "must equal the header Idempotency-Key")
    assert faults("other") == [mismatch]
    value = strict_json.loads(json.dumps(RECORD))
    assert parse(value, lambda: "made", "k").key == "k"


def test_a_key_that_differs_from_the_header_is_found_with_an_unknown_field() -> None:
    assert [code for _, code, _ in faults("other", extra=1)] == ["unknown_field", "mismatch"]


def test_a_key_of_the_header_is_checked_as_one_of_the_body() -> None:
    without = {name: value for name, value in RECORD.items() if name != "idempotency_key"}
    assert list(refusal(json.dumps(without), "").faults) == [Fault("idempotency_key", "empty", "must not be empty")]


@pytest.mark.parametrize("value", [None, "text", [], 7])
def test_a_record_must_be_an_object(value: object) -> None:
    assert list(refusal(json.dumps(value)).faults) == [Fault("", "not_an_object", "must be a JSON object")]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "empty"),
        ("a", None),
        ("abc", None),
        ("abcd", "too_long"),
        ("a\n", "invalid_characters"),
        (b"a", "not_a_string"),
    ],
)
def test_the_bounds_of_a_text(value: object, code: str | None) -> None:
    fault = text_fault("field", value, 3)
    assert (fault.code if fault else None) == code
    assert fault is None or fault.field == "field"


def test_a_text_may_be_empty_if_its_shortest_length_is_zero() -> None:
    assert text_fault("field", "", 3, shortest=0) is None
    assert text_fault("field", "a", 3, shortest=2) == Fault("field", "empty", "must not be empty")


@pytest.mark.parametrize(
    ("key", "valid"), [("", False), ("k", True), ("k" * 256, True), ("k" * 257, False), ("\t", False)]
)
def test_what_can_be_an_idempotency_key(key: str, valid: bool) -> None:
    assert is_key(key) is valid
