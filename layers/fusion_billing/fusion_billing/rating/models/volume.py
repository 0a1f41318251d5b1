"""Volume: all units are priced by the one tier that holds their total."""

from fusion_billing.decimals import plain
from fusion_billing.definitions.price_models import Volume
from fusion_billing.rating.models.tiers import holding, span
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.rated import Step, lump


def price(model: Volume, usage: Usage) -> list[Step]:
    """Return all units times the unit amount of their tier, and its flat amount if it has one."""
    units = usage.billable
    number, tier = holding(model.tiers, units)
    name = span(number, tier)
    words = f"{name}: all {plain(units)} units at {plain(tier.unit_amount)} each"
    steps = [Step(words, units, tier.unit_amount, units * tier.unit_amount)]
    if tier.flat_amount:
        steps.append(lump(f"{name}: flat amount", tier.flat_amount))
    return steps
