"""Test that numbers are parsed exactly, within bounds, and written in plain notation."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.decimals import EXACT, MAX_DIGITS, parse_decimal, plain
from fusion_billing.errors import Refused
from fusion_billing.strict_json import Number

NINES = "9" * MAX_DIGITS


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ("12.5", "12.5"),
        ("1250.50", "1250.5"),
        ("10", "10"),
        ("1e3", "1000"),
        ("0", "0"),
        ("-0", "0"),
        ("0.000", "0"),
        ("0e999999999", "0"),
        (7, "7"),
        (Decimal("1.10"), "1.1"),
        (Number("2.50"), "2.5"),
        (NINES, NINES),
        ("0." + "0" * 37 + "1", "0." + "0" * 37 + "1"),
        ("1." + "0" * 60, "1"),
    ],
)
def test_a_number_is_parsed_exactly_and_written_in_plain_notation(given_value: object, expected: str) -> None:
    assert plain(parse_decimal(given_value)) == expected


@pytest.mark.parametrize(
    ("given_value", "code"),
    [
        ("abc", "not_a_number"),
        ("", "not_a_number"),
        (" 1", "not_a_number"),
        ("1_000", "not_a_number"),
        ("1,5", "not_a_number"),
        ("0x10", "not_a_number"),
        ("٣", "not_a_number"),
        (1.5, "not_a_number"),
        (True, "not_a_number"),
        (None, "not_a_number"),
        ([], "not_a_number"),
        ("NaN", "not_finite"),
        ("sNaN", "not_finite"),
        ("Infinity", "not_finite"),
        ("-Infinity", "not_finite"),
        (Number("Infinity"), "not_finite"),
        ("1e999999999", "too_many_digits"),
        ("1e99999999999999999999", "too_many_digits"),
        ("1e-39", "too_many_digits"),
        ("1e38", "too_many_digits"),
        ("9" + NINES, "too_many_digits"),
        ("9" * 5_000, "too_many_digits"),
        ("9" * 100_000, "too_many_digits"),
        ("1" + "0" * 5_000, "too_many_digits"),
        ("-1", "negative"),
        (-1, "negative"),
    ],
)
def test_an_invalid_number_is_rejected_with_a_code(given_value: object, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse_decimal(given_value, "quantity")
    (fault,) = refusal.value.faults
    assert (fault.field, fault.code) == ("quantity", code)


def test_a_negative_number_is_accepted_only_if_allowed() -> None:
    assert parse_decimal("-1.5", negative=True) == Decimal("-1.5")


@given(st.integers(0, 10**MAX_DIGITS - 1), st.integers(-MAX_DIGITS, 0))
def test_a_written_number_is_parsed_as_the_same_number(coefficient: int, exponent: int) -> None:
    number = Decimal(coefficient).scaleb(exponent, EXACT)
    assert parse_decimal(plain(number)) == number


@given(st.decimals(allow_nan=True, allow_infinity=True).map(str) | st.text(max_size=40))
def test_any_text_is_either_a_bounded_number_or_rejected(text: str) -> None:
    try:
        number = parse_decimal(text, negative=True)
    except Refused:
        return
    assert number.is_finite()
    assert len(number.as_tuple().digits) <= MAX_DIGITS
