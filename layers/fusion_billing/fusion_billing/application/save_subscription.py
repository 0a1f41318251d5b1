"""Saves subscriptions: load, plan (`application.subscription_plan`), write, publish events, request ratings.

The API's `PUT` and the synchronization with Odoo both save through this. A save may be repeated, and cut short at any
point: what is stored is consistent after each transaction, and the next save continues from it.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Literal, TypeVar

from fusion_billing.application.ports import AnnouncedEnds, RatingRequests, Subscriptions
from fusion_billing.application.subscription_events import SubscriptionEvents
from fusion_billing.application.subscription_plan import (
    SaveRequest,
    cause_of_change,
    check_reach,
    is_required,
    next_state,
    with_what_odoo_lacks,
)
from fusion_billing.billing_periods.advance import close_open, newly_invoiced
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.catalog.change import Author
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.errors import AliasTaken, Conflict, OrderTaken, Unavailable, VersionConflict
from fusion_billing.retry import RetryPolicy
from fusion_billing.webhooks.publishing import EventPublisher

Outcome = Literal["created", "updated", "unchanged"]
Result = TypeVar("Result")

INSURANCE_SECONDS = 60
"""Rating is requested twice: after a save, and by a message with this delay that is sent before it. Nothing is missed
if the process dies in between, or if the queue cannot be reached after the save."""

_SAVING = RetryPolicy(max_attempts=5, first_pause=0.02)


@dataclass(frozen=True, slots=True)
class Saved:
    """The result of a save: the subscription as it is now, and the periods that were closed."""

    stored: StoredSubscription
    outcome: Outcome
    closed: tuple[Period, ...] = ()


class SubscriptionWriter:
    """Saves subscriptions."""

    def __init__(
        self,
        store: Subscriptions,
        outbox: EventPublisher,
        jobs: RatingRequests,
        *,
        pause: Callable[[float], None] = time.sleep,
        unbilled: Callable[[StoredSubscription], str | None] | None = None,
        announced: AnnouncedEnds | None = None,
    ) -> None:
        """Make a writer.

        Args:
            store: Where subscriptions are stored.
            outbox: Where events go.
            jobs: Where ratings are requested.
            pause: Waits for some seconds between attempts.
            unbilled: Returns what of a subscription is rated and not invoiced, as a decimal.
            announced: The ends that were announced before; None: every end is announced here.
        """
        self._store = store
        self._outbox = outbox
        self._events = SubscriptionEvents(outbox, unbilled, announced)
        self._jobs = jobs
        self._pause = pause

    def save(self, request: SaveRequest) -> Saved:
        """Create or replace a subscription. If nothing changed, nothing is written or published.

        Raises:
            OrderTaken, AliasTaken: Another subscription has the order or the alias.
            Refused: `out_of_range`, the save would close too many periods; or what the request's guard raises.
            Unavailable: The database is throttled, or others keep writing the subscription.
        """
        while True:
            try:
                return self._retried(partial(self._save, request))
            except AliasTaken as taken:
                if is_required(request, taken.alias):
                    raise
                # The subscription is billed without it.
                request = request.without(taken.alias)

    def planned(self, request: SaveRequest) -> tuple[StoredSubscription | None, StoredSubscription | None]:
        """Return what is stored, and what `save` would store over it (None: nothing changes); write nothing.

        Raises as `save` does.
        """
        first = stored = self._load(request)
        self._check_names(request, stored)
        while (new := _next(stored, request)) is not None:
            stored = new
        return first, None if stored is first else stored

    def _check_names(self, request: SaveRequest, stored: StoredSubscription | None) -> None:
        """Raise what the write of a request would if another subscription has one of its orders or aliases."""
        own, known = request.subscription.id, () if stored is None else stored.aliases
        orders = {request.subscription.odoo_order_id, *(order.odoo_order_id for order in request.chain.orders or ())}
        if any(self._store.of_order(order) not in {None, own} for order in sorted(orders)):
            raise OrderTaken("The order belongs to another subscription")
        for alias in request.subscription.aliases or ():
            is_new = alias != own and alias not in known
            if is_new and (self._store.alias_of(alias) not in {None, own} or self._store.get(alias) is not None):
                raise AliasTaken(alias)

    def close_last_period(self, subscription: str, start: datetime, *, now: datetime) -> bool:
        """Close the open period of an ended subscription whose final invoice was seen.

        Odoo does not move `next_invoice_date` then. What is still found to be due of the period is adjusted in the
        one that opens.

        Args:
            subscription: Its ID.
            start: The start of the period that the invoiced line is of. If another period is open, this one is
                closed already, and nothing is done.
            now: When the invoice was seen.

        Returns:
            Whether this call closed the period.

        Raises:
            Unavailable: The database is throttled.
            VersionConflict: Others keep writing the subscription.
        """
        return self._retried(lambda: self._close_last_period(subscription, start, now))

    def _retried(self, work: Callable[[], Result]) -> Result:
        for attempt in _SAVING.attempts(self._pause):
            try:
                return work()
            except (VersionConflict, Unavailable):
                if attempt.is_last:
                    raise
        raise AssertionError

    def _load(self, request: SaveRequest) -> StoredSubscription | None:
        """Return what is stored, once it is seen that the request may be written over it."""
        stored = self._store.get(request.subscription.id)
        if stored is None and self._store.alias_of(request.subscription.id) is not None:
            raise AliasTaken(request.subscription.id)
        request.guard(stored)
        if stored is not None and stored.erased is not None and request.origin == "api":
            raise Conflict("The data of the subscription was erased: it can't be changed")
        check_reach(stored, request.subscription)
        return stored

    def _save(self, request: SaveRequest) -> Saved:
        first = stored = self._load(request)
        if request.origin == "odoo" and stored is not None:
            request = replace(request, subscription=with_what_odoo_lacks(request.subscription, stored.subscription))
        closed: tuple[Period, ...] = ()
        if _next(stored, request) is not None:
            self._jobs.subscription(request.subscription.id, delay=INSURANCE_SECONDS)
        while (new := _next(stored, request)) is not None:
            closed += self._write(stored, new, request.now, request.author or Author(request.origin))
            stored = new
        if stored is None:
            raise AssertionError
        if not stored.is_current:
            # An earlier release stored it without what pushes need.
            self._store.put(stored, stored)
        if stored is first:
            return Saved(stored, "unchanged")
        self._request_rating(stored.id)
        return Saved(stored, "created" if first is None else "updated", closed)

    def _close_last_period(self, subscription: str, start: datetime, now: datetime) -> bool:
        stored = self._store.get(subscription)
        if stored is None or not stored.has_ended(now) or start not in stored.calendar.open_starts:
            return False
        if stored.erased is not None:
            return False
        self._jobs.subscription(stored.id, delay=INSURANCE_SECONDS)
        closed = close_open(stored.calendar, now, rated_from=stored.subscription.rated_from)
        new = replace(stored, calendar=closed, version=stored.version + 1, is_current=True)
        self._write(stored, new, now, Author("odoo"))
        self._request_rating(stored.id)
        return True

    def _write(
        self, stored: StoredSubscription | None, new: StoredSubscription, now: datetime, author: Author
    ) -> tuple[Period, ...]:
        closed = () if stored is None else newly_invoiced(stored.calendar, new.calendar)
        prepared = self._events.of(new, stored, closed, now)
        writes = [write for event in prepared for write in event.writes]
        self._store.put(new, stored, writes, author.change_of(stored, new, now, cause_of_change(stored, new)))
        for event in prepared:
            self._outbox.wake_up(event)
        return closed

    def _request_rating(self, subscription: str) -> None:
        with suppress(Unavailable):  # it is stored, and the message that was sent before stands in for this one
            self._jobs.subscription(subscription)


def _next(stored: StoredSubscription | None, request: SaveRequest) -> StoredSubscription | None:
    if stored is not None and stored.erased is not None:
        return None  # what Odoo still has of the customer is not read again
    return next_state(stored, request.subscription, request.origin, request.now, request.chain)
