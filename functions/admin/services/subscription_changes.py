"""Read the fields of a body that change a subscription's chain: its orders, and when its plan changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field

from fusion_billing.application.subscription_plan import UNCHANGED, Chain
from fusion_billing.catalog.field_types import Identifier
from fusion_billing.catalog.identifiers import MAX_ORDERS
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.subscription_history import ChainedOrder, OrderKind
from fusion_billing.catalog.valid_from import Start, instant_of
from fusion_billing.catalog.validation import Definition, parse
from fusion_billing.errors import Fault, Refused

ORDERS, PLAN_FROM = "orders", "plan_from"


class OrderLink(Definition):
    """One order of a chain, as a body has it; until when it serves follows from the next one's `from`."""

    odoo_order_id: Identifier
    from_: Annotated[Start, Field(alias="from")]
    until: Start | None = None
    kind: OrderKind | None = None


def without_changes(body: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Return a body's definition, and what it says beside it."""
    beside = {name: body[name] for name in (ORDERS, PLAN_FROM) if body.get(name) is not None}
    return {name: value for name, value in body.items() if name not in (ORDERS, PLAN_FROM)}, beside


def running_order(changes: Mapping[str, object], now: datetime) -> int | None:
    """Return the current order from a body's `orders`; None if the body has no `orders`."""
    orders = changes.get(ORDERS)
    if orders is None:
        return None
    serving = [link for link in _links(orders, "UTC") if link.kind != "upsell"]
    begun = [link.odoo_order_id for link in serving if link.start <= now]
    return begun[-1] if begun else serving[0].odoo_order_id


def chain_of(changes: Mapping[str, object], requested: Subscription, stored: StoredSubscription | None) -> Chain:
    """Return what a body changes of the chain; raises `Refused` with every fault.

    `orders` as they are shown change nothing.
    """
    plan_from = _plan_from(changes, requested, stored)
    raw = changes.get(ORDERS)
    if raw is None:
        return replace(UNCHANGED, plan_from=plan_from)
    links = _links(raw, requested.timezone)
    if stored is not None and links == stored.chain:
        return replace(UNCHANGED, plan_from=plan_from)
    faults = list(_chain_faults(links, requested))
    if faults:
        raise Refused(faults)
    return Chain(orders=links, plan_from=plan_from)


def _plan_from(
    changes: Mapping[str, Any], requested: Subscription, stored: StoredSubscription | None
) -> datetime | None:
    raw = changes.get(PLAN_FROM)
    if raw is None:
        return None
    at = instant_of(parse(_PlanFrom, {PLAN_FROM: raw}).plan_from, requested.timezone)
    if stored is None or (stored.subscription.plan == requested.plan and not stored.plan_history):
        raise Refused([Fault(PLAN_FROM, "invalid_parameter", "can only be set if the plan changes or has changed")])
    return at


class _PlanFrom(Definition):
    plan_from: Start


def _links(raw: object, timezone: str) -> tuple[ChainedOrder, ...]:
    if not isinstance(raw, list):
        raise Refused([Fault(ORDERS, "not_a_list", "must be a list")])
    if not raw:
        raise Refused([Fault(ORDERS, "empty", "must not be empty")])
    if len(raw) > MAX_ORDERS:
        raise Refused([Fault(ORDERS, "too_many", f"must have at most {MAX_ORDERS} entries")])
    faults: list[Fault] = []
    links: list[OrderLink] = []
    for index, each in enumerate(raw):
        try:
            links.append(parse(OrderLink, each))
        except Refused as refused:
            faults += [fault.under(f"{ORDERS}.{index}") for fault in refused.faults]
    if faults:
        raise Refused(faults)
    starts = [_instant(link, timezone) for link in links]
    kinds: list[OrderKind] = [link.kind or ("renewal" if index else "initial") for index, link in enumerate(links)]
    return tuple(
        ChainedOrder(link.odoo_order_id, start, _end(index, starts, kinds), kind)
        for index, (link, start, kind) in enumerate(zip(links, starts, kinds, strict=True))
    )


def _instant(link: OrderLink, timezone: str) -> datetime:
    start = instant_of(link.from_, timezone)
    if start is None:
        raise AssertionError
    return start


def _end(index: int, starts: Sequence[datetime], kinds: Sequence[OrderKind]) -> datetime | None:
    """Return when the next order takes over; an upsell takes over from none."""
    if kinds[index] == "upsell":
        return None
    following = zip(starts[index + 1 :], kinds[index + 1 :], strict=True)
    return next((start for start, kind in following if kind != "upsell"), None)


def _chain_faults(links: Sequence[ChainedOrder], requested: Subscription) -> Iterable[Fault]:
    ids = [link.odoo_order_id for link in links]
    serving = [link for link in links if link.kind != "upsell"]
    if len(set(ids)) < len(ids):
        yield Fault(ORDERS, "duplicate", "must name each order once")
    if [link.kind for link in serving].count("initial") != 1 or links[0].kind != "initial":
        yield Fault(f"{ORDERS}.0.kind", "unknown_value", "must be initial for the first order and for no other order")
    if any(later.start < link.start for link, later in pairwise(links)):
        yield Fault(ORDERS, "not_ascending", "must be in ascending order of start")
    if requested.odoo_order_id not in [link.odoo_order_id for link in serving]:
        yield Fault(ORDERS, "mismatch", "must contain the order in odoo_order_id as initial or renewal, not as upsell")
