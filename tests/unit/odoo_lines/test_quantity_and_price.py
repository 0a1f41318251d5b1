"""Quantity and price as Odoo can hold them: the subtotal is the amount, or quantity 1 is."""

import math
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fusion_billing.odoo_lines.quantity_and_price import (
    Part,
    Precision,
    QuantityAndPrice,
    Unrepresentable,
    comes_out,
    one_at_amount,
    quantity_and_price,
)


def the_shape(amount: str, *parts: tuple[str, str], precision: Precision | None = None) -> QuantityAndPrice:
    made = [Part(Decimal(units), Decimal(price)) for units, price in parts]
    return quantity_and_price(Decimal(amount), made, precision or Precision())


@pytest.mark.parametrize(
    ("amount", "units", "price"),
    [
        ("1.00", "250", "0.004"),
        ("0.15", "1200", "0.000125"),
        ("49382715.60", "123456789000", "0.0004"),
        ("15.00", "1500", "0.01"),
        ("-1.00", "250", "-0.004"),
    ],
)
def test_units_times_price_is_used_where_it_comes_out(amount: str, units: str, price: str) -> None:
    made = the_shape(amount, (units, price))
    assert (made.quantity, made.price, made.kind) == (Decimal(units), Decimal(price), "units")


@pytest.mark.parametrize(
    ("why", "amount", "parts"),
    [
        ("the quantity has three digits", "4.94", [("1234.567", "0.004")]),
        ("the product is another amount", "1.01", [("250", "0.004")]),
        ("the product has digits below the cent, which an invoice adds up", "9.95", [("2.5", "3.9799")]),
        ("it is a tie, which doubles may round either way", "0.01", [("5", "0.001")]),
        ("a double can't hold the price", "1.00", [("3", "0.33333333333333333333")]),
        ("a double can't hold the quantity", "1.00", [("10000000000000001", "0.0000000000000001")]),
        ("there are two prices", "3.00", [("100", "0.01"), ("100", "0.02")]),
        ("there is no price", "3.00", []),
        ("a negative quantity is never invoiced", "-1.00", [("-250", "0.004")]),
    ],
)
def test_else_it_is_one_at_the_amount(why: str, amount: str, parts: list[tuple[str, str]]) -> None:
    assert the_shape(amount, *parts) == QuantityAndPrice(Decimal(1), Decimal(amount), "amount"), why


def test_parts_that_cost_nothing_do_not_count() -> None:
    assert the_shape("1.00", ("1000", "0"), ("250", "0.004")).kind == "units"


def test_nothing_owed_is_a_quantity_of_zero() -> None:
    assert the_shape("0.00", ("1000", "0")) == QuantityAndPrice(Decimal(0), Decimal(0), "nothing")


def test_a_price_that_the_database_would_round_is_not_used() -> None:
    assert the_shape("1.00", ("250", "0.004"), precision=Precision(price=2)).kind == "amount"
    assert the_shape("1.00", ("250", "0.004"), precision=Precision(price=3)).kind == "units"


def test_a_quantity_of_more_digits_is_used_where_the_database_keeps_them() -> None:
    assert the_shape("4.94", ("1235.000", "0.004"), precision=Precision(quantity=3)).kind == "units"
    assert the_shape("4.93", ("1232.500", "0.004"), precision=Precision(quantity=1)).kind == "units"
    assert the_shape("4.93", ("1232.500", "0.004"), precision=Precision(quantity=0)).kind == "amount"


def test_three_digits_of_a_currency_need_prices_of_three_digits() -> None:
    dinars = Precision(price=2, currency=3)
    with pytest.raises(Unrepresentable, match="Product Price"):
        the_shape("1.234", precision=dinars)
    assert the_shape("1.230", precision=dinars).price == Decimal("1.23")


@pytest.mark.parametrize("amount", ["9007199254740993.01", "12345678901234.567", "1688850000000"])
def test_an_amount_that_no_double_holds_is_told_and_not_sent(amount: str) -> None:
    with pytest.raises(Unrepresentable):
        one_at_amount(Decimal(amount), Precision(currency=3))


def odoo_rounds(value: float, digits: int) -> float:  # what the server computes with
    factor = 10.0**-digits
    normal = value / factor
    if not normal:
        return 0.0
    wake_up = 2.0 ** (math.log2(abs(normal)) - 52)
    return math.copysign(math.floor(abs(normal) + wake_up + 0.5), normal) * factor


