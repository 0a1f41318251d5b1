"""Saving a subscription: its calendar brought up to date, events told, rating asked to look again.

The API's `PUT` and the synchronisation with Odoo both save through this. It is safe to repeat, and to cut
short at any place: what is stored is consistent after each transaction, and the next save goes on from it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from fusion_billing.calendar.advance import advance, first_seen, newly_invoiced
from fusion_billing.calendar.calendar import Period
from fusion_billing.calendar.states import stopped_at
from fusion_billing.definitions.subscription import Subscription
from fusion_billing.errors import Unavailable
from fusion_billing.instants import rfc3339
from fusion_billing.store.subscriptions import Origin, Outdated, StoredSubscription, SubscriptionStore
from fusion_billing.webhooks.outbox import Prepared, Tells

Outcome = Literal["created", "updated", "unchanged"]

INSURANCE_SECONDS = 60
"""Rating is asked to look again twice: after a save, and by a message sent before it with this delay, so
that nothing is missed where the process dies in between, or the queue can't be reached after it."""

_TRIES = 5
_FIRST_PAUSE = 0.02

Guard = Callable[[StoredSubscription | None], None]


def _unguarded(_: StoredSubscription | None) -> None:
    """Let everything be written."""


class Jobs(Protocol):
    """The rating queue; `store.jobs.RatingJobs` is one."""

    def subscription(self, subscription: str, *, delay: int = 0) -> None:
        """Ask for a subscription to be rated again, after `delay` seconds."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a save did: the subscription as it is now, and the periods that it closed."""

    stored: StoredSubscription
    outcome: Outcome
    closed: tuple[Period, ...] = ()


class SubscriptionWriter:
    """Saves subscriptions."""

    def __init__(
        self,
        store: SubscriptionStore,
        outbox: Tells,
        jobs: Jobs,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._jobs = jobs
        self._pause = pause

    def save(
        self, wanted: Subscription, *, origin: Origin, now: datetime, guard: Guard = _unguarded
    ) -> Saved:
        """Create or replace a subscription; where nothing changed, nothing is written or told.

        `origin` is who asks. What Odoo does not know (overrides) stays when it is Odoo's; a subscription
        keeps the origin it was created with. `guard` sees what is stored before anything is written over it,
        and may raise. Raises `OrderTaken`, and `Unavailable`.
        """
        for attempt in range(_TRIES):
            try:
                return self._save(wanted, origin, now, guard)
            except (Outdated, Unavailable):
                if attempt == _TRIES - 1:
                    raise
                self._pause(_FIRST_PAUSE * 2**attempt)
        raise AssertionError

    def _save(self, wanted: Subscription, origin: Origin, now: datetime, guard: Guard) -> Saved:
        first = stored = self._store.get(wanted.id)
        guard(stored)
        if origin == "odoo" and stored is not None:
            wanted = with_what_odoo_lacks(wanted, stored.subscription)
        closed: tuple[Period, ...] = ()
        if next_state(stored, wanted, origin, now) is not None:
            self._jobs.subscription(wanted.id, delay=INSURANCE_SECONDS)
        while (new := next_state(stored, wanted, origin, now)) is not None:
            closed += self._write(stored, new, now)
            stored = new
        if stored is None:
            raise AssertionError
        if stored is first:
            return Saved(stored, "unchanged")
        with suppress(Unavailable):  # it is stored, and the message sent before stands for this one
            self._jobs.subscription(stored.id)
        return Saved(stored, "created" if first is None else "updated", closed)

    def _write(
        self, stored: StoredSubscription | None, new: StoredSubscription, now: datetime
    ) -> tuple[Period, ...]:
        closed = () if stored is None else newly_invoiced(stored.calendar, new.calendar)
        prepared = [self._period_invoiced(new, period, now) for period in closed]
        if stored is None or stored.subscription != new.subscription:
            prepared.append(self._subscription_updated(new, now))
        self._store.put(new, stored, _writes(prepared))
        for each in prepared:
            self._outbox.nudge(each)
        return closed

    def _period_invoiced(self, new: StoredSubscription, period: Period, now: datetime) -> Prepared:
        data = {
            "period_start": rfc3339(period.start),
            "period_end": rfc3339(period.end),
            "invoiced_at": rfc3339(now),
        }
        return self._event("period.invoiced", new, data, now)

    def _subscription_updated(self, new: StoredSubscription, now: datetime) -> Prepared:
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
        return self._outbox.prepare(
            type_, subscription=new.id, plan=new.subscription.plan, metric=None, data=data, now=now
        )


def next_state(
    stored: StoredSubscription | None, wanted: Subscription, origin: Origin, now: datetime
) -> StoredSubscription | None:
    """Return what to store next on the way from `stored` to `wanted`, None where it is there already.

    More than one step is due only where many periods were invoiced at once.
    """
    if stored is None:
        stopped = stopped_at(wanted.state, None, None, now)
        return StoredSubscription(wanted, first_seen(wanted.terms), origin, 1, stopped)
    new = replace(
        stored,
        subscription=wanted,
        calendar=advance(stored.calendar, wanted.terms, now),
        stopped=stopped_at(wanted.state, stored.subscription.state, stored.stopped, now),
    )
    return None if new == stored else replace(new, version=stored.version + 1)


def with_what_odoo_lacks(read: Subscription, stored: Subscription) -> Subscription:
    """Return a subscription read from Odoo with what only the API sets: its overrides."""
    return read.model_copy(update={"overrides": stored.overrides})


def _writes(prepared: Sequence[Prepared]) -> list[Any]:
    return [write for each in prepared for write in each.writes]
