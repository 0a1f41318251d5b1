"""Rating: from usage records and a price to an amount that explains itself. Pure."""

from fusion_billing.rating.estimation import estimate

__all__ = ["estimate"]
