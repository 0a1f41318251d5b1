"""Test that JSON is parsed without losing a digit, and that ambiguous objects are found."""

import json

import pytest

from fusion_billing.errors import Refused
from fusion_billing.strict_json import Ambiguous, Number, first_ambiguity, loads


def test_a_number_keeps_its_digits() -> None:
    digits = "9" * 5_000
    assert loads(f'[1250.50, {digits}, 1e999999999, NaN, -Infinity, "7"]') == [
        Number("1250.50"), Number(digits), Number("1e999999999"), Number("NaN"), Number("-Infinity"), "7",
    ]  # fmt: skip


def test_a_number_is_no_string() -> None:
    number, text = loads('[7, "7"]')

    assert isinstance(number, Number)
    assert number.text == text
    assert number != text
    assert not issubclass(Number, (str, int))


def test_numbers_are_equal_if_their_digits_are() -> None:
    assert Number("7") == Number("7")
    assert Number("7") != Number("7.0")
    assert hash(Number("7")) == hash(Number("7"))
    assert len({Number("7"), "7", Number("7")}) == 2
    assert repr(Number("7")) == "Number('7')"


def test_a_number_does_not_become_a_string_when_written() -> None:
    with pytest.raises(TypeError):
        json.dumps(loads("[7]"))


def test_a_duplicate_key_is_found_in_its_object_only() -> None:
    value = loads('{"records": [{"a": 1}, {"a": 1, "b": 2, "a": 3}]}')
    assert not isinstance(value["records"][0], Ambiguous)
    assert value["records"][1].duplicates == ["a"]
    fault = first_ambiguity(value)
    assert fault is not None
    assert (fault.field, fault.code) == ("records.1.a", "duplicate_key")


def test_an_unambiguous_value_has_no_fault() -> None:
    assert first_ambiguity(loads('{"a": [{"b": 1}, null, "x"]}')) is None


def test_nesting_deeper_than_the_call_stack_is_walked() -> None:
    value: object = loads('{"a": 1, "a": 2}')
    for _ in range(20_000):
        value = [value]
    fault = first_ambiguity(value)
    assert fault is not None
    assert fault.code == "duplicate_key"
    while isinstance(value, list):  # taken apart by hand: freeing it would recurse
        value = value[0]


@pytest.mark.parametrize("body", [b"", b"{", b"{'a': 1}", b"\xff", b'{"a": 1} x', b"[" * 200_000])
def test_invalid_json_is_rejected(body: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        loads(body)
    assert refusal.value.code == "malformed_json"