@example(Decimal(10) ** 12, Decimal("1.688850"), 3)
@given(
    st.decimals(min_value="0.01", max_value="1e12", places=2),
    st.decimals(min_value="0.000001", max_value="1e4", places=6),
    st.sampled_from([0, 2, 3]),
)
def test_what_we_take_for_exact_is_exact_in_doubles_too(units: Decimal, price: Decimal, digits: int) -> None:
    amount = (units * price).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    try:
        made = quantity_and_price(amount, [Part(units, price)], Precision(currency=digits))
    except Unrepresentable:
        return
    subtotal = odoo_rounds(float(made.quantity) * float(made.price), digits)
    assert Decimal(repr(subtotal)).quantize(Decimal(1).scaleb(-digits)) == amount


@given(
    st.lists(
        st.tuples(
            st.decimals(min_value="0.01", max_value="1e5", places=2),
            st.decimals(min_value="0.000001", max_value="1e3", places=6),
            st.booleans(),
        ),
        min_size=1,
        max_size=40,
    ),
    st.sampled_from([0, 2, 3]),
)
def test_an_invoice_s_sum_of_unrounded_lines_is_the_sum_of_the_amounts(
    lines: list[tuple[Decimal, Decimal, bool]], digits: int
) -> None:
    cent = Decimal(1).scaleb(-digits)
    amounts, products = [], []
    for units, price, is_credit in lines:
        rated = (units * price).quantize(cent, ROUND_HALF_UP)
        amount = -rated if is_credit else rated
        made = quantity_and_price(amount, [] if is_credit else [Part(units, price)], Precision(currency=digits))
        amounts.append(amount)
        products.append(float(made.quantity) * float(made.price))
    total = Decimal(repr(odoo_rounds(sum(products), digits)))
    assert total.quantize(cent) == sum(amounts)


@pytest.mark.parametrize(
    ("price", "kept"),
    [(None, "all"), (2, "2")],
)
def test_the_error_says_what_odoo_keeps(price: int | None, kept: str) -> None:
    with pytest.raises(Unrepresentable) as refused:
        one_at_amount(Decimal("1.2345"), Precision(price=price))
    assert refused.value.message == (
        "Odoo can't store this amount: it keeps 14 digits, and prices to the digits of its precision "
        f"'Product Price' ({kept})"
    )
    assert refused.value.code == "unrepresentable"


@pytest.mark.parametrize(
    ("amount", "currency", "fits"),
    [
        ("999999999999.99", 2, True),
        ("1000000000000", 2, False),
        ("-999999999999.99", 2, True),
        ("-1000000000000", 2, False),
        ("99999999999999", 0, True),
        ("100000000000000", 0, False),
        ("0.01", 2, True),
        ("0.001", 2, False),
        ("0.010", 2, True),
        ("0.001", 3, True),
    ],
)
def test_an_amount_has_the_digits_of_its_currency_and_at_most_14(amount: str, currency: int, fits: bool) -> None:
    precision = Precision(currency=currency)
    if fits:
        assert one_at_amount(Decimal(amount), precision) == QuantityAndPrice(Decimal(1), Decimal(amount), "amount")
        return
    with pytest.raises(Unrepresentable):
        one_at_amount(Decimal(amount), precision)


@pytest.mark.parametrize(
    ("quantity", "price", "amount", "certain"),
    [
        ("2", "0.5", "1", True),
        ("2", "0.5", "1.00", True),
        ("2", "-0.5", "-1", True),
        ("1", "1", "1", True),
        ("0", "1", "0", False),
        ("-1", "1", "-1", False),
        ("2", "0.5", "1.01", False),
        ("0.25", "4", "1", True),
        ("0.125", "8", "1", False),
        ("1", "0.001", "0.001", False),
        ("1000000000000", "1", "1000000000000", False),
        ("0.5", "1.9999999999998", "0.9999999999999", False),
        ("50", "0.00000000000002", "0.000000000001", False),
        ("100", "0.12345678901230", "12.34567890123", False),
        ("10", "99999999999.999", "999999999999.99", True),
        ("10", "9999999999.9999", "99999999999.999", False),
    ],
)
def test_when_units_times_price_is_certain_to_come_out(quantity: str, price: str, amount: str, certain: bool) -> None:
    assert comes_out(Decimal(quantity), Decimal(price), Decimal(amount), Precision()) is certain


def test_a_factor_has_at_most_14_digits() -> None:
    fourteen, fifteen = Decimal("1.2345678901234"), Decimal("1.23456789012340e0") + Decimal("1e-14")
    precision = Precision(quantity=20, currency=13)
    assert not comes_out(Decimal(1), fifteen, fifteen, precision)
    assert comes_out(Decimal(1), fourteen, fourteen, precision)


def test_the_defaults_are_those_of_odoo_19() -> None:
    assert Precision() == Precision(quantity=2, price=None, currency=2)


def test_no_digit_of_an_amount_is_dropped_before_it_is_checked() -> None:
    with pytest.raises(Unrepresentable):
        one_at_amount(Decimal(f"1.{'0' * 34}1"), Precision())
