"""Request that the relay closes the last periods of ended subscriptions that get no final invoice.

A final invoice closes the last period. But there is no invoice if nothing is due, and an invoice that an
earlier release read is not read again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.rate.ports import Queue, Ratings
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.rating import StoredRating
from fusion_billing.messaging.relay_messages import CloseJob

WAIT = timedelta(hours=24)
"""How long a last period stays open after its end, for usage of its last hours."""


@dataclass(frozen=True, slots=True)
class LastPeriods:
    """Requests that last periods are closed."""

    ratings: Ratings
    relay: Queue

    def close(self, subscription: BilledSubscription, now: datetime) -> bool:
        """Request that the open period of an ended subscription is closed, if no invoice of it is to come.

        Only a period in which the subscription ran is closed: the one after it holds adjustments only. It is
        safe to repeat. Returns whether it was requested; raises `Unavailable`.
        """
        opened = subscription.calendar.open
        if not subscription.has_ended(now) or not subscription.is_rated_in(opened) or now < opened.end + WAIT:
            return False
        if not all(_is_done(rating) for rating in self.ratings.in_period(subscription.id, opened.start)):
            return False
        self.relay.send([CloseJob(subscription=subscription.id, period_start=opened.start)])
        return True


def _is_done(rating: StoredRating) -> bool:
    """Return whether nothing remains to be sent or invoiced: nothing is due, or its final invoice was read."""
    is_sent = rating.line.state in {None, "sent"} and rating.amount == rating.billed and not rating.unresolved
    return is_sent and (rating.amount.is_zero() or rating.document.needs_final_invoice)
