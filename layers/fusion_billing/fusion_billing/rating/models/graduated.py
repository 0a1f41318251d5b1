"""Graduated: each unit is priced by the tier it falls in."""

from fusion_billing.decimals import plain
from fusion_billing.definitions.price_models import Graduated
from fusion_billing.rating.models.tiers import parts, span
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.rated import Step, lump


def price(model: Graduated, usage: Usage) -> list[Step]:
    """Return for each tier entered its units times its unit amount, and its flat amount if it has one."""
    steps = []
    for number, tier, units in parts(model.tiers, usage.billable):
        unit_amount = tier.unit_amount
        name = span(number, tier)
        words = f"{name}: {plain(units)} units at {plain(unit_amount)} each"
        steps.append(Step(words, units, unit_amount, units * unit_amount))
        if tier.flat_amount:
            steps.append(lump(f"{name}: flat amount", tier.flat_amount))
    return steps
