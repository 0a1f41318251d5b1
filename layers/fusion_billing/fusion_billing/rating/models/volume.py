"""Volume: all units are priced by the one tier that holds the period's total."""

from fusion_billing.catalog.price_models import Volume
from fusion_billing.rating.models.tiers import fee, holding, span
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.phrases import priced
from fusion_billing.rating.phrases import units as in_units
from fusion_billing.rating.result import Step


def price(model: Volume, usage: Usage) -> list[Step]:
    """Return the units times the unit amount of the total's tier, and its flat amount if it has one.

    If the price changes within the period, the flat amount is due with the last part.
    """
    units = usage.own
    number, tier = holding(model.tiers, usage.billable if usage.total is None else usage.total)
    name = span(number, tier)
    steps = []
    if units or usage.before is None:
        whole = usage.before is None and usage.total is None
        words = priced(units, "unit", tier.unit_amount)
        if not whole:
            total = usage.billable if usage.total is None else usage.total
            words = f"{words}, as the period has {in_units(total)} in all"
        elif units != 1:
            words = f"all {words}"
        steps.append(Step(f"{name}: {words}", units, tier.unit_amount, units * tier.unit_amount))
    if usage.total is None:
        steps += fee(name, tier, usage)
    return steps
