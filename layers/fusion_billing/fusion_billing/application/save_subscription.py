"""Saving a subscription: its calendar brought up to date, events told, rating asked to look again.

The API's `PUT` and the synchronisation with Odoo both save through this. It is safe to repeat, and to cut
short at any place: what is stored is consistent after each transaction, and the next save goes on from it.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from fusion_billing.application.outbox import Prepared, Tells
from fusion_billing.billing_periods.advance import (
    MAX_CLOSED_AT_ONCE,
    advance,
    close_open,
    first_seen,
    newly_invoiced,
    periods_closed,
)
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.billing_periods.subscription_states import CHURNED, RENEWED, stopped_at
from fusion_billing.catalog.change import Author, changed_fields
from fusion_billing.catalog.identifiers import MAX_ALIASES, is_subscription_id
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.subscription_history import (
    ChainedOrder,
    PlanChange,
    changed_plan,
    corrected_change,
)
from fusion_billing.dynamodb.catalog.subscriptions import (
    Origin,
    StoredSubscription,
    SubscriptionStore,
)
from fusion_billing.dynamodb.ratings.announced_ends import AnnouncedEnds
from fusion_billing.errors import AliasTaken, Fault, OrderTaken, Refused, Unavailable, VersionConflict
from fusion_billing.instants import rfc3339

Outcome = Literal["created", "updated", "unchanged"]

INSURANCE_SECONDS = 60
"""Rating is asked to look again twice: after a save, and by a message sent before it with this delay, so
that nothing is missed where the process dies in between, or the queue can't be reached after it."""

_REASONS = {RENEWED: "renewed", CHURNED: "churned"}

_TRIES = 5
_FIRST_PAUSE = 0.02

Guard = Callable[[StoredSubscription | None], None]


def _unguarded(_: StoredSubscription | None) -> None:
    """Let everything be written."""


class Jobs(Protocol):
    """The rating queue; `messaging.rating_jobs.RatingJobs` is one."""

    def subscription(self, subscription: str, *, delay: int = 0) -> None:
        """Ask for a subscription to be rated again, after `delay` seconds."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What is known of a subscription's orders beside its definition.

    `orders` is the whole chain (None: as it is stored), `references` what people call them, `plans` on which
    plan each is. `plan_from` is when its plan came into force (None: when that is seen).
    """

    orders: tuple[ChainedOrder, ...] | None = None
    references: tuple[str, ...] = ()
    plans: Mapping[int, str] = field(default_factory=dict)
    plan_from: datetime | None = None
    untaken: frozenset[str] = frozenset()
    """References and order ids that are another subscription's id or alias: they stay its."""


