"""Per unit: each unit costs the same."""

from fusion_billing.catalog.price_models import PerUnit
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.phrases import priced
from fusion_billing.rating.result import Step


def price(model: PerUnit, usage: Usage) -> list[Step]:
    """Return the one step: units times the unit amount."""
    units, unit_amount = usage.own, model.unit_amount
    return [Step(priced(units, "unit", unit_amount), units, unit_amount, units * unit_amount)]
