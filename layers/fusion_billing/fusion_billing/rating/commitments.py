"""Minimum and maximum of a charge's amount in a period, over all its filters, groups and versions."""

from decimal import Decimal

from fusion_billing.decimals import plain
from fusion_billing.definitions.charge import Charge
from fusion_billing.rating.rated import Step, lump


def commitment(charge: Charge, amount: Decimal) -> list[Step]:
    """Return the step that brings `amount` up to the minimum or down to the maximum, if one is needed."""
    low, high = charge.minimum_amount, charge.maximum_amount
    if low is not None and amount < low:
        return [lump(f"Raised to the minimum of {plain(low)} {charge.currency}", low - amount)]
    if high is not None and amount > high:
        return [lump(f"Lowered to the maximum of {plain(high)} {charge.currency}", high - amount)]
    return []
