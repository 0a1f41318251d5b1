"""The events that saving a subscription publishes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fusion_billing.application.ports import AnnouncedEnds
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.billing_periods.subscription_states import CHURNED, RENEWED
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.instants import rfc3339
from fusion_billing.webhooks.publishing import EventPublisher, Prepared

_REASONS = {RENEWED: "renewed", CHURNED: "churned"}


@dataclass(frozen=True, slots=True)
class SubscriptionEvents:
    """Prepares the events of a change.

    Attributes:
        outbox: Where events go.
        unbilled: Returns what of a subscription is rated and not invoiced, as a decimal; None: events leave it out.
        announced: The ends that were announced before; None: every end is announced here.
    """

    outbox: EventPublisher
    unbilled: Callable[[StoredSubscription], str | None] | None = None
    announced: AnnouncedEnds | None = None

    def of(
        self, new: StoredSubscription, stored: StoredSubscription | None, closed: tuple[Period, ...], now: datetime
    ) -> list[Prepared]:
        """Return the events of a change from `stored` to `new` that closes the periods `closed`."""
        prepared = [self._period_invoiced(new, period, now) for period in closed]
        if stored is None or stored.subscription != new.subscription:
            prepared.append(self._updated(new, now))
        if stored is not None:
            prepared += self._renewal(new, stored, now)
            if new.is_over and not stored.is_over and new.ends is not None:
                prepared += self._end(new, new.ends, now)
        return prepared

    def _renewal(self, new: StoredSubscription, stored: StoredSubscription, now: datetime) -> list[Prepared]:
        after, before = new.subscription, stored.subscription
        order = next((order for order in new.orders if order.odoo_order_id == after.odoo_order_id), None)
        if order is None or order.kind != "renewal" or before.odoo_order_id == after.odoo_order_id:
            return []
        data = {
            "odoo_order_id": after.odoo_order_id,
            "previous_odoo_order_id": before.odoo_order_id,
            "renewed_at": rfc3339(order.start),
            "plan": after.plan,
            "currency": after.currency,
        }
        return [self._event("subscription.renewed", new, data, now)]

    def _end(self, new: StoredSubscription, ended_at: datetime, now: datetime) -> list[Prepared]:
        """Return the event of an end; none if rating announced it when its end date passed."""
        if self.announced is not None and self.announced.of(new.id) == ended_at:
            return []
        data = {
            "odoo_order_id": new.subscription.odoo_order_id,
            "ended_at": rfc3339(ended_at),
            "reason": _REASONS[new.subscription.state],
            "currency": new.subscription.currency,
        }
        unbilled = self.unbilled(new) if self.unbilled is not None else None
        data |= {} if unbilled is None else {"unbilled_amount": unbilled}
        event = self._event("subscription.ended", new, data, now)
        if self.announced is None:
            return [event]
        # If rating announces it first, this write fails, and the save starts again.
        return [replace(event, writes=[*event.writes, self.announced.note(new.id, ended_at)])]

    def _period_invoiced(self, new: StoredSubscription, period: Period, now: datetime) -> Prepared:
        data = {
            "period_start": rfc3339(period.start),
            "period_end": rfc3339(period.end),
            "invoiced_at": rfc3339(now),
        }
        return self._event("period.invoiced", new, data, now)

    def _updated(self, new: StoredSubscription, now: datetime) -> Prepared:
        data = {
            "odoo_order_id": new.subscription.odoo_order_id,
            "plan": new.subscription.plan,
            "state": new.subscription.state,
            "currency": new.subscription.currency,
            "next_invoice_date": new.subscription.next_invoice_date.isoformat(),
            "version": new.version,
        }
        return self._event("subscription.updated", new, data, now)

    def _event(self, type_: str, new: StoredSubscription, data: Mapping[str, Any], now: datetime) -> Prepared:
        return self.outbox.prepare(
            type_, subscription=new.id, plan=new.subscription.plan, metric=None, data=data, now=now
        )
