"""A subscription with its billing calendar, as it is stored."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from fusion_billing.billing_periods.calendar import Calendar
from fusion_billing.billing_periods.subscription_states import ENDED, accepted_until, rated_until
from fusion_billing.catalog.identifiers import MAX_ALIASES
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.subscription_history import ChainedOrder, PlanChange, first_order

Origin = Literal["api", "odoo"]


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """A subscription as it is stored.

    `stopped` is when it was seen to be no longer in progress; `origin` whether it was put in by the API or
    read from Odoo. `orders` is empty for one that was never renewed, `plan_history` for one whose plan never
    changed. `order_aliases` are those that its orders give it. `erased` is when the usage and the names of its
    customer were erased: it is neither rated nor read from Odoo since. `is_current` is true if its item is as this
    version writes it.
    """

    subscription: Subscription
    calendar: Calendar
    origin: Origin
    version: int
    stopped: datetime | None = None
    orders: tuple[ChainedOrder, ...] = ()
    plan_history: tuple[PlanChange, ...] = ()
    order_aliases: tuple[str, ...] = ()
    erased: datetime | None = None
    is_current: bool = field(default=True, compare=False)

    @property
    def id(self) -> str:
        """The subscription's id."""
        return self.subscription.id

    @property
    def rated_until(self) -> datetime | None:
        """The instant from which on usage is not rated, by its window's start; None where it goes on.

        `end_date` is the last day: what ends is the day after's midnight.
        """
        return rated_until(self.subscription.state, self.stopped, self.subscription.ends)

    @property
    def is_over(self) -> bool:
        """Whether Odoo invoices nothing more of it by itself: churned, or renewed into an unknown order."""
        return self.subscription.state in ENDED

    def has_ended(self, now: datetime) -> bool:
        """Return whether Odoo invoices nothing more of it by itself: it is over, or past its end date."""
        ends = self.subscription.ends
        return self.is_over or (ends is not None and ends <= now)

    @property
    def starts(self) -> datetime:
        """The instant from which on usage is accepted, by its window's start."""
        return self.subscription.terms.begin

    @property
    def ends(self) -> datetime | None:
        """The instant from which on usage is refused, by its window's start; None where it goes on."""
        if self.erased is not None:
            return self.starts
        ends = accepted_until(self.subscription.state, self.stopped, self.subscription.ends)
        return None if ends is None else max(ends, self.starts)

    @property
    def chain(self) -> tuple[ChainedOrder, ...]:
        """The orders that invoice it, in their order; never empty."""
        return self.orders or first_order(self.subscription.odoo_order_id, self.starts)

    @property
    def plans(self) -> tuple[PlanChange, ...]:
        """The plans it was on, in their order; never empty."""
        return self.plan_history or (PlanChange(self.subscription.plan, None),)

    @property
    def aliases(self) -> tuple[str, ...]:
        """What it is found by beside its id: what the API gave it, and its orders."""
        every = dict.fromkeys((*(self.subscription.aliases or ()), *self.order_aliases))
        return tuple(alias for alias in every if alias != self.id)[:MAX_ALIASES]


@dataclass(frozen=True, slots=True)
class Listed:
    """A subscription as lists return it: without its periods."""

    subscription: Subscription
    origin: Origin
    version: int
