"""A subscription as pricing and order lines need it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fusion_billing.catalog.charge import ChargeOverride
from fusion_billing.catalog.subscription_history import PlanChange


@dataclass(frozen=True, slots=True)
class PricedSubscription:
    """A subscription's identity, plans, overrides and lifetime.

    Attributes:
        plan_history: Empty if `plan` has always been in force.
        lived_from: When its lifetime starts; None if that is before the period.
        lived_until: When it ends; None if that is after the period.
        whole_from: When the period would start if the subscription's start did not cut it short; None if it
            doesn't.
    """

    id: str
    plan: str
    currency: str
    timezone: str
    odoo_order_id: int
    overrides: Mapping[str, ChargeOverride | tuple[ChargeOverride, ...]]
    plan_history: Sequence[PlanChange] = ()
    lived_from: datetime | None = None
    lived_until: datetime | None = None
    whole_from: datetime | None = None
