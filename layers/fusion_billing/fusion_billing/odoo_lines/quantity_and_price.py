"""Choose a quantity and a price that Odoo can store, so that its subtotal is the rated amount to the cent.

Odoo keeps quantities to the digits of its decimal precision (2 by default) and computes with doubles. It
rounds a line's subtotal, but its invoice adds up the products as they are and rounds the sum
(`round_globally`, a company's default): two lines of 1 at 0.005 are 0.01 each, and 0.01 together. So units
times price is used only if the exact product has no digit below those of the currency, and both factors are stored
exactly. Everything else is written as quantity 1 at the amount, and the name of the line shows the arithmetic.

A credit is quantity 1 at a negative price, never a negative quantity: Odoo invoices a line with a negative quantity to
invoice in a final invoice only, and never otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from fusion_billing.decimals import EXACT, ZERO
from fusion_billing.errors import FusionError

_DOUBLE_DIGITS = 14
"""The digits that survive arithmetic in doubles in Odoo: 9999999999999.99 reads back as 10000000000000.03."""

ONE = Decimal(1)


class Unrepresentable(FusionError):
    """No quantity and price in this database give this amount."""

    code = "unrepresentable"


@dataclass(frozen=True, slots=True)
class Precision:
    """The decimal places that the database stores of quantities, prices and amounts.

    `price` is None if prices are not rounded (Odoo 19); 17 and 18 round them, by default to 2.
    """

    quantity: int = 2
    price: int | None = None
    currency: int = 2


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a rating with one price: units, and the amount of each."""

    units: Decimal
    unit_amount: Decimal


@dataclass(frozen=True, slots=True)
class QuantityAndPrice:
    """`quantity` at `price`; `kind` is whether these are the units, quantity 1 at the amount, or nothing."""

    quantity: Decimal
    price: Decimal
    kind: Literal["units", "amount", "nothing"]


def quantity_and_price(amount: Decimal, parts: Iterable[Part], precision: Precision) -> QuantityAndPrice:
    """Return the quantity and price of an order line of `amount`, priced in `parts`.

    Raises:
        Unrepresentable: if not even quantity 1 at the amount gives it to the cent, because the amount is too large for
            a double, or prices have fewer decimal places than the currency.
    """
    if amount == ZERO:
        return QuantityAndPrice(ZERO, ZERO, "nothing")
    priced = [part for part in parts if part.units * part.unit_amount != ZERO]
    if len(priced) == 1 and comes_out(priced[0].units, priced[0].unit_amount, amount, precision):
        return QuantityAndPrice(priced[0].units, priced[0].unit_amount, "units")
    return one_at_amount(amount, precision)


def one_at_amount(amount: Decimal, precision: Precision) -> QuantityAndPrice:
    """Return quantity 1 at the amount; raises `Unrepresentable`."""
    if not (_fits(amount, precision.currency) and _is_exact(amount, precision.price)):
        raise Unrepresentable(
            f"Odoo can't store this amount: it keeps {_DOUBLE_DIGITS} digits, and prices to the digits of its "
            f"precision 'Product Price' ({'all' if precision.price is None else precision.price})"
        )
    return QuantityAndPrice(ONE, amount, "amount")


def comes_out(quantity: Decimal, price: Decimal, amount: Decimal, precision: Precision) -> bool:
    """Return whether `quantity` at `price` is certain to be `amount`, on the line and in the sum of an invoice."""
    if quantity <= ZERO or not (_is_exact(quantity, precision.quantity) and _is_exact(price, precision.price)):
        return False
    return EXACT.multiply(quantity, price) == amount and _fits(amount, precision.currency)


def _fits(amount: Decimal, digits: int) -> bool:
    """Return whether an amount has no more decimal places than its currency, and is small enough.

    Odoo rounds to whole cents, which must fit a double too, trailing zeros included.
    """
    return abs(amount) < Decimal(1).scaleb(_DOUBLE_DIGITS - digits) and _is_exact(amount, digits)


def _is_exact(number: Decimal, digits: int | None) -> bool:
    """Return whether a column with so many decimal places, stored as a double, has `number` exactly."""
    reduced = number.normalize(EXACT)
    exponent = reduced.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101  finite, so for the type checker alone
    return len(reduced.as_tuple().digits) <= _DOUBLE_DIGITS and (digits is None or -exponent <= digits)
