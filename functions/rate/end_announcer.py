"""Announce end dates that have passed. The sweep does it, since no request saves the subscription then."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.rate.ports import AnnouncedEnds, Ratings
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.decisions import total
from fusion_billing.currencies import with_digits
from fusion_billing.instants import rfc3339
from fusion_billing.webhooks.publishing import EventPublisher

WAIT = timedelta(hours=24)
"""How long to wait for Odoo to close the subscription, which announces the end with its reason."""

FOR = timedelta(days=14)
"""How old an end may be to be announced. Ends from before an upgrade are not."""


@dataclass(frozen=True, slots=True)
class EndAnnouncer:
    """Announces each end of a subscription once."""

    ratings: Ratings
    announced: AnnouncedEnds
    outbox: EventPublisher

    def announce(self, subscription: BilledSubscription, now: datetime) -> bool:
        """Announce that a subscription's end date has passed; return whether this call announced it.

        A subscription that was closed, or that stopped earlier, was announced when that was saved.
        """
        ends = subscription.ends
        if ends is None or subscription.is_over or subscription.rated_until != ends:
            return False
        if not ends + WAIT <= now <= ends + FOR or self.announced.of(subscription.id) == ends:
            return False
        priced, opened = subscription.priced, subscription.calendar.open.start
        unbilled = total(rating.amount for rating in self.ratings.in_period(subscription.id, opened))
        data = {
            "odoo_order_id": priced.odoo_order_id,
            "ended_at": rfc3339(ends),
            "reason": "end_date",
            "unbilled_amount": with_digits(unbilled, priced.currency),
            "currency": priced.currency,
        }
        prepared = self.outbox.prepare(
            "subscription.ended", subscription=subscription.id, plan=priced.plan, metric=None, data=data, now=now
        )
        if not self.announced.announce(subscription.id, ends, prepared.writes):
            return False
        self.outbox.wake_up(prepared)
        return True
