"""A pushed record, read: what is taken, and as what. What is refused stands in tests/integration/ingest."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing import strict_json
from fusion_billing.errors import Refused
from fusion_billing.metering.parsing import parse, readable_key
from fusion_billing.metering.usage_record import UsageRecord


def made_key() -> str:
    return "made"


def read(body: str | dict[str, Any], header_key: str | None = None) -> UsageRecord:
    """Parse JSON as ingest does."""
    text = body if isinstance(body, str) else json.dumps(body)
    return parse(strict_json.loads(text), made_key, header_key)


@pytest.fixture
def record() -> Callable[..., dict[str, Any]]:
    def make(**changes: Any) -> dict[str, Any]:
        whole = {
            "idempotency_key": "nexa:42:api_calls:2026-11-03",
            "subscription": "42",
            "metric": "api_calls",
            "period_start": "2026-11-03T00:00:00Z",
            "period_end": "2026-11-04T00:00:00Z",
            "quantity": "1250.5",
            "sequence": 7,
            "member": "user-9",
            "properties": {"region": "eu", "Zone": "ä"},
        }
        return whole | changes

    return make


Make = Callable[..., dict[str, Any]]


def test_a_whole_record_is_read_as_it_is_kept(record: Make) -> None:
    push = read(record())
    assert (push.key, push.key_made) == ("nexa:42:api_calls:2026-11-03", False)
    assert push.pair == "42#api_calls"
    assert (push.start, push.end) == ("2026-11-03T00:00:00.000000Z", "2026-11-04T00:00:00.000000Z")
    assert (push.quantity, push.number) == (Decimal("1250.5"), "1250.5")
    assert (push.sequence, push.member) == (7, "user-9")
    assert push.properties == '{"Zone":"ä","region":"eu"}'
    assert push.target == ("42#api_calls#2026-11-03T00:00:00.000000Z#2026-11-04T00:00:00.000000Z#" + push.properties)


@pytest.mark.parametrize(
    ("literal", "number"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0.0", "0"),
        ('"0"', "0"),
        ("1", "1"),
        ("1.0", "1"),
        ("1.50", "1.5"),
        ('"1.50"', "1.5"),
        ("1e3", "1000"),
        ("1E-3", "0.001"),
        ("100", "100"),
        ("0.1", "0.1"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001"),
        ("1e37", "1" + "0" * 37),
    ],
)
def test_a_quantity_keeps_every_digit(record: Make, literal: str, number: str) -> None:
    text = json.dumps(record(quantity="?")).replace('"?"', literal)
    push = read(text)
    assert push.number == number
    assert push.quantity == Decimal(number)


@given(st.decimals(min_value=0, max_value=10**18, allow_nan=False, allow_infinity=False, places=9))
def test_two_ways_of_writing_a_quantity_are_one(quantity: Decimal) -> None:
    base = {
        "subscription": "1",
        "metric": "m",
        "period_start": "2026-11-03T00:00:00Z",
        "period_end": "2026-11-04T00:00:00Z",
    }
    as_text = read({**base, "quantity": f"{quantity:f}"})
    as_number = read(json.dumps(base)[:-1] + f', "quantity": {quantity:E}}}')
    assert as_text.number == as_number.number
    assert Decimal(as_text.number) == quantity


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2026-11-03T00:00:00+00:00", "2026-11-03T00:00:00.000000Z"),
        ("2026-11-03T01:00:00+01:00", "2026-11-03T00:00:00.000000Z"),
        ("2026-11-02T19:00:00-05:00", "2026-11-03T00:00:00.000000Z"),
        ("2026-11-03t00:00:00z", "2026-11-03T00:00:00.000000Z"),
        ("2026-11-03T00:00:00.5Z", "2026-11-03T00:00:00.500000Z"),
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00.000000Z"),
    ],
)
def test_one_instant_is_kept_in_one_way(record: Make, text: str, kept: str) -> None:
    assert read(record(period_start=text)).start == kept
    assert read(record(period_start=text)).start == kept  # the second time from memory


@pytest.mark.parametrize("field", ["sequence", "member", "properties"])
def test_null_is_as_good_as_left_out(record: Make, field: str) -> None:
    without = record()
    del without[field]
    left_out, null = read(without), read(record(**{field: None}))
    assert (left_out.sequence, left_out.member, left_out.properties) == (
        null.sequence,
        null.member,
        null.properties,
    )


def test_no_properties_and_empty_ones_are_one_target(record: Make) -> None:
    assert read(record(properties={})).target == read(record(properties=None)).target


def test_a_key_of_null_is_refused_since_it_would_count_every_re_send_anew(record: Make) -> None:
    with pytest.raises(Refused) as refused:
        read(record(idempotency_key=None))
    assert [(f.field, f.code) for f in refused.value.faults] == [("idempotency_key", "not_a_string")]


def test_without_a_key_the_header_s_is_taken_and_else_one_is_made(record: Make) -> None:
    without = record()
    del without["idempotency_key"]
    assert (read(without, "from-header").key, read(without, "from-header").key_made) == ("from-header", False)
    assert (read(without).key, read(without).key_made) == ("made", True)


@pytest.mark.parametrize(("literal", "sequence"), [("0", 0), ('"7"', 7), ('"007"', 7), ("9" * 38, int("9" * 38))])
def test_a_sequence_is_a_whole_number_of_up_to_38_digits(record: Make, literal: str, sequence: int) -> None:
    assert read(json.dumps(record(sequence="?")).replace('"?"', literal)).sequence == sequence


def test_a_refused_record_uses_up_no_key(record: Make) -> None:
    def never() -> str:
        raise AssertionError("a key was made")

    without = record(quantity="-1")
    del without["idempotency_key"]
    with pytest.raises(Refused):
        parse(strict_json.loads(json.dumps(without)), never)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ({"idempotency_key": "k"}, "k"),
        ({"idempotency_key": "\ud800"}, None),
        ({"idempotency_key": strict_json.Number("7")}, None),
        ({}, None),
        ("k", None),
    ],
)
def test_the_key_of_a_refused_record_is_told_where_it_is_one(value: Any, key: str | None) -> None:
    assert readable_key(value) == key


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "idempotency_key",
                "subscription",
                "metric",
                "period_start",
                "period_end",
                "quantity",
                "sequence",
                "member",
                "properties",
                "other",
            ]
        ),
        _JSON,
    )
)
def test_whatever_is_sent_is_read_or_refused_and_nothing_else(value: dict[str, Any]) -> None:
    try:
        read(value)
    except Refused as refused:
        json.dumps([f.field for f in refused.faults]).encode()


LIMITS = [
    ({"member": "x" * 256}, None),
    ({"member": "x" * 257}, ("member", "too_long")),
    ({"member": ""}, ("member", "empty")),
    ({"member": "a\tb"}, ("member", "invalid_characters")),
    ({"member": 7}, ("member", "not_a_string")),
    ({"idempotency_key": "x" * 256}, None),
    ({"idempotency_key": "x" * 257}, ("idempotency_key", "too_long")),
    ({"sequence": 0}, None),
    ({"sequence": "7"}, None),
    ({"sequence": -1}, ("sequence", "negative")),
    ({"sequence": 1.5}, ("sequence", "not_an_integer")),
    ({"sequence": "--1"}, ("sequence", "not_an_integer")),
    ({"sequence": True}, ("sequence", "not_an_integer")),
    ({"sequence": "9" * 38}, None),
    ({"sequence": "9" * 39}, ("sequence", "too_many_digits")),
    ({"properties": {}}, None),
    ({"properties": {"a": ""}}, None),
    ({"properties": {"a" * 64: "x" * 256}}, None),
    ({"properties": {"a" * 65: "x"}}, (f"properties.{'a' * 63}…", "invalid_property_name")),
    ({"properties": {"a": "x" * 257}}, ("properties.a", "too_long")),
    ({"properties": {"a": 7}}, ("properties.a", "not_a_string")),
    ({"properties": {f"p{n}": "x" for n in range(32)}}, None),
    ({"properties": {f"p{n}": "x" for n in range(33)}}, ("properties", "too_many")),
    ({"properties": {f"p{n:02}": "x" * 250 for n in range(16)}}, ("properties", "too_large")),
    ({"properties": [1]}, ("properties", "not_an_object")),
    ({"source": "a" * 65}, ("source", "invalid_identifier")),
    ({"subscription": "a" * 65}, ("subscription", "invalid_identifier")),
    ({"subscription": 42}, ("subscription", "invalid_identifier")),
    ({"metric": "API"}, ("metric", "invalid_identifier")),
    ({"period_start": "2000-01-01T00:00:00Z"}, None),
    ({"period_start": "1999-12-31T23:59:59Z"}, ("period_start", "out_of_range")),
    ({"period_end": "2199-12-31T23:59:59Z"}, None),
    ({"period_end": "2200-01-01T00:00:00Z"}, ("period_end", "out_of_range")),
]


@pytest.mark.parametrize(("changes", "fault"), LIMITS)
def test_the_limits_of_each_field(changes: dict[str, Any], fault: tuple[str, str] | None) -> None:
    record = {
        "idempotency_key": "k",
        "subscription": "42",
        "metric": "calls",
        "period_start": "2026-11-03T00:00:00Z",
        "period_end": "2026-11-04T00:00:00Z",
        "quantity": 1,
    }
    value = strict_json.loads(json.dumps(record | changes))
    if fault is None:
        assert parse(value, lambda: "made").subscription == "42"
        return
    with pytest.raises(Refused) as refused:
        parse(value, lambda: "made")

    assert [(found.field, found.code) for found in refused.value.faults] == [fault]
