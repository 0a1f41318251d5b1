"""Exact numbers: decimals while they are exact, rational numbers once a quotient does not end.

Nothing is rounded between the usage and the amount, unless a definition says so (a conversion, a metric's
rounding): an exact tie has to stay one until it is rounded half-up to the currency. `Decimal` is several
times as fast as `Fraction`, so a number becomes a fraction only by a division that does not end.
"""

from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from fractions import Fraction
from typing import assert_never

from fusion_billing import currencies
from fusion_billing.catalog.metric import DECIMAL_ROUNDING, RoundingMode
from fusion_billing.decimals import EXACT, MAX_DIGITS, plain

_FAULTS = [InvalidOperation, DivisionByZero, Overflow]
_ENDING = Context(prec=60, traps=[*_FAULTS, Inexact])
_LONG_ENDING = Context(prec=EXACT.prec, traps=[*_FAULTS, Inexact])
_IN_SENTENCES = 6


class Ratio(Fraction):
    """A fraction that calculates with decimals too, exactly; what comes out is a ratio again."""

    __slots__ = ()

    def __add__(self, other: "int | Fraction | Decimal") -> "Ratio":  # type: ignore[override]
        """Return the sum."""
        return Ratio(Fraction.__add__(self, _fraction(other)))

    __radd__ = __add__  # type: ignore[assignment]

    def __sub__(self, other: "int | Fraction | Decimal") -> "Ratio":  # type: ignore[override]
        """Return the difference."""
        return Ratio(Fraction.__sub__(self, _fraction(other)))

    def __rsub__(self, other: "int | Fraction | Decimal") -> "Ratio":  # type: ignore[override]
        """Return the difference, the other way round."""
        return Ratio(Fraction.__sub__(_fraction(other), self))

    def __mul__(self, other: "int | Fraction | Decimal") -> "Ratio":  # type: ignore[override]
        """Return the product."""
        return Ratio(Fraction.__mul__(self, _fraction(other)))

    __rmul__ = __mul__  # type: ignore[assignment]

    def __neg__(self) -> "Ratio":
        """Return the negative."""
        return Ratio(Fraction.__neg__(self))


Exact = Decimal | Ratio

ONE = Decimal(1)


def _fraction(number: "int | Fraction | Decimal") -> Fraction:
    return number if isinstance(number, Fraction) else Fraction(number)


def quotient(dividend: Exact, divisor: Exact) -> Exact:
    """Return the exact quotient: a decimal if it ends within 60 digits, else a ratio."""
    if isinstance(dividend, Decimal) and isinstance(divisor, Decimal):
        try:
            return _ENDING.divide(dividend, divisor)
        except Inexact:
            pass
    return Ratio(Fraction(dividend) / Fraction(divisor))


def rounded(number: Exact, mode: RoundingMode, digits: int) -> Decimal:
    """Return a number that is not negative at so many digits past the point (negative: tens)."""
    if isinstance(number, Decimal):
        return number.quantize(Decimal((0, (1,), -digits)), rounding=DECIMAL_ROUNDING[mode], context=EXACT)
    scaled = number * Decimal((0, (1,), digits))
    return EXACT.scaleb(Decimal(_whole(scaled.numerator, scaled.denominator, mode)), -digits)


def _whole(numerator: int, denominator: int, mode: RoundingMode) -> int:
    match mode:
        case "up":
            return -(-numerator // denominator)
        case "down":
            return numerator // denominator
        case "half_up":
            return (2 * numerator + denominator) // (2 * denominator)
        case _:
            assert_never(mode)


def to_currency(amount: Exact, currency: str) -> Decimal:
    """Return the amount rounded once, half-up (a tie goes away from zero), to the currency's digits."""
    if isinstance(amount, Decimal):
        return currencies.rounded(amount, currency)
    cents = rounded(Ratio(abs(amount)), "half_up", currencies.digits_of(currency))
    return currencies.rounded(-cents if amount < 0 else cents, currency)


def readable(number: Exact) -> Decimal:
    """Return the number itself if it ends, else rounded half-up to 38 digits past the point.

    Of a small number that does not end, 38 significant digits are kept.
    """
    if isinstance(number, Decimal):
        return number
    numerator, denominator = Decimal(number.numerator), Decimal(number.denominator)
    try:
        return _LONG_ENDING.divide(numerator, denominator)
    except Inexact:
        long = EXACT.divide(numerator, denominator)
    exponent = min(-MAX_DIGITS, long.adjusted() - MAX_DIGITS + 1)
    return long.quantize(Decimal((0, (1,), exponent)), rounding=ROUND_HALF_UP, context=EXACT)


def in_words(number: Exact) -> str:
    """Return the number as a sentence has it: plain, and about six digits of it if it does not end."""
    if isinstance(number, Decimal):
        return plain(number)
    short = readable(number)
    if len(short.as_tuple().digits) >= MAX_DIGITS - 1:
        exponent = min(-_IN_SENTENCES, short.adjusted() - _IN_SENTENCES + 1)
        short = short.quantize(Decimal((0, (1,), exponent)), rounding=ROUND_HALF_UP, context=EXACT)
    return plain(short)
