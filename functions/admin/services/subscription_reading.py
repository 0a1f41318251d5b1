"""Show and list subscriptions, as far as a key's source may see them."""

import json
from typing import Any

from functions.admin.cursors import bad_cursor
from functions.admin.ports import CatalogReading, Subscriptions
from functions.admin.services.change_json import changes_json
from fusion_billing.access.principal import Principal
from fusion_billing.catalog.identifiers import LIST_SHARDS, SHARD_POSITION, is_subscription_id
from fusion_billing.catalog.stored_subscription import Listed, StoredSubscription
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.subscription_history import ChainedOrder
from fusion_billing.errors import NotFound
from fusion_billing.instants import rfc3339

_FULL_PAGE = 2_000_000
"""Characters of a list past which a page holds no more."""


def get(store: Subscriptions, catalog: CatalogReading, principal: Principal, id_: str) -> dict[str, object]:
    """Return a subscription's JSON, with overrides of charges that `catalog` has; raises `NotFound`."""
    shown = subscription_json(visible(store, principal, id_), store)
    return _with_visible_overrides([shown], catalog, principal)[0]


def visible(store: Subscriptions, principal: Principal, id_: str) -> StoredSubscription:
    """Return the subscription of an id or alias that the key's source may see; raises `NotFound`."""
    stored = store.find(id_)
    if stored is None or not _is_visible(principal, stored.subscription):
        raise NotFound(f"No such subscription: {id_}")
    return stored


def listing(
    store: Subscriptions, catalog: CatalogReading, principal: Principal, after: str | None, limit: int
) -> tuple[list[dict[str, object]], str | None]:
    """Return a page of subscriptions in no order that means anything, and after which the next one begins.

    The latter names a subscription of the page, or none. Overrides are those of charges that `catalog` has.
    """
    shard, id_ = _position(after)
    page: list[dict[str, object]] = []
    while shard < LIST_SHARDS:
        listed, id_ = store.listing(shard, id_, limit - len(page))
        visible_ids = [each.subscription.id for each in listed if _is_visible(principal, each.subscription)]
        page += [_listed(each) for each in listed if _is_visible(principal, each.subscription)]
        if id_ is None:
            shard += 1
        if len(page) >= limit:
            break
        if visible_ids and sum(len(json.dumps(each)) for each in page) > _FULL_PAGE:
            id_ = id_ and visible_ids[-1]
            break
    shown = _with_visible_overrides(page, catalog, principal)
    return shown, None if shard >= LIST_SHARDS else f"{shard}:{id_ or ''}"


def _is_visible(principal: Principal, subscription: Subscription) -> bool:
    return principal.may_use_subscription(subscription.id, plan=subscription.plan)


def _with_visible_overrides(
    page: list[dict[str, object]], catalog: CatalogReading, principal: Principal
) -> list[dict[str, object]]:
    """Return subscriptions' JSON without the overrides of charges on metrics that the source may not use."""
    if principal.metrics is None or not any(shown.get("overrides") for shown in page):
        return page
    visible_codes = catalog.charges().keys()
    for shown in page:
        overrides = shown.get("overrides")
        if isinstance(overrides, dict):
            shown["overrides"] = {code: value for code, value in overrides.items() if code in visible_codes}
    return page


def subscription_json(stored: StoredSubscription, store: Subscriptions | None = None) -> dict[str, object]:
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
        shown["history"] = changes_json(store.history(stored.id))
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
