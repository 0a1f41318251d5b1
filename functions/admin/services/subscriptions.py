"""Subscriptions put in by the API; those read from Odoo are seen, and overridden, here too."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from functions.admin.cursors import bad_cursor
from functions.admin.services import put_back, subscription_changes
from functions.admin.services.put_request import PutRequest
from functions.admin.services.write_attempts import attempts
from fusion_billing.access.principal import Principal
from fusion_billing.application.save_subscription import Chain, Saved, SubscriptionWriter
from fusion_billing.catalog.charge import Charge, ChargeOverride
from fusion_billing.catalog.filters import unreachable_filters
from fusion_billing.catalog.identifiers import CODE, MAX_OVERRIDES, SHARD_POSITION, is_subscription_id
from fusion_billing.catalog.overrides import dated
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.subscription_history import ChainedOrder
from fusion_billing.catalog.validation import check_size, parse
from fusion_billing.dynamodb.catalog.definitions import CatalogueStore
from fusion_billing.dynamodb.catalog.subscription_use import SubscriptionUse
from fusion_billing.dynamodb.catalog.subscriptions import (
    LIST_SHARDS,
    Listed,
    StoredSubscription,
    SubscriptionStore,
)
from fusion_billing.errors import Fault, Forbidden, InUse, NotFound, Refused, VersionConflict
from fusion_billing.instants import rfc3339

SHOWN = ("history", "origin", "open_period", "plan_history")
"""What a subscription is shown with, and has not by its definition; `version` besides."""

_FULL_PAGE = 2_000_000
"""Characters of a list past which a page holds no more, lest its answer be too large."""
_MOST_READ_ONE_BY_ONE = 10


def checked(catalogue: CatalogueStore, id_: str, body: dict[str, Any]) -> Subscription:
    """Return the subscription that `body` describes; raises `Refused` with every fault.

    Each override is laid over every version of its charge, which must exist.
    """
    faults: tuple[Fault, ...] = ()
    subscription = None
    try:
        subscription = parse(Subscription, body, id=id_)
    except Refused as refused:
        faults = refused.faults
    faults += _override_faults(catalogue, body.get("overrides"), subscription)
    if faults or subscription is None:
        raise Refused(faults)
    check_size(json.dumps(subscription.as_json(), ensure_ascii=False))
    return subscription


def put(  # noqa: PLR0917  stores, who asks, and the parts of the body
    store: SubscriptionStore,
    writer: SubscriptionWriter,
    asked: PutRequest,
    wanted: Subscription,
    besides: Mapping[str, Any],
    changes: Mapping[str, Any],
) -> tuple[bool, dict[str, Any]]:
    """Create or replace a subscription; return whether it is new, and its JSON.

    `besides` is what its body held of the fields `SHOWN`, `changes` what of those of `subscription_changes`.
    Raises `Forbidden` for a plan that the key's source may not touch, `NotFound` where it is on such a plan
    now, `OrderTaken`, `AliasTaken`, `Unavailable`, `Conflict` where its currency changes unconfirmed, and as
    `put_back.check` does.
    """
    guard = _guard(store, asked, wanted, besides)
    chain = _chain(store, wanted, changes)
    saved: Saved = writer.save(wanted, origin="api", now=asked.now, guard=guard, chain=chain, author=asked.author)
    return saved.outcome == "created", as_json(saved.stored, store)


def planned(  # noqa: PLR0917  as `put`
    store: SubscriptionStore,
    writer: SubscriptionWriter,
    asked: PutRequest,
    wanted: Subscription,
    besides: Mapping[str, Any],
    changes: Mapping[str, Any],
) -> tuple[StoredSubscription | None, StoredSubscription | None]:
    """Return what is stored, and what `put` would store (None: nothing changes); raises as `put` does."""
    guard = _guard(store, asked, wanted, besides)
    chain = _chain(store, wanted, changes)
    return writer.planned(wanted, origin="api", now=asked.now, guard=guard, chain=chain)


def _chain(store: SubscriptionStore, wanted: Subscription, changes: Mapping[str, Any]) -> Chain:
    return subscription_changes.chain_of(changes, wanted, store.get(wanted.id) if changes else None)


def to_confirm(stored: StoredSubscription | None, wanted: Subscription) -> list[str]:
    """Return what must be confirmed: another currency, in which other charges apply, or none."""
    return ["currency"] if stored is not None and stored.subscription.currency != wanted.currency else []


def _guard(
    store: SubscriptionStore, asked: PutRequest, wanted: Subscription, besides: Mapping[str, Any]
) -> Callable[[StoredSubscription | None], None]:
    """Return what is checked before anything is written over a stored subscription."""
    principal = asked.principal
    _check_plan(principal, wanted.plan)
    if principal.plans is not None and store.get(wanted.id) is not None:
        visible(store, principal, wanted.id)

    def still_as_shown(stored: StoredSubscription | None) -> None:
        shown = None if stored is None else as_json(stored, store if "history" in besides else None)
        put_back.check(besides, shown)
        effects = to_confirm(stored, wanted)
        asked.check_confirmed(effects, f"{' and '.join(effects)} of the subscription {wanted.id}")

    return still_as_shown


def patch(  # noqa: PLR0917  what `put` takes, and whose
    store: SubscriptionStore,
    writer: SubscriptionWriter,
    catalogue: CatalogueStore,
    asked: PutRequest,
    id_: str,
    body: Mapping[str, Any],
) -> dict[str, Any]:
    """Change the fields in `body` of a subscription, null taking one away; return its JSON.

    What comes out is held to all that a whole definition is. Raises `NotFound`, and as `checked` and `put`.
    """
    for last_try in attempts():
        with last_try:
            wanted, chain, guard = _patched(store, catalogue, asked, id_, body)
            saved = writer.save(wanted, origin="api", now=asked.now, guard=guard, chain=chain, author=asked.author)
            return as_json(saved.stored, store)
    raise AssertionError


def patch_planned(  # noqa: PLR0917  as `patch`
    store: SubscriptionStore,
    writer: SubscriptionWriter,
    catalogue: CatalogueStore,
    asked: PutRequest,
    id_: str,
    body: Mapping[str, Any],
) -> tuple[StoredSubscription | None, StoredSubscription | None]:
    """Return what is stored, and what `patch` would store (None: nothing changes); raises as `patch` does."""
    wanted, chain, guard = _patched(store, catalogue, asked, id_, body)
    return writer.planned(wanted, origin="api", now=asked.now, guard=guard, chain=chain)


def _patched(
    store: SubscriptionStore, catalogue: CatalogueStore, asked: PutRequest, id_: str, body: Mapping[str, Any]
) -> tuple[Subscription, Chain, Callable[[StoredSubscription | None], None]]:
    """Return what a change makes of a subscription as it is now, and a guard that it still is so."""
    definition, besides = put_back.split(body, SHOWN)
    definition, changes = subscription_changes.without_changes(definition)
    if "partner" in definition:
        definition.setdefault("customer_name", definition["partner"])
    stored = visible(store, asked.principal, id_)
    whole = stored.subscription.as_json() | definition
    running = subscription_changes.running_order(changes, asked.now)
    if running is not None and "odoo_order_id" not in definition:
        whole["odoo_order_id"] = running
    wanted = checked(catalogue, stored.id, whole)
    as_shown = _guard(store, asked, wanted, besides)

    def guard(current: StoredSubscription | None) -> None:
        as_shown(current)
        if current is None or current.version != stored.version:
            raise VersionConflict("the subscription was just changed by another request")

    return wanted, subscription_changes.chain_of(changes, wanted, stored), guard


def get(store: SubscriptionStore, principal: Principal, id_: str) -> dict[str, Any]:
    """Return a subscription's JSON; raises `NotFound`."""
    return as_json(visible(store, principal, id_), store)


