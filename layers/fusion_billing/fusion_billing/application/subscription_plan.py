"""What saving a subscription stores: a pure plan, from what is stored and what is requested."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from fusion_billing.billing_periods.advance import (
    MAX_CLOSED_AT_ONCE,
    advance,
    first_seen,
    newly_invoiced,
    periods_closed,
)
from fusion_billing.billing_periods.subscription_states import stopped_at
from fusion_billing.catalog.change import Author, changed_fields
from fusion_billing.catalog.identifiers import MAX_ALIASES, is_subscription_id
from fusion_billing.catalog.stored_subscription import Origin, StoredSubscription
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.subscription_history import (
    ChainedOrder,
    PlanChange,
    changed_plan,
    corrected_change,
)
from fusion_billing.errors import Fault, Refused

Guard = Callable[[StoredSubscription | None], None]


def unguarded(_: StoredSubscription | None) -> None:
    """Let everything be written."""


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
class SaveRequest:
    """A subscription to create or replace.

    Attributes:
        subscription: The definition.
        origin: Who requests it. Fields that Odoo does not know (overrides) stay if it is Odoo; a subscription keeps
            the origin that it was created with.
        now: When.
        guard: Sees what is stored before anything is written over it, and may raise.
        chain: What is known of its orders.
        author: Whom its history names; None: the origin.
    """

    subscription: Subscription
    origin: Origin
    now: datetime
    guard: Guard = unguarded
    chain: Chain = UNCHANGED
    author: Author | None = None

    def without(self, alias: str) -> "SaveRequest":
        """Return the same request without an alias that another subscription has."""
        return replace(self, chain=replace(self.chain, untaken=self.chain.untaken | {alias}))


def is_required(request: SaveRequest, alias: str) -> bool:
    """Return whether a request fails without an alias: what only an order gives is given up instead."""
    return alias in (request.subscription.aliases or ()) or alias in request.chain.untaken


def check_reach(stored: StoredSubscription | None, requested: Subscription) -> None:
    """Raise `Refused` if a save would close too many periods."""
    if stored is not None and periods_closed(stored.calendar, requested.terms) > MAX_CLOSED_AT_ONCE:
        message = f"must not be more than {MAX_CLOSED_AT_ONCE} billing periods after the one that is stored"
        raise Refused([Fault("next_invoice_date", "out_of_range", message)])


def next_state(
    stored: StoredSubscription | None,
    requested: Subscription,
    origin: Origin,
    now: datetime,
    chain: Chain = UNCHANGED,
) -> StoredSubscription | None:
    """Return what to store next on the way from `stored` to `wanted`, or None if nothing changes.

    It takes more than one step only if many periods were invoiced at once.
    """
    orders = _orders(stored, requested, chain)
    order_aliases = tuple(_order_aliases(stored, requested, orders, chain))
    requested = _with_its_own_aliases(requested, order_aliases)
    if stored is None:
        return StoredSubscription(
            requested,
            first_seen(requested.terms),
            origin,
            1,
            stopped_at(requested.state, None, None, now),
            orders,
            _first_plans(requested, orders, chain),
            order_aliases,
        )
    new = replace(
        stored,
        subscription=requested,
        calendar=advance(stored.calendar, requested.terms, now, rated_from=stored.subscription.rated_from),
        stopped=stopped_at(requested.state, stored.subscription.state, stored.stopped, now),
        orders=orders,
        plan_history=_plan_history(stored, requested, orders, chain, now),
        order_aliases=order_aliases,
    )
    return None if new == stored else replace(new, version=stored.version + 1, is_current=True)


def cause_of_change(stored: StoredSubscription | None, new: StoredSubscription) -> str:
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
    remaining = {"overrides": stored.overrides, "aliases": stored.aliases, "billed_from": stored.billed_from}
    return read.model_copy(update=remaining)


def _orders(stored: StoredSubscription | None, requested: Subscription, chain: Chain) -> tuple[ChainedOrder, ...]:
    """Return the chain of orders; empty if the subscription has only one order."""
    if chain.orders is not None:
        return chain.orders if len(chain.orders) > 1 else ()
    if stored is None:
        return ()
    running = requested.odoo_order_id
    if any(order.odoo_order_id == running for order in stored.orders):
        return stored.orders
    before = stored.subscription.odoo_order_id  # another number for the order that runs is a correction
    return tuple(
        replace(order, odoo_order_id=running) if order.odoo_order_id == before else order for order in stored.orders
    )


def _order_aliases(
    stored: StoredSubscription | None,
    requested: Subscription,
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
    room = MAX_ALIASES - len(requested.aliases or ())
    every = dict.fromkeys((str(requested.odoo_order_id), *ids, *references))
    found = [
        alias for alias in every if alias != requested.id and alias not in chain.untaken and is_subscription_id(alias)
    ]
    yield from sorted(found[:room])


def _with_its_own_aliases(requested: Subscription, order_aliases: Sequence[str]) -> Subscription:
    """Return the definition without the aliases that its orders give it anyway, which a body may repeat."""
    own = tuple(alias for alias in requested.aliases or () if alias not in order_aliases and alias != requested.id)
    return requested if own == (requested.aliases or ()) else requested.model_copy(update={"aliases": own or None})


def _plan_history(
    stored: StoredSubscription,
    requested: Subscription,
    orders: Sequence[ChainedOrder],
    chain: Chain,
    now: datetime,
) -> tuple[PlanChange, ...]:
    before, history = stored.subscription.plan, stored.plan_history
    if chain.plan_from is None:
        # A renewal brings its plan with it, from the day it begins.
        for order in _taken_over(orders, stored.subscription.odoo_order_id, requested.odoo_order_id):
            plan = chain.plans.get(order.odoo_order_id, requested.plan)
            history = changed_plan(history, before, plan, order.start)
        return _normal(_settled(history, before, requested.plan, now))
    if requested.plan == before:
        return _normal(corrected_change(history, chain.plan_from))
    return _normal(changed_plan(history, before, requested.plan, chain.plan_from))


def _settled(history: tuple[PlanChange, ...], before: str, plan: str, now: datetime) -> tuple[PlanChange, ...]:
    last = history[-1].plan if history else before
    return history if last == plan else changed_plan(history, before, plan, now)


def _first_plans(requested: Subscription, orders: Sequence[ChainedOrder], chain: Chain) -> tuple[PlanChange, ...]:
    """Return the plans of a subscription seen for the first time, as its orders have them."""
    serving = [order for order in orders if order.kind != "upsell"]
    known = [order for order in serving if order.odoo_order_id in chain.plans]
    history: tuple[PlanChange, ...] = ()
    for order in known:
        plan = chain.plans[order.odoo_order_id]
        history = changed_plan(history, plan, plan, order.start) if history else (PlanChange(plan, None),)
        if order.odoo_order_id == requested.odoo_order_id:
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