UNCHANGED = Chain()


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
        unbilled: Callable[[StoredSubscription], str | None] | None = None,
        announced: AnnouncedEnds | None = None,
    ) -> None:
        """Make one.

        Args:
            store: Where subscriptions are kept.
            outbox: Where events go.
            jobs: The rating queue.
            pause: Waits for some seconds before another attempt.
            unbilled: Tells what of a subscription is rated and not invoiced, as a decimal.
            announced: Which ends were announced already; None: all are announced here.
        """
        self._store = store
        self._outbox = outbox
        self._jobs = jobs
        self._pause = pause
        self._unbilled = unbilled
        self._announced = announced

    def save(
        self,
        wanted: Subscription,
        *,
        origin: Origin,
        now: datetime,
        guard: Guard = _unguarded,
        chain: Chain = UNCHANGED,
        author: Author | None = None,
    ) -> Saved:
        """Create or replace a subscription; where nothing changed, nothing is written or told.

        `origin` is who asks, `author` what its history says of it (None: the origin). What Odoo does not
        know (overrides) stays when it is Odoo's; a subscription keeps the origin it was created with. `guard`
        sees what is stored before anything is written over it, and may raise. Raises `OrderTaken`,
        `AliasTaken`, `Refused` (`out_of_range`) where it would close too many periods, and `Unavailable`.
        """
        attempt = 0
        while True:
            try:
                return self._save(wanted, origin, now, guard, chain, author or Author(origin))
            except AliasTaken as taken:
                if taken.alias in (wanted.aliases or ()) or taken.alias in chain.untaken:
                    raise
                # What an order gives is given up: it is no reason not to bill the subscription.
                chain = replace(chain, untaken=chain.untaken | {taken.alias})
            except (VersionConflict, Unavailable):
                attempt += 1
                if attempt == _TRIES:
                    raise
                self._pause(_FIRST_PAUSE * 2 ** (attempt - 1))

    def close_last_period(self, subscription: str, start: datetime, *, now: datetime) -> bool:
        """Close the open period of an ended subscription whose final invoice was seen.

        Odoo does not move `next_invoice_date` then. What is still found to be due of the period is
        adjusted in the one that opens.

        Args:
            subscription: Its id.
            start: The start of the period that the invoiced line is of. If another is open, it is
                closed already, and nothing is done.
            now: When the invoice was seen.

        Returns whether the period was closed by this call. Raises `Unavailable`, and `VersionConflict` where others
        keep writing the subscription.
        """
        attempt = 0
        while True:
            try:
                return self._close_last_period(subscription, start, now)
            except (VersionConflict, Unavailable):
                attempt += 1
                if attempt == _TRIES:
                    raise
                self._pause(_FIRST_PAUSE * 2 ** (attempt - 1))

    def _close_last_period(self, subscription: str, start: datetime, now: datetime) -> bool:
        stored = self._store.get(subscription)
        if stored is None or not stored.has_ended(now) or start not in stored.calendar.open_starts:
            return False
        self._jobs.subscription(stored.id, delay=INSURANCE_SECONDS)
        closed = close_open(stored.calendar, now, rated_from=stored.subscription.rated_from)
        new = replace(stored, calendar=closed, version=stored.version + 1, is_current=True)
        self._write(stored, new, now, Author("odoo"))
        with suppress(Unavailable):  # it is stored, and the message sent before stands for this one
            self._jobs.subscription(stored.id)
        return True

    def planned(
        self,
        wanted: Subscription,
        *,
        origin: Origin,
        now: datetime,
        guard: Guard = _unguarded,
        chain: Chain = UNCHANGED,
    ) -> tuple[StoredSubscription | None, StoredSubscription | None]:
        """Return what is stored, and what `save` would store over it (None: nothing); writes nothing.

        Raises as `save` does.
        """
        first = stored = self._store.get(wanted.id)
        if stored is None and self._store.alias_of(wanted.id) is not None:
            raise AliasTaken(wanted.id)
        guard(stored)
        _check_reach(stored, wanted)
        if self._store.of_order(wanted.odoo_order_id) not in {None, wanted.id}:
            raise OrderTaken("this order is another subscription's already")
        while (new := next_state(stored, wanted, origin, now, chain)) is not None:
            stored = new
        return first, None if stored is first else stored

    def _save(  # noqa: PLR0917  what `save` was given
        self,
        wanted: Subscription,
        origin: Origin,
        now: datetime,
        guard: Guard,
        chain: Chain,
        author: Author,
    ) -> Saved:
        first = stored = self._store.get(wanted.id)
        if stored is None and self._store.alias_of(wanted.id) is not None:
            raise AliasTaken(wanted.id)
        guard(stored)
        _check_reach(stored, wanted)
        if origin == "odoo" and stored is not None:
            wanted = with_what_odoo_lacks(wanted, stored.subscription)
        closed: tuple[Period, ...] = ()
        if next_state(stored, wanted, origin, now, chain) is not None:
            self._jobs.subscription(wanted.id, delay=INSURANCE_SECONDS)
        while (new := next_state(stored, wanted, origin, now, chain)) is not None:
            closed += self._write(stored, new, now, author)
            stored = new
        if stored is None:
            raise AssertionError
        if not stored.is_current:
            # Stored by an earlier version: pushes need what its item did not have.
            self._store.put(stored, stored)
        if stored is first:
            return Saved(stored, "unchanged")
        with suppress(Unavailable):  # it is stored, and the message sent before stands for this one
            self._jobs.subscription(stored.id)
        return Saved(stored, "created" if first is None else "updated", closed)

    def _write(
        self, stored: StoredSubscription | None, new: StoredSubscription, now: datetime, author: Author
    ) -> tuple[Period, ...]:
        closed = () if stored is None else newly_invoiced(stored.calendar, new.calendar)
        prepared = [self._period_invoiced(new, period, now) for period in closed]
        if stored is None or stored.subscription != new.subscription:
            prepared.append(self._subscription_updated(new, now))
        if stored is not None:
            prepared += self._turning_points(new, stored, now)
        self._store.put(new, stored, _writes(prepared), author.change(now, _cause(stored, new)))
        for each in prepared:
            self._outbox.wake_up(each)
        return closed

    def _turning_points(self, new: StoredSubscription, stored: StoredSubscription, now: datetime) -> list[Prepared]:
        """Return the events of a renewal and of an end."""
        after, before = new.subscription, stored.subscription
        prepared = []
        order = next((each for each in new.orders if each.odoo_order_id == after.odoo_order_id), None)
        if order is not None and order.kind == "renewal" and before.odoo_order_id != after.odoo_order_id:
            data = {
                "odoo_order_id": after.odoo_order_id,
                "previous_odoo_order_id": before.odoo_order_id,
                "renewed_at": rfc3339(order.start),
                "plan": after.plan,
                "currency": after.currency,
            }
            prepared.append(self._event("subscription.renewed", new, data, now))
        if new.is_over and not stored.is_over and new.ends is not None:
            prepared += self._end(new, new.ends, now)
        return prepared

    def _end(self, new: StoredSubscription, ended_at: datetime, now: datetime) -> list[Prepared]:
        """Return the event of an end; none where rating announced it, its end date having passed before."""
        if self._announced is not None and self._announced.of(new.id) == ended_at:
            return []
        data = {
            "odoo_order_id": new.subscription.odoo_order_id,
            "ended_at": rfc3339(ended_at),
            "reason": _REASONS[new.subscription.state],
            "currency": new.subscription.currency,
        }
        unbilled = self._unbilled(new) if self._unbilled is not None else None
        data |= {} if unbilled is None else {"unbilled_amount": unbilled}
        event = self._event("subscription.ended", new, data, now)
        if self._announced is None:
            return [event]
        # Where rating is faster this fails, and the save begins again.
        return [replace(event, writes=[*event.writes, self._announced.note(new.id, ended_at)])]

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


