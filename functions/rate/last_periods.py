"""Last periods of ended subscriptions for which no final invoice will be seen: the relay closes them.

A final invoice closes the last period. But nothing is invoiced where nothing is due, and what an earlier
release saw invoiced is not looked at again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.rate.ports import Queue, Ratings
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.rating import StoredRating
from fusion_billing.instants import rfc3339

WAIT = timedelta(hours=24)
"""How long after its end a last period is left open: usage of its last hours is still pushed."""


@dataclass(frozen=True, slots=True)
class LastPeriods:
    """Asks for last periods to be closed."""

    ratings: Ratings
    relay: Queue

    def close(self, customer: BilledSubscription, now: datetime) -> bool:
        """Ask for the open period of an ended subscription to be closed, if no invoice of it is to come.

        It lived in that period: the one after the last holds adjustments alone, and needs no closing. Returns
        whether it was asked; asked again, nothing happens. Raises `Unavailable`.
        """
        opened = customer.calendar.open
        if not customer.has_ended(now) or not customer.is_rated_in(opened) or now < opened.end + WAIT:
            return False
        if not all(_is_done(rating) for rating in self.ratings.in_period(customer.id, opened.start)):
            return False
        message = {"job": "close", "subscription": customer.id, "period_start": rfc3339(opened.start)}
        self.relay.send([message])
        return True


def _is_done(rating: StoredRating) -> bool:
    """Tell whether nothing is to be sent or invoiced: there is nothing due, or its final invoice was seen."""
    is_sent = rating.line.state in {None, "sent"} and rating.amount == rating.billed and not rating.unresolved
    return is_sent and (rating.amount.is_zero() or rating.document.needs_final_invoice)
