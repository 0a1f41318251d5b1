"""ISO 4217 digits, and rounding to them."""

from decimal import Decimal

import pytest

from fusion_billing.currencies import DIGITS, digits_of, rounded, with_digits
from fusion_billing.errors import Refused


@pytest.mark.parametrize(
    ("currency", "digits"),
    [
        ("USD", 2),
        ("EUR", 2),
        ("JPY", 0),
        ("KRW", 0),
        ("ISK", 0),
        ("KWD", 3),
        ("TND", 3),
        ("CLF", 4),
        ("UYW", 4),
    ],
)
def test_each_currency_has_its_digits(currency: str, digits: int) -> None:
    assert digits_of(currency) == digits


def test_every_code_is_three_capitals() -> None:
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in DIGITS)
    assert len(DIGITS) == 167  # one listed twice would go unseen otherwise


@pytest.mark.parametrize("code", ["XXX", "XAU", "usd", "DEM", ""])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(Refused) as refusal:
        digits_of(code, "charge.currency")
    assert [(fault.field, fault.code) for fault in refusal.value.faults] == [("charge.currency", "unknown_currency")]


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1.005", "USD", "1.01"),
        ("1.00499999", "USD", "1.00"),
        ("-1.005", "USD", "-1.01"),
        ("-0.001", "USD", "0.00"),
        ("0.5", "JPY", "1"),
        ("1.0005", "KWD", "1.001"),
        ("9" * 60 + ".995", "USD", "1" + "0" * 60 + ".00"),
    ],
)
def test_a_tie_goes_away_from_zero(amount: str, currency: str, text: str) -> None:
    assert with_digits(rounded(Decimal(amount), currency), currency) == text
