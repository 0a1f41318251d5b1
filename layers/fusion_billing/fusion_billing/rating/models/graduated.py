"""Graduated: each unit is priced by the tier it falls in."""

from fusion_billing.catalog.price_models import Graduated
from fusion_billing.rating.models.tiers import fee, parts
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.phrases import priced
from fusion_billing.rating.result import Step


def price(model: Graduated, usage: Usage) -> list[Step]:
    """Return for each tier entered its units times its unit amount, and its flat amount if it has one."""
    steps = []
    for name, tier, part in parts(model.tiers, usage):
        units, unit_amount = part.units, tier.unit_amount
        words = f"{name}: {priced(units, 'unit', unit_amount)}"
        steps.append(Step(words, units, unit_amount, units * unit_amount))
        if part.is_entered:
            steps += fee(name, tier, usage)
    return steps