def _check_reach(stored: StoredSubscription | None, wanted: Subscription) -> None:
    if stored is not None and periods_closed(stored.calendar, wanted.terms) > MAX_CLOSED_AT_ONCE:
        message = f"must not be more than {MAX_CLOSED_AT_ONCE} billing periods after the one that is stored"
        raise Refused([Fault("next_invoice_date", "out_of_range", message)])


def next_state(
    stored: StoredSubscription | None,
    wanted: Subscription,
    origin: Origin,
    now: datetime,
    chain: Chain = UNCHANGED,
) -> StoredSubscription | None:
    """Return what to store next on the way from `stored` to `wanted`, None where it is there already.

    More than one step is due only where many periods were invoiced at once.
    """
    orders = _orders(stored, wanted, chain)
    order_aliases = tuple(_order_aliases(stored, wanted, orders, chain))
    wanted = _with_its_own_aliases(wanted, order_aliases)
    if stored is None:
        return StoredSubscription(
            wanted,
            first_seen(wanted.terms),
            origin,
            1,
            stopped_at(wanted.state, None, None, now),
            orders,
            _first_plans(wanted, orders, chain),
            order_aliases,
        )
    new = replace(
        stored,
        subscription=wanted,
        calendar=advance(stored.calendar, wanted.terms, now, rated_from=stored.subscription.rated_from),
        stopped=stopped_at(wanted.state, stored.subscription.state, stored.stopped, now),
        orders=orders,
        plan_history=_plan_history(stored, wanted, orders, chain, now),
        order_aliases=order_aliases,
    )
    return None if new == stored else replace(new, version=stored.version + 1, is_current=True)


def _cause(stored: StoredSubscription | None, new: StoredSubscription) -> str:
    """Return what the history says of a change."""
    if stored is None:
        return "created"
    fields = changed_fields(stored.subscription.as_json(), new.subscription.as_json())
    words = [f"changed {', '.join(fields)}"] if fields else []
    if newly_invoiced(stored.calendar, new.calendar):
        words.append("a period was invoiced")
    if stored.orders != new.orders:
        words.append("its orders changed")
    return "; ".join(words) or "its periods or names changed"


def with_what_odoo_lacks(read: Subscription, stored: Subscription) -> Subscription:
    """Return a subscription read from Odoo with what only the API sets."""
    kept = {"overrides": stored.overrides, "aliases": stored.aliases, "billed_from": stored.billed_from}
    return read.model_copy(update=kept)


