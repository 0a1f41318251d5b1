"""From the aggregate to the quantity that is priced: unit conversion, then the metric's rounding.

All of it is exact: three times a third is one, and rounds down to one. Only a definition makes it round.
"""

from collections.abc import Iterator
from decimal import Decimal

from fusion_billing.catalog.charge import UnitConversion
from fusion_billing.catalog.metric import QuantityRounding
from fusion_billing.decimals import plain
from fusion_billing.rating import exact
from fusion_billing.rating.exact import Exact, quotient
from fusion_billing.rating.phrases import counted


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


def in_words(conversion: UnitConversion | None, rounding: QuantityRounding | None) -> Iterator[str]:
    """Yield the words of the conversion and of the rounding, if the definitions have them."""
    if conversion is not None:
        verb = "Multiplied" if conversion.operation == "multiply" else "Divided"
        mode = "" if conversion.rounding == "none" else f", rounded {conversion.rounding.replace('_', ' ')}"
        yield f"{verb} by {plain(conversion.factor)}{mode}"
    if rounding is not None:
        yield f"Rounded {rounding.mode.replace('_', ' ')} to {counted(rounding.digits, 'digit')}"