def visible(store: SubscriptionStore, principal: Principal, id_: str) -> StoredSubscription:
    """Return the subscription of an id or alias that the key's source may see; raises `NotFound`."""
    stored = store.find(id_)
    if stored is None or not principal.may_use_plan(stored.subscription.plan):
        raise NotFound(f"there is no subscription {id_}")
    return stored


def listing(
    store: SubscriptionStore, principal: Principal, after: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of subscriptions in no order that means anything, and after which the next one begins."""
    shard, id_ = _position(after)
    page: list[dict[str, Any]] = []
    while shard < LIST_SHARDS:
        listed, id_ = store.listing(shard, id_, limit - len(page))
        page += [_listed(one) for one in listed if principal.may_use_plan(one.subscription.plan)]
        if id_ is None:
            shard += 1
        if len(page) >= limit or sum(len(json.dumps(each)) for each in page) > _FULL_PAGE:
            break
    return page, None if shard >= LIST_SHARDS else f"{shard}:{id_ or ''}"


def delete(
    store: SubscriptionStore,
    use: SubscriptionUse,
    catalogue: CatalogueStore,
    asked: PutRequest,
    id_: str,
) -> None:
    """Delete a subscription on which nothing was counted or billed; raises `NotFound`, and `InUse`."""
    for last_try in attempts():
        with last_try:
            stored = visible(store, asked.principal, id_)
            id_ = stored.id
            metric = use.metric_counted(id_, catalogue.metrics())
            if metric is not None:
                raise InUse(f"usage of the metric {metric} was counted on the subscription {id_}")
            start = use.period_billed(id_, [period.start for period in stored.calendar.known])
            if start is not None:
                raise InUse(f"the subscription {id_} was billed for the period from {rfc3339(start)}")
            store.delete(stored, asked.change("deleted"))
            return


def as_json(stored: StoredSubscription, store: SubscriptionStore | None = None) -> dict[str, Any]:
    """Return a subscription as the API shows it, with its open billing period; of a `store`, its history."""
    opened = stored.calendar.open
    shown = stored.subscription.as_json() | {
        "origin": stored.origin,
        "version": stored.version,
        "open_period": {"start": rfc3339(opened.start), "end": rfc3339(opened.end)},
        "orders": [_order(order) for order in stored.chain],
        "plan_history": [
            {"plan": change.plan, "from": None if change.start is None else rfc3339(change.start)}
            for change in stored.plans
        ],
    }
    if store is not None:
        shown["history"] = store.history(stored.id)
    return {**shown, "aliases": list(stored.aliases)} if stored.aliases else shown


def _order(order: ChainedOrder) -> dict[str, Any]:
    return {
        "odoo_order_id": order.odoo_order_id,
        "from": rfc3339(order.start),
        "until": None if order.end is None else rfc3339(order.end),
        "kind": order.kind,
    }


def _listed(listed: Listed) -> dict[str, Any]:
    return listed.subscription.as_json() | {"origin": listed.origin, "version": listed.version}


def _position(after: str | None) -> tuple[int, str | None]:
    if after is None:
        return 0, None
    found = SHARD_POSITION.fullmatch(after)
    if found is None or int(found[1]) >= LIST_SHARDS or not (found[2] == "" or is_subscription_id(found[2])):
        raise bad_cursor()
    return int(found[1]), found[2] or None


def _check_plan(principal: Principal, plan: str) -> None:
    if not principal.may_use_plan(plan):
        raise Forbidden(f"this key's source may not use the plan {plan}", code="plan_not_allowed")


def _override_faults(catalogue: CatalogueStore, raw: object, subscription: Subscription | None) -> tuple[Fault, ...]:
    faults: list[Fault] = []
    overrides = (subscription.overrides if subscription is not None else None) or {}
    # A code that is none is among the subscription's own faults.
    codes = [code for code in raw if CODE.fullmatch(code)] if isinstance(raw, dict) else []
    if len(codes) > MAX_OVERRIDES:
        return ()  # which is a fault of its own already
    charges = catalogue.charges() if len(codes) > _MOST_READ_ONE_BY_ONE else None
    for code in codes:
        versions = catalogue.charge(code) if charges is None else charges.get(code, [])
        if not versions:
            faults.append(Fault(f"overrides.{code}", "unknown_charge", "there is no such charge"))
        if code in overrides:
            faults += _misfits(code, versions, overrides[code])
    return tuple(dict.fromkeys(faults))


def _misfits(
    code: str, versions: Sequence[Charge], override: ChargeOverride | tuple[ChargeOverride, ...]
) -> Iterator[Fault]:
    several = not isinstance(override, ChargeOverride)
    for index, each in enumerate(dated(override)):
        filters = each.as_json().get("filters")
        for fault in (*_misfit(versions, each), *unreachable_filters(filters)):
            yield fault.under(f"overrides.{code}" + (f".{index}" if several else ""))


def _misfit(versions: Sequence[Charge], override: ChargeOverride) -> Iterator[Fault]:
    for version in versions:
        try:
            version.with_override(override)
        except Refused as refused:
            yield from refused.faults
