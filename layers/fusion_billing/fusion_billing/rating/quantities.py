"""From the aggregate to the quantity that is priced: unit conversion, then the metric's rounding.

All arithmetic runs in `decimals.EXACT`, whose quotients keep 400 digits. A quotient that does not end is
rounded to 380 before it is rounded up or down, so that 3 x (10 / 3) is 10 and not 9.99...; what
is left endless at the end is kept to 38 digits past the point, or 38 significant ones if that is finer.
"""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

from fusion_billing.decimals import EXACT, MAX_DIGITS
from fusion_billing.definitions.charge import UnitConversion
from fusion_billing.definitions.metric import DECIMAL_ROUNDING, QuantityRounding

_HEALING = Context(prec=EXACT.prec - 20, rounding=ROUND_HALF_EVEN)
_ENDLESS = _HEALING.prec


def converted(quantity: Decimal, conversion: UnitConversion) -> Decimal:
    """Return the quantity in the unit that is priced, rounded to whole units if the conversion says so."""
    if conversion.operation == "multiply":
        quantity = quantity * conversion.factor
    else:
        quantity = quantity / conversion.factor
    if conversion.rounding == "none":
        return quantity
    return _rounded(quantity, conversion.rounding, 0)


def rounded(quantity: Decimal, rounding: QuantityRounding) -> Decimal:
    """Return the quantity at the metric's digits."""
    return _rounded(quantity, rounding.mode, rounding.digits)


def settled(quantity: Decimal) -> Decimal:
    """Return the quantity, cut to a readable length if it is a quotient that does not end."""
    if len(quantity.as_tuple().digits) < _ENDLESS:
        return quantity
    exponent = min(-MAX_DIGITS, quantity.adjusted() - MAX_DIGITS + 1)
    return quantity.quantize(Decimal((0, (1,), exponent)), rounding=ROUND_HALF_UP, context=EXACT)


def _rounded(quantity: Decimal, mode: str, digits: int) -> Decimal:
    healed = _HEALING.plus(quantity)
    return healed.quantize(Decimal((0, (1,), -digits)), rounding=DECIMAL_ROUNDING[mode], context=EXACT)
