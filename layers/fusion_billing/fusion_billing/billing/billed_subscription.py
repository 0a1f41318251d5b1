"""A subscription as rating sees it: its periods, what of them is rated, and which order bills it."""

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
    """A subscription: what is used before `rated_from`, and from `rated_until` on, is not rated.

    `rated_from` is its start, or where it is billed from, if later; `rated_until` when it stopped or ends.
    None: no bound. `orders` are the chain's; empty where there is the one order alone. `is_over` tells that
    Odoo will invoice nothing more of it by itself, and so does the end that was set for it, `ends`, once it
    is past. `is_ahead` tells that its last period was closed by a final invoice, and `next_invoice_date` has
    not reached the open period since: if it runs again, Odoo's next invoice is of what came before.
    """

    subscription: PricedSubscription
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
        return self.subscription.id

    def is_rated_in(self, period: Period) -> bool:
        """Tell whether anything of a period is rated."""
        return self.rated_start(period) < self.rated_end(period)

    def rated_start(self, period: Period) -> datetime:
        """Return the start of what is rated of a period: its own, or the instant rating began in it.

        An invoiced period keeps the start that it was invoiced under, whatever was corrected since.
        """
        if period in self.calendar.known[:-1]:
            return period.rated_from or period.start
        start = period.start if self.rated_from is None else max(period.start, self.rated_from)
        return min(start, period.end)

    def rated_end(self, period: Period) -> datetime:
        """Return the end of what is rated of a period: its own, or the instant rating stopped in it."""
        end = period.end if self.rated_until is None else min(period.end, self.rated_until)
        return max(end, period.start)

    def has_ended(self, now: datetime) -> bool:
        """Tell whether Odoo's own invoicing will take along nothing more of it."""
        return self.is_over or (self.ends is not None and self.ends <= now)

    def bills_now(self, period: Period, now: datetime) -> bool:
        """Tell whether Odoo's next invoice is to hold what is rated in a period: nearly always the open."""
        return period.state == "open" and (not self.is_ahead or self.has_ended(now))

    def priced_in(self, period: Period) -> PricedSubscription:
        """Return who pays for a period, living in the part of it that is rated."""
        lived = self.rated_start(period), self.rated_end(period)
        return replace(
            self.subscription,
            lived_from=lived[0] if lived[0] > period.start else None,
            lived_until=lived[1] if lived[1] < period.end else None,
            whole_from=self.calendar.whole_start(period),
        )

    def order_for(self, period: Period) -> int:
        """Return the order that will invoice what is billed in a period, or that invoiced it.

        That is the order running now: what a renewed order has not invoiced moves to the one that renews it.
        An order announced after it serves from the period on in which, or at whose end, it takes over.
        """
        running = self.subscription.odoo_order_id
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
        """Return the starts that the first period had before `start_date` was corrected.

        Ratings stored under them are to come to nothing: what they were for is rated under the start there
        is now.
        """
        starts = {period.start for period in self.calendar.known}
        return tuple(start for start in self.calendar.replaced if start not in starts)

    def starts_of(self, period: Period) -> tuple[datetime, ...]:
        """Return the starts that a period's ratings may be stored under: its own, then any it had before.

        An invoice may have come before Odoo's lines under a replaced start were brought to nothing.
        """
        is_first = period.start == self.calendar.known[0].start
        return (period.start, *(self.replaced_starts if is_first else ()))

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


class SubscriptionSnapshot(Protocol):
    """A stored subscription, as far as rating needs it; `dynamodb.catalog.subscriptions` has the class."""

    @property
    def subscription(self) -> Subscription:
        """Return what was defined."""

    @property
    def calendar(self) -> Calendar:
        """Return its periods."""

    @property
    def rated_until(self) -> datetime | None:
        """Return the instant from which on usage is not rated."""

    @property
    def orders(self) -> tuple[ChainedOrder, ...]:
        """Return its chain of orders, empty where there is one alone."""

    @property
    def plan_history(self) -> tuple[PlanChange, ...]:
        """Return the plans it was on, empty where there was one alone."""

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more of it will be invoiced."""


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