def _orders(stored: StoredSubscription | None, wanted: Subscription, chain: Chain) -> tuple[ChainedOrder, ...]:
    """Return the chain; empty where there is the one order alone."""
    if chain.orders is not None:
        return chain.orders if len(chain.orders) > 1 else ()
    if stored is None:
        return ()
    running = wanted.odoo_order_id
    if any(order.odoo_order_id == running for order in stored.orders):
        return stored.orders
    before = stored.subscription.odoo_order_id  # another number for the order that runs is a correction
    return tuple(
        replace(order, odoo_order_id=running) if order.odoo_order_id == before else order for order in stored.orders
    )


def _order_aliases(
    stored: StoredSubscription | None,
    wanted: Subscription,
    orders: Sequence[ChainedOrder],
    chain: Chain,
) -> Iterable[str]:
    """Yield what the orders are called: their ids, and their references as far as those can be ids.

    References seen before stay. Where there are too many, the newest orders' are found.
    """
    known = stored.order_aliases if stored is not None and chain.orders is None else ()
    upsells = [order for order in orders if order.kind == "upsell"]
    serving = [order for order in orders if order.kind != "upsell"]
    ids = [str(order.odoo_order_id) for order in (*reversed(serving), *reversed(upsells))]
    references = [each for each in (*chain.references, *known) if not each.isdecimal()]
    room = MAX_ALIASES - len(wanted.aliases or ())
    every = dict.fromkeys((str(wanted.odoo_order_id), *ids, *references))
    found = [
        alias for alias in every if alias != wanted.id and alias not in chain.untaken and is_subscription_id(alias)
    ]
    yield from sorted(found[:room])


def _with_its_own_aliases(wanted: Subscription, order_aliases: Sequence[str]) -> Subscription:
    """Return the definition without the aliases that its orders give it anyway, which a body may repeat."""
    own = tuple(alias for alias in wanted.aliases or () if alias not in order_aliases and alias != wanted.id)
    return wanted if own == (wanted.aliases or ()) else wanted.model_copy(update={"aliases": own or None})


def _plan_history(
    stored: StoredSubscription,
    wanted: Subscription,
    orders: Sequence[ChainedOrder],
    chain: Chain,
    now: datetime,
) -> tuple[PlanChange, ...]:
    before, history = stored.subscription.plan, stored.plan_history
    if chain.plan_from is None:
        # A renewal brings its plan with it, from the day it begins.
        for order in _taken_over(orders, stored.subscription.odoo_order_id, wanted.odoo_order_id):
            plan = chain.plans.get(order.odoo_order_id, wanted.plan)
            history = changed_plan(history, before, plan, order.start)
        return _normal(_settled(history, before, wanted.plan, now))
    if wanted.plan == before:
        return _normal(corrected_change(history, chain.plan_from))
    return _normal(changed_plan(history, before, wanted.plan, chain.plan_from))


def _settled(history: tuple[PlanChange, ...], before: str, plan: str, now: datetime) -> tuple[PlanChange, ...]:
    last = history[-1].plan if history else before
    return history if last == plan else changed_plan(history, before, plan, now)


def _first_plans(wanted: Subscription, orders: Sequence[ChainedOrder], chain: Chain) -> tuple[PlanChange, ...]:
    """Return the plans of a subscription seen for the first time, as its orders have them."""
    serving = [order for order in orders if order.kind != "upsell"]
    known = [order for order in serving if order.odoo_order_id in chain.plans]
    history: tuple[PlanChange, ...] = ()
    for order in known:
        plan = chain.plans[order.odoo_order_id]
        history = changed_plan(history, plan, plan, order.start) if history else (PlanChange(plan, None),)
        if order.odoo_order_id == wanted.odoo_order_id:
            break
    return _normal(history)


def _taken_over(orders: Sequence[ChainedOrder], before: int, running: int) -> Sequence[ChainedOrder]:
    """Return the orders that took over since `before` ran; none where that is unknown, or runs again."""
    serving = [order for order in orders if order.kind != "upsell"]
    ids = [order.odoo_order_id for order in serving]
    if before not in ids or running not in ids:
        return ()
    return serving[ids.index(before) + 1 : ids.index(running) + 1]


def _normal(history: tuple[PlanChange, ...]) -> tuple[PlanChange, ...]:
    return history if len(history) > 1 else ()


def _writes(prepared: Sequence[Prepared]) -> list[Any]:
    return [write for each in prepared for write in each.writes]
