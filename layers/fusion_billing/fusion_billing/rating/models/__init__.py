"""The charge models: one module each, with one function `price(model, usage) -> steps`.

The caller has set the exact decimal context. The amounts of the steps sum to the model's amount.
"""

from typing import assert_never

from fusion_billing.catalog.price_models import (
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
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.result import Step


def price(model: PriceModel, usage: Usage) -> list[Step]:  # noqa: PLR0911  one return a model
    """Return the steps by which `model` prices `usage`."""
    match model:  # a type check fails here if a model is missing
        case PerUnit():
            return per_unit.price(model, usage)
        case Graduated():
            return graduated.price(model, usage)
        case Volume():
            return volume.price(model, usage)
        case Package():
            return package.price(model, usage)
        case Percentage():
            return percentage.price(model, usage)
        case GraduatedPercentage():
            return graduated_percentage.price(model, usage)
        case Flat():
            return flat.price(model, usage)
        case _:
            assert_never(model)
