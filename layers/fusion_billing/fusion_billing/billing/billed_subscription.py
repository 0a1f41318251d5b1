"""A subscription as rating sees it: its periods, which part of them is rated, and which order bills them."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from fusion_billing.billing.pricing import PricedSubscription
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.billing_periods.calendar import Calendar, Period
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.subscription_history import ChainedOrder, PlanChange


@dataclass(frozen=True, slots=True)
class BilledSubscription:
    """A subscription and its billing calendar.

    Attributes:
        rated_from: The instant from which usage is rated: its start, or a later instant from which it is billed.
        rated_until: The instant from which usage is no longer rated; None while the subscription runs.
        orders: The chain of Odoo orders; empty if there is only one.
        is_over: Whether Odoo will invoice nothing more of it by itself.
        ends: The end set for it; once past, it counts as over too.
        is_ahead: Whether a final invoice closed its last period and `next_invoice_date` has not reached the open
            period since. If it runs again, Odoo's next invoice is for the time before.
    """

    priced: PricedSubscription
    calendar: Calendar
    rated_until: datetime | None = None
    rated_from: datetime | None = None
    orders: tuple[ChainedOrder, ...] = ()
    is_over: bool = False
    customer_name: str = ""
    ends: datetime | None = None
    is_ahead: bool = False

    @property
    def id(self) -> str:
        """Return the subscription's id."""
        return self.priced.id

    def is_rated_in(self, period: Period) -> bool:
        """Return whether any part of a period is rated."""
        return self.rated_start(period) < self.rated_end(period)

    def rated_start(self, period: Period) -> datetime:
        """Return the start of the rated part of a period.

        An invoiced period keeps the start it was invoiced with, regardless of later corrections.
        """
        if period in self.calendar.known[:-1]:
            return period.rated_from or period.start
        start = period.start if self.rated_from is None else max(period.start, self.rated_from)
        return min(start, period.end)

    def rated_end(self, period: Period) -> datetime:
        """Return the end of the rated part of a period."""
        end = period.end if self.rated_until is None else min(period.end, self.rated_until)
        return max(end, period.start)

    def has_ended(self, now: datetime) -> bool:
        """Return whether Odoo will invoice nothing more of it by itself."""
        return self.is_over or (self.ends is not None and self.ends <= now)

    def bills_now(self, period: Period, now: datetime) -> bool:
        """Return whether Odoo's next invoice bills a period: nearly always the open one."""
        return period.state == "open" and (not self.is_ahead or self.has_ended(now))

    def priced_in(self, period: Period) -> PricedSubscription:
        """Return the subscription to price a period with: its lifetime is the rated part of the period."""
        lived = self.rated_start(period), self.rated_end(period)
        return replace(
            self.priced,
            lived_from=lived[0] if lived[0] > period.start else None,
            lived_until=lived[1] if lived[1] < period.end else None,
            whole_from=self.calendar.whole_start(period),
        )

    def order_for(self, period: Period) -> int:
        """Return the order that invoices a period, or that invoiced it.

        That is the running order: what a renewed order has not invoiced moves to its renewal.
        A later order applies from the period in which, or at whose end, it takes over.
        """
        running = self.priced.odoo_order_id
        serving = [order for order in self.orders if order.kind != "upsell"]
        ids = [order.odoo_order_id for order in serving]
        if running not in ids:
            return running
        if period.state == "invoiced":
            billed = [order.odoo_order_id for order in serving if order.start < period.end]
            return billed[-1] if billed else ids[0]
        announced = serving[ids.index(running) + 1 :]
        return next((order.odoo_order_id for order in reversed(announced) if order.start <= period.end), running)

    def bill(self, document: RatingDocument, period: Period, now: datetime) -> RatingDocument:
        """Return a rating's document with the order that invoices what is billed in `period`.

        What is still to be billed of a subscription that has ended needs a final invoice, made by a person.
        """
        needs_final_invoice = period.state == "open" and self.has_ended(now)
        return document.billed_by(self.order_for(period), needs_final_invoice=needs_final_invoice)

    @property
    def replaced_starts(self) -> tuple[datetime, ...]:
        """Return the former starts of the first period, before `start_date` was corrected.

        Ratings stored under them are set to zero: their usage is rated under the present start.
        """
        starts = {period.start for period in self.calendar.known}
        return tuple(start for start in self.calendar.replaced if start not in starts)

    def starts_of(self, period: Period) -> tuple[datetime, ...]:
        """Return the starts under which a period's ratings may be stored: its own, then its former ones.

        An invoice may have come before the order lines under a former start were set to zero.
        """
        is_first = period.start == self.calendar.known[0].start
        return (period.start, *(self.replaced_starts if is_first else ()))

    def invoiced(self, newest: int) -> list[Period]:
        """Return the `newest` known invoiced periods, the newest first."""
        return list(reversed(self.calendar.known[:-1][-newest:])) if newest else []

    def invoiced_after(self, start: datetime) -> list[Period]:
        """Return the known invoiced periods that start after `start`, in order."""
        return [period for period in self.calendar.known[:-1] if period.start > start]

    def periods_within(self, first: datetime, end: datetime) -> list[Period]:
        """Return the periods that overlap `[first, end)`, in order."""
        periods = [self.calendar.period_holding(first)]
        while periods[-1].end < end:
            periods.append(self.calendar.after(periods[-1]))
        return periods


class SubscriptionSnapshot(Protocol):
    """A stored subscription, as far as rating needs it (`dynamodb.catalog.subscriptions.StoredSubscription`)."""

    @property
    def subscription(self) -> Subscription:
        """Return its definition."""

    @property
    def calendar(self) -> Calendar:
        """Return its billing calendar."""

    @property
    def rated_until(self) -> datetime | None:
        """Return the instant from which on usage is not rated."""

    @property
    def orders(self) -> tuple[ChainedOrder, ...]:
        """Return its chain of orders; empty if there is only one."""

    @property
    def plan_history(self) -> tuple[PlanChange, ...]:
        """Return its plans so far; empty if there was only one."""

    @property
    def is_over(self) -> bool:
        """Return whether nothing more of it will be invoiced."""


def billed_subscription(stored: SubscriptionSnapshot) -> BilledSubscription:
    """Return a stored subscription as rating sees it."""
    defined = stored.subscription
    return BilledSubscription(
        PricedSubscription(
            id=defined.id,
            plan=defined.plan,
            currency=defined.currency,
            timezone=defined.timezone,
            odoo_order_id=defined.odoo_order_id,
            overrides=defined.overrides or {},
            plan_history=stored.plan_history,
            lived_from=defined.rated_from,
            lived_until=stored.rated_until,
        ),
        stored.calendar,
        rated_until=stored.rated_until,
        rated_from=defined.rated_from,
        orders=stored.orders,
        is_over=stored.is_over,
        ends=defined.ends,
        customer_name=str(defined.customer_name),
        is_ahead=_is_ahead(stored.calendar, defined),
    )


def _is_ahead(calendar: Calendar, subscription: Subscription) -> bool:
    if len(calendar.known) == 1 or not calendar.known[-2].is_final:
        return False
    return calendar.spec.midnight(subscription.next_invoice_date) <= calendar.open.start
