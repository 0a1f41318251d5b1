"""Graduated percentage: each unit is charged the percentage of the tier it falls in."""

from fusion_billing.decimals import plain
from fusion_billing.definitions.price_models import GraduatedPercentage
from fusion_billing.rating.models.tiers import parts, span
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.rated import Step, lump


def price(model: GraduatedPercentage, usage: Usage) -> list[Step]:
    """Return for each tier entered its percentage of its units, and its flat amount if it has one."""
    steps = []
    for number, tier, units in parts(model.tiers, usage.billable):
        rate = tier.rate_percent.scaleb(-2)
        name = span(number, tier)
        words = f"{name}: {plain(tier.rate_percent)} % of {plain(units)}"
        steps.append(Step(words, units, rate, units * rate))
        if tier.flat_amount:
            steps.append(lump(f"{name}: flat amount", tier.flat_amount))
    return steps
