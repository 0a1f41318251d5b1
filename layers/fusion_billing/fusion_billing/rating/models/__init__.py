"""The charge models: one module each, with one function `price(model, usage) -> steps`.

The caller has set the exact decimal context. The amounts of the steps sum to the model's amount.
"""

from fusion_billing.definitions.price_models import (
    Flat,
    Graduated,
    GraduatedPercentage,
    Package,
    Percentage,
    PerUnit,
    PriceModel,
    Volume,
)
from fusion_billing.rating.models import (
    flat,
    graduated,
    graduated_percentage,
    package,
    per_unit,
    percentage,
    volume,
)
from fusion_billing.rating.models.usage import Price, Usage
from fusion_billing.rating.rated import Step

_PRICES: dict[type, Price] = {
    PerUnit: per_unit.price,
    Graduated: graduated.price,
    Volume: volume.price,
    Package: package.price,
    Percentage: percentage.price,
    GraduatedPercentage: graduated_percentage.price,
    Flat: flat.price,
}


def price(model: PriceModel, usage: Usage) -> list[Step]:
    """Return the steps by which `model` prices `usage`."""
    return _PRICES[type(model)](model, usage)
