"""Quantity and price as Odoo can hold them, so that its subtotal is the rated amount to the cent.

Odoo keeps quantities to the digits of its decimal precision (2 by default) and computes with doubles. It
rounds a line's subtotal, but its invoice adds up the products as they are and rounds the sum
(`round_globally`, a company's default): two lines of 1 at 0.005 are 0.01 each, and 0.01 together. So units
times price is used only where the exact product has no digit below the currency's, and both factors are held
exactly. Everything else is written as quantity 1 at the amount, and the line's name shows the arithmetic.

A credit is quantity 1 at a negative price, never a negative quantity: Odoo invoices a line with less than
nothing to invoice only where a final invoice is asked for, and leaves it out otherwise, for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from fusion_billing.decimals import EXACT, ZERO
from fusion_billing.errors import FusionError

_DOUBLE_DIGITS = 14
"""So many digits survive Odoo's arithmetic in doubles; 9999999999999.99 reads back as 10000000000000.03."""

ONE = Decimal(1)


class Unrepresentable(FusionError):
    """No quantity and price in this database give this amount."""

    code = "unrepresentable"


@dataclass(frozen=True, slots=True)
class Precision:
    """What the database can hold: digits after the point of quantities, prices and amounts.

    `price` is None where prices are kept as they come (Odoo 19); 17 and 18 round them, by default to 2.
    """

    quantity: int = 2
    price: int | None = None
    currency: int = 2


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a rating priced at one rate: so many units at so much each."""

    units: Decimal
    unit_amount: Decimal


@dataclass(frozen=True, slots=True)
class QuantityAndPrice:
    """`quantity` at `price`; `kind` says whether these are the units, the amount as one, or nothing."""

    quantity: Decimal
    price: Decimal
    kind: Literal["units", "amount", "nothing"]


def shape(amount: Decimal, parts: Iterable[Part], precision: Precision) -> QuantityAndPrice:
    """Return how to write `amount`, priced in `parts`, onto a line of Odoo's.

    Raises `Unrepresentable` where not even quantity 1 at the amount comes out to the cent: the amount is too
    large for a double, or prices are kept to fewer digits than the currency has.
    """
    if amount == ZERO:
        return QuantityAndPrice(ZERO, ZERO, "nothing")
    priced = [part for part in parts if part.units * part.unit_amount != ZERO]
    if len(priced) == 1 and comes_out(priced[0].units, priced[0].unit_amount, amount, precision):
        return QuantityAndPrice(priced[0].units, priced[0].unit_amount, "units")
    return as_one(amount, precision)


def as_one(amount: Decimal, precision: Precision) -> QuantityAndPrice:
    """Return quantity 1 at the amount; raises `Unrepresentable`."""
    if not (_fits(amount, precision.currency) and _held(amount, precision.price)):
        raise Unrepresentable(
            f"Odoo can't hold this amount: it keeps {_DOUBLE_DIGITS} digits, and prices to the digits of its "
            f"precision 'Product Price' ({'all' if precision.price is None else precision.price})"
        )
    return QuantityAndPrice(ONE, amount, "amount")


def comes_out(quantity: Decimal, price: Decimal, amount: Decimal, precision: Precision) -> bool:
    """Tell whether `quantity` at `price` is sure to be `amount`, on the line and in an invoice's sum."""
    if quantity <= ZERO or not (_held(quantity, precision.quantity) and _held(price, precision.price)):
        return False
    return EXACT.multiply(quantity, price) == amount and _fits(amount, precision.currency)


def _fits(amount: Decimal, digits: int) -> bool:
    """Tell whether an amount is whole in a currency of so many digits, and small enough.

    Odoo rounds in whole cents: those have to fit a double too, zeros at their end included.
    """
    return abs(amount) < Decimal(1).scaleb(_DOUBLE_DIGITS - digits) and _held(amount, digits)


def _held(number: Decimal, digits: int | None) -> bool:
    """Tell whether a column of so many digits after the point, filled by a double, holds `number` exactly."""
    reduced = number.normalize(EXACT)
    exponent = reduced.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101  finite, so for the type checker alone
    return len(reduced.as_tuple().digits) <= _DOUBLE_DIGITS and (digits is None or -exponent <= digits)
