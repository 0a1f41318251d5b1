"""Odoo's numbers: floats on its wire, decimals in here.

Odoo keeps quantities and prices as double-precision floats. The stand-in holds each as the
decimal a float prints as, so that what Odoo could not hold exactly is lost here too, while the
arithmetic stays decimal. Only the last step onto the wire makes a float of it.
"""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from local.odoo.errors import PythonError

ZERO = Decimal(0)
WIDE = Context(prec=700, rounding=ROUND_HALF_UP)
"""Wide enough for every double down to its last decimal."""


def as_held(number: Decimal | int) -> Decimal:
    """Return `number` as a double holds it: some 17 digits, the shortest that tell it apart."""
    return Decimal(repr(float(number)))


def parse_float(text: str) -> Decimal:
    """Read one JSON number with a fraction or an exponent (for `json.loads(parse_float=)`)."""
    return Decimal(repr(float(text)))


def parse_constant(text: str) -> Decimal:
    """Read `NaN`, `Infinity`, `-Infinity`, which Python's JSON lets through, as Odoo does."""
    return Decimal(text)


def to_wire(value: Any) -> float:
    """Return a decimal as JSON prints it (for `json.dumps(default=)`)."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} does not go over the wire")


def finite(value: Decimal) -> Decimal:
    """Return `value`, or complain as `odoo.tools.float_round` does of what it can't round."""
    if value.is_nan():
        raise PythonError(ValueError, "cannot convert float NaN to integer")
    if value.is_infinite():
        raise PythonError(OverflowError, "cannot convert float infinity to integer")
    return value


def rounded(value: Decimal, digits: int) -> Decimal:
    """Round half-up to `digits` decimals, as `odoo.tools.float_round`."""
    return as_held(finite(value).quantize(Decimal(1).scaleb(-digits), context=WIDE) + ZERO)


def to_currency(value: Decimal, rounding: Decimal) -> Decimal:
    """Round half-up to a multiple of a currency's `rounding` (0.01, 1, 0.001 …)."""
    steps = WIDE.divide(value, rounding).quantize(Decimal(1), context=WIDE)
    return as_held(WIDE.multiply(steps, rounding) + ZERO)  # + ZERO: no negative zero
