"""Nothing is rounded before the amount is: averages, quotients and weights stay what they are."""

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.decimals import EXACT
from fusion_billing.rating import estimate, exact
from fusion_billing.rating.exact import Ratio, in_words, quotient, readable, to_currency


def per_unit(amount: str, **more: Any) -> dict[str, Any]:
    return {"currency": "EUR", "model": {"type": "per_unit", "unit_amount": amount}} | more


def divided(factor: str, rounding: str = "none") -> dict[str, Any]:
    return {"unit_conversion": {"operation": "divide", "factor": factor, "rounding": rounding}}


def test_a_tie_of_an_average_is_a_tie() -> None:
    records = [{"quantity": "1201"}, *[{"quantity": "0"}] * 6]
    answer = estimate(per_unit("0.175"), metric={"aggregation": "average"}, records=records)
    assert (answer["amount"], answer["unrounded_amount"]) == ("30.03", "30.025")


@pytest.mark.parametrize(
    ("units", "factor", "price", "amount"),
    [
        ("1200", "3600", "0.045", "0.02"),  # 0.015
        ("1", "3", "0.015", "0.01"),  # 0.005
        ("7", "7000000", "5000", "0.01"),  # 0.005
        ("10", "3", "0.0045", "0.02"),  # 0.015
    ],
)
def test_a_tie_of_a_conversion_is_a_tie(units: str, factor: str, price: str, amount: str) -> None:
    assert estimate(per_unit(price, **divided(factor)), units=units)["amount"] == amount


def test_a_tie_of_a_level_s_share_of_the_time_is_a_tie() -> None:
    windows = [("7", "01", "02"), ("0", "02", "08")]
    records = [
        {
            "quantity": quantity,
            "period_start": f"2026-11-{start}T00:00:00Z",
            "period_end": f"2026-11-{end}T00:00:00Z",
        }
        for quantity, start, end in windows
    ]
    answer = estimate(per_unit("0.025"), metric={"aggregation": "time_weighted"}, records=records)
    assert answer["amount"] == "0.03"


def test_packages_tiers_and_percentages_are_of_the_exact_quotient() -> None:
    package = {"type": "package", "package_size": "0.1", "package_amount": "1"}
    third = divided("3")
    assert estimate({"currency": "EUR", "model": package, **third}, units="0.3")["amount"] == "1.00"
    assert estimate({"currency": "EUR", "model": package, **third}, units="1")["amount"] == "4.00"
    rows = [{"up_to": "3", "unit_amount": "3"}, {"up_to": None, "unit_amount": "0.3"}]
    tiers = {"currency": "EUR", "model": {"type": "graduated", "tiers": rows}, **third}
    assert estimate(tiers, units="9")["unrounded_amount"] == "9"
    assert estimate(tiers, units="10")["unrounded_amount"] == "9.1"
    share = {"type": "percentage", "rate_percent": "30", "record_minimum": "0.1"}
    records = [{"quantity": "1"}, {"quantity": "2"}]
    assert estimate({"currency": "EUR", "model": share, **third}, records=records)["unrounded_amount"] == "0.3"


def test_a_sentence_has_few_digits_of_a_number_that_does_not_end() -> None:
    answer = estimate(per_unit("0.3", **divided("3")), units="2")
    assert answer["steps"][-1]["description"] == "0.666667 units at 0.3 each"
    assert answer["units"] == "0." + "6" * 37 + "7"
    assert answer["unrounded_amount"] == "0.2"


decimals = st.decimals(-(10**9), 10**9, places=6, allow_nan=False)
positive = st.decimals(Decimal("0.000001"), 10**6, places=6, allow_nan=False)


@given(decimals, positive, decimals)
def test_ratios_and_decimals_calculate_as_fractions_do(one: Decimal, other: Decimal, more: Decimal) -> None:
    with localcontext(EXACT):
        number = Ratio(quotient(one, other))
        as_fraction = Fraction(one) / Fraction(other)
        assert number + more == more + number == as_fraction + Fraction(more)
        assert number - more == -(more - number) == as_fraction - Fraction(more)
        assert number * more == more * number == as_fraction * Fraction(more)
        assert (number < more) == (as_fraction < Fraction(more))
        assert max(number, more) == max(as_fraction, Fraction(more))
        assert isinstance(number + more, Ratio)


@given(decimals, positive)
def test_a_quotient_is_exact_and_read_to_thirty_eight_digits(one: Decimal, other: Decimal) -> None:
    number = quotient(one, other)
    assert Fraction(number) == Fraction(one) / Fraction(other)
    assert abs(Fraction(readable(number)) - Fraction(number)) <= Fraction(1, 2 * 10**38)


@given(positive, positive, st.sampled_from(["up", "down", "half_up"]), st.integers(-3, 5))
def test_a_ratio_is_rounded_as_a_decimal_is(one: Decimal, other: Decimal, mode: Any, digits: int) -> None:
    assert exact.rounded(Ratio(one), mode, digits) == exact.rounded(one, mode, digits)
    assert to_currency(Ratio(one), "USD") == to_currency(one, "USD")
    assert to_currency(-Ratio(one), "USD") == to_currency(-one, "USD")
    step = Fraction(10) ** -digits
    off = Fraction(exact.rounded(quotient(one, other), mode, digits)) - Fraction(one) / Fraction(other)
    none = Fraction(0)
    low, high = {"up": (none, step), "down": (-step, none), "half_up": (-step / 2, step / 2)}[mode]
    assert low <= off <= high


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (Decimal("1.50"), "1.5"),
        (Ratio(1, 3), "0.333333"),
        (Ratio(1, 3 * 10**9), "0.000000000333333"),
        (Ratio(5, 2), "2.5"),
        (Ratio(4, 2), "2"),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
    ],
)
def test_numbers_in_words(number: Decimal | Ratio, words: str) -> None:
    assert in_words(number) == words
