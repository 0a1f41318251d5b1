"""Show of the catalog what the source of a key may see, and refuse changes of anything beyond its limits.

| limit of the source | metrics it sees | charges it sees |
|---|---|---|
| `metrics` | those | those on its metrics |
| `plans` | all | those for all subscriptions, or for one of its plans |
| `subscriptions` | all | those for all subscriptions, for plans, or for one of its subscriptions |

Of whom a charge applies to, it sees the plans and subscriptions within its limits. It may change a charge if every
version applies to nothing else, and a metric if it may use every subscription: a metric is shared by all of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from functions.admin.ports import CatalogReading
from fusion_billing.access.principal import Principal
from fusion_billing.catalog.change import ChangeEntry
from fusion_billing.catalog.charge import AppliesTo, Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.subscription_history import ChainedOrder
from fusion_billing.dynamodb.catalog.definitions import Stored
from fusion_billing.dynamodb.keys import DefinitionKind
from fusion_billing.errors import Forbidden

Item = TypeVar("Item")
Versions = Stored[tuple[Charge, ...]]


def visible_catalog(store: CatalogReading, principal: Principal) -> CatalogReading:
    """Return the catalog as the source of the key may see it."""
    return VisibleCatalog(store, principal) if principal.is_limited else store


@dataclass(frozen=True, slots=True)
class VisibleCatalog:
    """The part of the catalog that a limited source may see; the rest does not exist for it."""

    store: CatalogReading
    principal: Principal

    def metric(self, code: str) -> Metric | None:
        """Return a metric."""
        return self.store.metric(code) if self.principal.may_use_metric(code) else None

    def metrics(self) -> dict[str, Metric]:
        """Return every metric, by code."""
        return {code: metric for code, metric in self.store.metrics().items() if self.principal.may_use_metric(code)}

    def stored_metric(self, code: str) -> Stored[Metric] | None:
        """Return a metric with its stored version."""
        return self.store.stored_metric(code) if self.principal.may_use_metric(code) else None

    def metric_page(self, after: str | None, limit: int) -> tuple[list[Stored[Metric]], str | None]:
        """Return a page of metrics by code, and the code after which the next page begins."""

        def shown(metric: Stored[Metric]) -> Stored[Metric] | None:
            return metric if self.principal.may_use_metric(metric.value.code) else None

        return _page(self.store.metric_page, shown, after, limit)

    def charge(self, code: str) -> list[Charge]:
        """Return the versions of a charge; none if there is no such charge."""
        return list(visible_versions(self.principal, self.store.charge(code)))

    def charges(self) -> dict[str, list[Charge]]:
        """Return the versions of every charge, by code."""
        found = {code: self._versions(versions) for code, versions in self.store.charges().items()}
        return {code: versions for code, versions in found.items() if versions}

    def stored_charge(self, code: str) -> Versions | None:
        """Return a charge's versions with their stored version."""
        stored = self.store.stored_charge(code)
        return None if stored is None else self._shown(stored)

    def charge_page(self, after: str | None, limit: int) -> tuple[list[Versions], str | None]:
        """Return a page of charges by code, and the code after which the next page begins."""
        return _page(self.store.charge_page, self._shown, after, limit)

    def history(self, kind: DefinitionKind, code: str) -> list[ChangeEntry]:
        """Return the changes of a metric or charge."""
        return self.store.history(kind, code)

    def _versions(self, versions: Iterable[Charge]) -> list[Charge]:
        return list(visible_versions(self.principal, versions))

    def _shown(self, stored: Versions) -> Versions | None:
        versions = visible_versions(self.principal, stored.value)
        return Stored(versions, stored.version) if versions else None


def visible_versions(principal: Principal, versions: Iterable[Charge]) -> tuple[Charge, ...]:
    """Return the versions of a charge that a source may see, with those that they apply to within its limits."""
    return tuple(
        version.model_copy(update={"applies_to": _within(principal, version.applies_to)})
        for version in versions
        if principal.may_use_metric(version.metric) and _is_visible(principal, version.applies_to)
    )


def visible_price(principal: Principal, version: Mapping[str, object], subscription: str) -> Mapping[str, object]:
    """Return the JSON of a charge's version that priced a visible subscription, without those of others."""
    applies_to = version["applies_to"]
    if principal.sees_every_subscription or not isinstance(applies_to, dict):
        return version
    shown: dict[str, object] = dict(applies_to)
    if applies_to.get("plans") is not None and principal.plans is not None:
        shown["plans"] = [plan for plan in applies_to["plans"] if principal.may_use_plan(plan)]
    if applies_to.get("subscriptions") is not None:
        shown["subscriptions"] = [subscription]
    return {**version, "applies_to": shown}


