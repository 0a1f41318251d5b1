"""Per unit: each unit costs the same."""

from fusion_billing.decimals import plain
from fusion_billing.definitions.price_models import PerUnit
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.rated import Step


def price(model: PerUnit, usage: Usage) -> list[Step]:
    """Return the one step: units times the unit amount."""
    units, unit_amount = usage.billable, model.unit_amount
    words = f"{plain(units)} units at {plain(unit_amount)} each"
    return [Step(words, units, unit_amount, units * unit_amount)]
