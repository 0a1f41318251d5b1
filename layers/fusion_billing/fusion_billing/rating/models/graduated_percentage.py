"""Graduated percentage: each unit is charged the percentage of the tier it falls in."""

from fusion_billing.catalog.price_models import GraduatedPercentage
from fusion_billing.decimals import plain
from fusion_billing.rating.exact import in_words
from fusion_billing.rating.models.tiers import fee, parts
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.result import Step


def price(model: GraduatedPercentage, usage: Usage) -> list[Step]:
    """Return for each tier entered its percentage of its units, and its flat amount if it has one."""
    steps = []
    for name, tier, part in parts(model.tiers, usage):
        rate = tier.rate_percent.scaleb(-2)
        words = f"{name}: {plain(tier.rate_percent)} % of {in_words(part.units)}"
        steps.append(Step(words, part.units, rate, part.units * rate))
        if part.is_entered:
            steps += fee(name, tier, usage)
    return steps