def check_metric_change(principal: Principal, code: str) -> None:
    """Raise `Forbidden` unless the source may change the metric."""
    if not principal.may_use_metric(code):
        raise Forbidden(f"The source of this key may not use the metric {code}", code="metric_not_allowed")
    if not principal.sees_every_subscription:
        message = "A metric is shared by every subscription, and the source of this key may use only some"
        raise Forbidden(message, code="limited_source")


def check_charge_metric(principal: Principal, metric: object) -> None:
    """Raise `Forbidden` if a charge is on a metric that the source may not use."""
    if isinstance(metric, str) and not principal.may_use_metric(metric):
        raise Forbidden("The source of this key may not use the metric of the charge", code="metric_not_allowed")


def check_charge_change(principal: Principal, versions: Iterable[Charge]) -> None:
    """Raise `Forbidden` unless the source may use everything that the versions of a charge apply to."""
    for version in versions:
        check_charge_metric(principal, version.metric)
        plans, subscriptions = version.applies_to.plans, version.applies_to.subscriptions
        if principal.subscriptions is not None:
            if subscriptions is None or not principal.subscriptions.issuperset(subscriptions):
                message = "The charge applies to subscriptions that the source of this key may not use"
                raise Forbidden(message, code="subscription_not_allowed")
        elif principal.plans is not None and (plans is None or not principal.plans.issuperset(plans)):
            raise Forbidden(
                "The charge applies to plans that the source of this key may not use", code="plan_not_allowed"
            )


def check_subscription_change(principal: Principal, subscription: str) -> None:
    """Raise `Forbidden` unless the source may change a subscription of this ID."""
    if principal.metrics is not None:
        message = "A change of a subscription concerns every metric, and the source of this key may use only some"
        raise Forbidden(message, code="limited_source")
    if principal.subscriptions is not None and subscription not in principal.subscriptions:
        raise Forbidden("The source of this key may not use this subscription", code="subscription_not_allowed")


def check_names(
    principal: Principal, stored: StoredSubscription, requested: Subscription, orders: Iterable[ChainedOrder]
) -> None:
    """Raise `Forbidden` if a limited source adds an order or an alias to a subscription.

    These belong to one subscription at most. Lines would go onto another customer's order, whose own subscription
    could no longer have it; and the response would say which names exist.
    """
    if principal.sees_every_subscription:
        return
    known = {order.odoo_order_id for order in stored.chain} | {stored.subscription.odoo_order_id}
    named = {order.odoo_order_id for order in orders} | {requested.odoo_order_id}
    aliases = set(requested.aliases or ()) - {stored.id, *stored.aliases}
    if named - known or aliases:
        message = "Orders and aliases are shared by every subscription, and the source of this key may use only some"
        raise Forbidden(message, code="limited_source")


def _is_visible(principal: Principal, applies_to: AppliesTo) -> bool:
    if applies_to.plans is not None:
        return principal.plans is None or not principal.plans.isdisjoint(applies_to.plans)
    if applies_to.subscriptions is None or principal.sees_every_subscription:
        return True
    # Which plans single subscriptions are on is not known here: those of a source with plans alone stay hidden.
    return principal.subscriptions is not None and not principal.subscriptions.isdisjoint(applies_to.subscriptions)


def _within(principal: Principal, applies_to: AppliesTo) -> AppliesTo:
    changed: dict[str, Sequence[str]] = {}
    if applies_to.plans is not None and principal.plans is not None:
        changed["plans"] = tuple(plan for plan in applies_to.plans if plan in principal.plans)
    if applies_to.subscriptions is not None and principal.subscriptions is not None:
        changed["subscriptions"] = tuple(id_ for id_ in applies_to.subscriptions if id_ in principal.subscriptions)
    return applies_to.model_copy(update=changed) if changed else applies_to


def _page(
    read: Callable[[str | None, int], tuple[list[Item], str | None]],
    shown: Callable[[Item], Item | None],
    after: str | None,
    limit: int,
) -> tuple[list[Item], str | None]:
    """Return a full page of visible items, if there are so many; the next one begins after a visible item."""
    found: list[Item] = []
    while True:
        page, after = read(after, limit - len(found))
        found += [visible for item in page if (visible := shown(item)) is not None]
        if after is None or len(found) >= limit:
            return found, after
