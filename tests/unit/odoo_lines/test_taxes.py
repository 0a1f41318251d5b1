"""The price of a line whose product has taxes: what Odoo makes of it is the amount, in sums too."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fusion_billing.odoo_lines.taxes import Tax, price_of
from local.odoo import taxes as odoo
from local.odoo.figures import to_currency

D = Decimal
INCLUDED_20, INCLUDED_19 = Tax(7, "percent", D(20), included=True), Tax(8, "percent", D(19), included=True)
ON_TOP_19, ON_TOP_7 = Tax(5, "percent", D(19)), Tax(6, "percent", D(7))
COMPOUND_5 = Tax(10, "percent", D(5), affects=True)


@pytest.mark.parametrize(
    ("why", "taxes", "with_taxes", "price"),
    [
        ("no tax", [], False, "1.00"),
        ("on top", [ON_TOP_19], False, "1.00"),
        ("included", [INCLUDED_20], False, "1.2000"),
        ("two included", [INCLUDED_20, INCLUDED_19], False, "1.39"),
        ("included and on top", [INCLUDED_20, ON_TOP_7], False, "1.20"),
        ("included division", [Tax(1, "division", D(20), included=True)], False, "1.25"),
        ("included fixed", [Tax(1, "fixed", D("0.5"), included=True)], False, "1.50"),
        ("no tax", [], True, "1.00"),
        ("included", [INCLUDED_20], True, "1.00"),
        ("on top", [ON_TOP_19], True, "0.840336134453782"),
        ("on top, one on the other", [COMPOUND_5, ON_TOP_7], True, "0.890075656430797"),
        ("two on top", [ON_TOP_19, ON_TOP_7], True, "0.793650793650794"),
        ("fixed on top", [Tax(1, "fixed", D("0.25"))], True, "0.75"),
    ],
)
def test_the_price_of_one_unit(why: str, taxes: list[Tax], with_taxes: bool, price: str) -> None:
    found = price_of(D("1.00"), taxes, with_taxes=with_taxes, digits=None)
    assert found is not None, why
    assert found == D(price), why


def test_no_price_gives_a_total_below_a_fixed_tax() -> None:
    assert price_of(D("0.20"), [Tax(1, "fixed", D("0.25"))], with_taxes=True, digits=None) is None
    all_of_it = [Tax(1, "division", D(100), included=True)]
    assert price_of(D(1), all_of_it, with_taxes=False, digits=None) is None


def test_a_price_is_rounded_where_the_database_rounds_prices() -> None:
    assert price_of(D("1.00"), [INCLUDED_19], with_taxes=False, digits=2) == D("1.19")
    assert price_of(D("0.83"), [INCLUDED_19], with_taxes=False, digits=2) == D("0.99")


def as_odoo(taxes: list[Tax]) -> list[odoo.Tax]:
    return [odoo.Tax(t.id, t.kind, t.amount, t.included, t.affects, t.affected) for t in taxes]


@st.composite
def tax_sets(draw: st.DrawFn) -> list[Tax]:
    rates = st.sampled_from([D(0), D(5), D("5.5"), D("7.7"), D(19), D(20), D("21"), D("8.875")])
    return [
        Tax(
            number,
            draw(st.sampled_from(["percent", "percent", "percent", "division", "fixed"])),
            draw(rates),
            included=draw(st.booleans()),
            affects=draw(st.booleans()),
            affected=draw(st.booleans()),
        )
        for number in range(1, draw(st.integers(0, 3)) + 1)
    ]


AMOUNTS = st.integers(1, 10_000_000)


@given(tax_sets(), st.lists(AMOUNTS, min_size=1, max_size=40), st.sampled_from([0, 2, 3]), st.booleans())
def test_without_taxes_line_and_invoice_come_to_the_amount(
    taxes: list[Tax], cents: list[int], digits: int, is_per_line: bool
) -> None:
    rounding = D(1).scaleb(-digits)
    lines, amounts = [], []
    for number in cents:
        amount = D(number).scaleb(-digits)
        price = price_of(amount, taxes, with_taxes=False, digits=None)
        assume(price is not None)
        assert price is not None
        line = odoo.details(price, D(1), as_odoo(taxes), rounding if is_per_line else None)
        if not is_per_line:
            assert line.subtotal(rounding) == amount
        lines.append(line)
        amounts.append(amount)
    if not is_per_line and any(not tax.included for tax in taxes):
        assert odoo.totals(lines, rounding)[0] == sum(amounts)


@given(
    st.lists(st.sampled_from([D(5), D("5.5"), D(19), D(20), D("8.875")]), min_size=1, max_size=1),
    st.lists(AMOUNTS, min_size=1, max_size=40),
    st.sampled_from([0, 2, 3]),
    st.booleans(),
)
def test_one_included_tax_comes_out_under_both_rounding_methods(
    rates: list[Decimal], cents: list[int], digits: int, is_per_line: bool
) -> None:
    taxes = [Tax(number, "percent", rate, included=True) for number, rate in enumerate(rates)]
    rounding = D(1).scaleb(-digits)
    amounts = [D(number).scaleb(-digits) for number in cents]
    prices = [price_of(amount, taxes, with_taxes=False, digits=None) or D(0) for amount in amounts]
    lines = [odoo.details(price, D(1), as_odoo(taxes), rounding if is_per_line else None) for price in prices]
    assert [line.subtotal(rounding) for line in lines] == amounts
    assert odoo.totals(lines, rounding)[0] == sum(amounts)


@given(AMOUNTS, st.sampled_from([0, 2, 3]))
def test_an_amount_with_included_tax_is_the_price(cents: int, digits: int) -> None:
    amount = D(cents).scaleb(-digits)
    assert price_of(amount, [INCLUDED_19, INCLUDED_20], with_taxes=True, digits=None) == amount


@given(AMOUNTS)
def test_an_amount_with_tax_on_top_is_reached_where_cents_allow_it(cents: int) -> None:
    amount, cent = D(cents).scaleb(-2), D("0.01")
    price = price_of(amount, [ON_TOP_19], with_taxes=True, digits=None)
    assert price is not None
    line = odoo.details(price, D(1), as_odoo([ON_TOP_19]))
    assert abs(line.total(cent) - amount) <= cent
    assert to_currency(line.included, cent) == amount


FIXED = Tax(1, "fixed", D("0.5"))


@pytest.mark.parametrize(
    ("why", "amount", "taxes", "with_taxes", "digits", "price"),
    [
        ("a credit", "-1.00", [INCLUDED_20], False, None, "-1.2"),
        ("a credit with a fixed tax, which changes sign too", "-1.00", [FIXED], True, None, "-0.5"),
        ("a credit of a fixed tax alone", "-0.50", [FIXED], True, None, None),
        ("a credit below a fixed tax", "-0.25", [FIXED], True, None, None),
        ("nothing", "0", [], False, None, None),
        ("a fixed tax alone", "0.50", [FIXED], True, None, None),
        ("a fixed tax does not change the base", "0.50", [FIXED], False, None, "0.5"),
        ("whole units", "1.00", [INCLUDED_19], False, 0, "1"),
        ("an included tax is not in the base of one on top", "1.27", [INCLUDED_20, ON_TOP_7], True, None, "1.2"),
        (
            "taxes alike, one in the base of the other",
            "2.31",
            [COMPOUND_5, Tax(11, "percent", D(10), affects=True)],
            True,
            None,
            "2",
        ),
        ("division on top", "1.00", [Tax(1, "division", D(20))], True, None, "0.8"),
        (
            "a fixed tax in the base of another",
            "2.00",
            [Tax(1, "fixed", D(1), affects=True), ON_TOP_7],
            True,
            None,
            "0.869158878504673",
        ),
        (
            "a tax that others don't affect",
            "2.26",
            [COMPOUND_5, Tax(6, "percent", D(8), affected=False)],
            True,
            None,
            "2",
        ),
        (
            "an included tax in the base of one on top",
            "1.07",
            [Tax(7, "percent", D(20), included=True, affects=True), ON_TOP_7],
            True,
            None,
            "1",
        ),
    ],
)
def test_a_price_of_other_amounts(
    *, why: str, amount: str, taxes: list[Tax], with_taxes: bool, digits: int | None, price: str | None
) -> None:
    found = price_of(D(amount), taxes, with_taxes=with_taxes, digits=digits)
    assert found == (None if price is None else D(price)), why


def test_a_price_has_15_digits() -> None:
    assert str(price_of(D(1), [ON_TOP_7], with_taxes=True, digits=None)) == "0.934579439252336"


def test_nothing_is_priced_at_the_fixed_tax_that_its_price_contains() -> None:
    assert price_of(D(0), [Tax(1, "fixed", D(5), included=True)], with_taxes=False, digits=None) == D(5)
