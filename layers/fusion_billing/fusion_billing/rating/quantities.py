"""From the aggregate to the quantity that is priced: unit conversion, then the metric's rounding.

All of it is exact: a third three times is one, and rounds down to one. What is rounded is what a definition
says is rounded.
"""

from decimal import Decimal

from fusion_billing.definitions.charge import UnitConversion
from fusion_billing.definitions.metric import QuantityRounding
from fusion_billing.rating import exact
from fusion_billing.rating.exact import Exact, quotient, readable


def converted(quantity: Exact, conversion: UnitConversion) -> Exact:
    """Return the quantity in the unit that is priced, rounded to whole units if the conversion says so."""
    if conversion.operation == "multiply":
        quantity = quantity * conversion.factor
    else:
        quantity = quotient(quantity, conversion.factor)
    if conversion.rounding == "none":
        return quantity
    return exact.rounded(quantity, conversion.rounding, 0)


def rounded(quantity: Exact, rounding: QuantityRounding) -> Decimal:
    """Return the quantity at the metric's digits."""
    return exact.rounded(quantity, rounding.mode, rounding.digits)


def settled(quantity: Exact) -> Decimal:
    """Return the quantity as it is shown: 38 digits past the point if it does not end."""
    return readable(quantity)
