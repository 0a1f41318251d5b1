"""A subscription as rating sees it: who pays, its periods, and until when its usage is rated."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fusion_billing.billing.pricing import Subscriber
from fusion_billing.calendar.calendar import Calendar, Period
from fusion_billing.definitions.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Customer:
    """`rated_until` is when it stopped or ends (None: it goes on); what is used from then on is not rated."""

    who: Subscriber
    calendar: Calendar
    rated_until: datetime | None = None

    @property
    def id(self) -> str:
        """Return the subscription's id."""
        return self.who.id

    def is_rated_in(self, period: Period) -> bool:
        """Tell whether anything of a period is rated."""
        return self.rated_until is None or period.start < self.rated_until

    def rated_end(self, period: Period) -> datetime:
        """Return the end of what is rated of a period: its own, or the instant rating stopped in it."""
        return period.end if self.rated_until is None else min(period.end, self.rated_until)

    def invoiced(self, newest: int) -> list[Period]:
        """Return the newest of the invoiced periods that were seen, the newest first."""
        return list(reversed(self.calendar.known[:-1][-newest:])) if newest else []

    def invoiced_after(self, start: datetime) -> list[Period]:
        """Return the invoiced periods seen that start after `start`, in order."""
        return [period for period in self.calendar.known[:-1] if period.start > start]

    def periods_within(self, first: datetime, end: datetime) -> list[Period]:
        """Return the periods that hold some instant of `[first, end)`, in order."""
        periods = [self.calendar.period_holding(first)]
        while periods[-1].end < end:
            periods.append(self.calendar.after(periods[-1]))
        return periods


class Kept(Protocol):
    """A subscription as it is kept, as far as rating needs it (`store.subscriptions.StoredSubscription`)."""

    @property
    def subscription(self) -> Subscription:
        """Return what was defined."""

    @property
    def calendar(self) -> Calendar:
        """Return its periods."""

    @property
    def rated_until(self) -> datetime | None:
        """Return the instant from which on usage is not rated."""


def customer_of(kept: Kept) -> Customer:
    """Return a subscription as rating sees it."""
    subscription = kept.subscription
    who = Subscriber(
        id=subscription.id,
        plan=subscription.plan,
        currency=subscription.currency,
        timezone=subscription.timezone,
        odoo_order_id=subscription.odoo_order_id,
        overrides=subscription.overrides or {},
    )
    return Customer(who, kept.calendar, kept.rated_until)
