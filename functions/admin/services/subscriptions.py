"""Create, change and delete subscriptions; those that are read from Odoo can be changed here too."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from functions.admin.ports import Catalog, Subscriptions, SubscriptionUse
from functions.admin.services import read_only_fields, subscription_changes
from functions.admin.services.put_request import PutRequest
from functions.admin.services.subscription_reading import subscription_json, visible
from functions.admin.services.subscription_validation import checked
from functions.admin.services.visible_catalog import check_names, check_subscription_change, visible_catalog
from functions.admin.services.write_attempts import attempts
from fusion_billing.access.principal import Principal
from fusion_billing.application.save_subscription import Saved, SubscriptionWriter
from fusion_billing.application.subscription_plan import Chain, SaveRequest
from fusion_billing.catalog.change import Author
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.errors import Forbidden, InUse, VersionConflict
from fusion_billing.instants import rfc3339
from fusion_billing.webhooks.publishing import TransactionWrite

SHOWN = ("history", "origin", "open_period", "plan_history")
"""The read-only fields of a subscription; `version` is one too."""


def put(  # noqa: PLR0917  stores, who asks, and the parts of the body
    store: Subscriptions,
    writer: SubscriptionWriter,
    put_request: PutRequest,
    requested: Subscription,
    read_only: Mapping[str, object],
    changes: Mapping[str, object],
) -> tuple[bool, dict[str, object]]:
    """Create or replace a subscription; return whether it is new, and its JSON.

    `read_only` are the fields of the body in `SHOWN`, `changes` those of `subscription_changes`.
    Raises `Forbidden` for a plan that the key's source may not touch, and for names as `check_names` does, `NotFound`
    if a limited source may not use it or it does not exist, `OrderTaken`, `AliasTaken`, `Unavailable`, `Conflict` if
    its currency changes unconfirmed, and as `read_only_fields.check` does.
    """
    chain = _chain(store, requested, changes)
    guard = _guard(store, put_request, requested, chain, read_only)
    saved: Saved = writer.save(
        SaveRequest(requested, origin="api", now=put_request.now, guard=guard, chain=chain, author=_author(put_request))
    )
    return saved.outcome == "created", subscription_json(saved.stored, store)


def planned(  # noqa: PLR0917  as `put`
    store: Subscriptions,
    writer: SubscriptionWriter,
    put_request: PutRequest,
    requested: Subscription,
    read_only: Mapping[str, object],
    changes: Mapping[str, object],
) -> tuple[StoredSubscription | None, StoredSubscription | None]:
    """Return what is stored, and what `put` would store (None: nothing changes); raises as `put` does."""
    chain = _chain(store, requested, changes)
    guard = _guard(store, put_request, requested, chain, read_only)
    return writer.planned(SaveRequest(requested, origin="api", now=put_request.now, guard=guard, chain=chain))


def _chain(store: Subscriptions, requested: Subscription, changes: Mapping[str, Any]) -> Chain:
    return subscription_changes.chain_of(changes, requested, store.get(requested.id) if changes else None)


def to_confirm(stored: StoredSubscription | None, requested: Subscription) -> list[str]:
    """Return what must be confirmed: another currency, in which other charges apply, or none."""
    return ["currency"] if stored is not None and stored.subscription.currency != requested.currency else []


def _guard(
    store: Subscriptions, put_request: PutRequest, requested: Subscription, chain: Chain, read_only: Mapping[str, Any]
) -> Callable[[StoredSubscription | None], None]:
    """Return what is checked before anything is written over a stored subscription."""
    principal = put_request.principal
    check_subscription_change(principal, requested.id)
    _check_plan(principal, requested.plan)
    if not principal.sees_every_subscription:
        stored = visible(store, principal, requested.id)  # to create one takes an ID and an order, as below
        check_names(principal, stored, requested, chain.orders or ())

    def still_as_shown(stored: StoredSubscription | None) -> None:
        shown = None if stored is None else subscription_json(stored, store if "history" in read_only else None)
        read_only_fields.check(read_only, shown)
        effects = to_confirm(stored, requested)
        put_request.check_confirmed(effects, f"{' and '.join(effects)} of the subscription {requested.id}")

    return still_as_shown


def patch(  # noqa: PLR0917  what `put` takes, and whose
    store: Subscriptions,
    writer: SubscriptionWriter,
    catalog: Catalog,
    put_request: PutRequest,
    id_: str,
    body: Mapping[str, object],
) -> dict[str, object]:
    """Change the fields in `body` of a subscription, null taking one away; return its JSON.

    What comes out is held to all that a whole definition is. Raises `NotFound`, and as `checked` and `put`.
    """
    for attempt in attempts():
        with attempt:
            requested, chain, guard = _patched(store, catalog, put_request, id_, body)
            saved = writer.save(
                SaveRequest(
                    requested, origin="api", now=put_request.now, guard=guard, chain=chain, author=_author(put_request)
                )
            )
            return subscription_json(saved.stored, store)
    raise AssertionError


def patch_planned(  # noqa: PLR0917  as `patch`
    store: Subscriptions,
    writer: SubscriptionWriter,
    catalog: Catalog,
    put_request: PutRequest,
    id_: str,
    body: Mapping[str, object],
) -> tuple[StoredSubscription | None, StoredSubscription | None]:
    """Return what is stored, and what `patch` would store (None: nothing changes); raises as `patch` does."""
    requested, chain, guard = _patched(store, catalog, put_request, id_, body)
    return writer.planned(SaveRequest(requested, origin="api", now=put_request.now, guard=guard, chain=chain))


def _patched(
    store: Subscriptions, catalog: Catalog, put_request: PutRequest, id_: str, body: Mapping[str, Any]
) -> tuple[Subscription, Chain, Callable[[StoredSubscription | None], None]]:
    """Return what a change makes of a subscription as it is now, and a guard that it still is so."""
    definition, read_only = read_only_fields.split(body, SHOWN)
    definition, changes = subscription_changes.without_changes(definition)
    if "partner" in definition:
        definition.setdefault("customer_name", definition["partner"])
    stored = visible(store, put_request.principal, id_)
    check_subscription_change(put_request.principal, stored.id)
    whole = stored.subscription.as_json() | definition
    running = subscription_changes.running_order(changes, put_request.now)
    if running is not None and "odoo_order_id" not in definition:
        whole["odoo_order_id"] = running
    requested = checked(visible_catalog(catalog, put_request.principal), stored.id, whole)
    chain = subscription_changes.chain_of(changes, requested, stored)
    as_shown = _guard(store, put_request, requested, chain, read_only)

    def guard(current: StoredSubscription | None) -> None:
        as_shown(current)
        if current is None or current.version != stored.version:
            raise VersionConflict("The subscription was changed by another request: read it again")

    return requested, chain, guard


def delete(
    store: Subscriptions,
    use: SubscriptionUse,
    catalog: Catalog,
    put_request: PutRequest,
    id_: str,
) -> None:
    """Delete a subscription on which nothing was counted or billed; raises `NotFound`, and `InUse`."""
    for attempt in attempts():
        with attempt:
            stored = visible(store, put_request.principal, id_)
            id_ = stored.id
            check_subscription_change(put_request.principal, id_)
            metric = use.metric_counted(id_, catalog.metrics())
            if metric is not None:
                raise InUse(f"The subscription {id_} has usage of the metric {metric}")
            start = use.period_billed(id_, [period.start for period in stored.calendar.known])
            if start is not None:
                raise InUse(f"The subscription {id_} was billed for the period that starts at {rfc3339(start)}")
            before = subscription_json(stored)
            store.delete(stored, put_request.change("deleted", f"subscriptions/{id_}", before, None))
            return


def _author(put_request: PutRequest) -> Author:
    def record(stored: StoredSubscription | None, new: StoredSubscription) -> Sequence[TransactionWrite]:
        before = None if stored is None else subscription_json(stored)
        return put_request.record(f"subscriptions/{new.id}", before, subscription_json(new))

    return put_request.author(record)


def _check_plan(principal: Principal, plan: str) -> None:
    if not principal.may_use_plan(plan):
        raise Forbidden(f"The source of this key may not use the plan {plan}", code="plan_not_allowed")
