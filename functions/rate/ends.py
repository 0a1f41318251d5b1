"""End dates that pass: announced by the sweep, since nobody saves the subscription then."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.rate.ports import AnnouncedEnds, Ratings
from fusion_billing.application.outbox import Tells
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.decisions import total
from fusion_billing.currencies import with_digits
from fusion_billing.instants import rfc3339

WAIT = timedelta(hours=24)
"""How long an end waits for Odoo to close the subscription, which announces it with its reason."""

FOR = timedelta(days=14)
"""How long ago an end may be that is still announced; what ended before an upgrade is not."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Announces ends, each once."""

    ratings: Ratings
    announced: AnnouncedEnds
    outbox: Tells

    def announce(self, customer: BilledSubscription, now: datetime) -> bool:
        """Announce that a subscription's end date has passed; return whether this call did.

        One whose state says that it is over, or that it stopped before, is left to whoever saved that.
        """
        ends = customer.ends
        if ends is None or customer.is_over or customer.rated_until != ends:
            return False
        if not ends + WAIT <= now <= ends + FOR or self.announced.of(customer.id) == ends:
            return False
        who, opened = customer.who, customer.calendar.open.start
        unbilled = total(rating.amount for rating in self.ratings.in_period(customer.id, opened))
        data = {
            "odoo_order_id": who.odoo_order_id,
            "ended_at": rfc3339(ends),
            "reason": "end_date",
            "unbilled_amount": with_digits(unbilled, who.currency),
            "currency": who.currency,
        }
        prepared = self.outbox.prepare(
            "subscription.ended", subscription=customer.id, plan=who.plan, metric=None, data=data, now=now
        )
        if not self.announced.announce(customer.id, ends, prepared.writes):
            return False
        self.outbox.wake_up(prepared)
        return True
