"""Who pays, as far as pricing and an order line need to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fusion_billing.catalog.charge import ChargeOverride
from fusion_billing.catalog.subscription_history import PlanChange


@dataclass(frozen=True, slots=True)
class PricedSubscription:
    """A subscription's identity, plans and overrides, and its life.

    `plan_history` is empty where `plan` has always been in force; `lived_from` and `lived_until` bound its
    life (None: not bounded). `whole_from` is where the period at hand would start if the subscription's start
    did not cut it short (None: it is not cut).
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
