"""What a subscription was in the course of its life: its plans, and the orders that invoice it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

OrderKind = Literal["initial", "renewal", "upsell"]


@dataclass(frozen=True, slots=True)
class ChainedOrder:
    """One order of a subscription's chain, in force in `[start, end)` (aware UTC; `end` None: still is)."""

    odoo_order_id: int
    start: datetime
    end: datetime | None
    kind: OrderKind


@dataclass(frozen=True, slots=True)
class PlanChange:
    """The plan in force from `start` on (aware UTC; None: since the subscription began)."""

    plan: str
    start: datetime | None
