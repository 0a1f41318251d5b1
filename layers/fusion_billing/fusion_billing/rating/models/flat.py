"""Flat: one amount per period, regardless of usage."""

from fusion_billing.catalog.price_models import Flat
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.result import Step, lump


def price(model: Flat, _usage: Usage) -> list[Step]:
    """Return the one step: the amount, due at zero units too."""
    return [lump("Flat amount for the period", model.amount)]
