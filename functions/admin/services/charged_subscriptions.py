"""Find the subscriptions that a charge applies to, by their plan and by the plans that they were on."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from functions.admin.ports import Subscriptions
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.identifiers import LIST_SHARDS
from fusion_billing.catalog.subscription import Subscription

_PAGE = 100


@dataclass(frozen=True, slots=True)
class ChargedSubscription:
    """A subscription; `formerly` is true if only a former plan makes it pay the charge."""

    subscription: Subscription
    formerly: bool = False


def charged_subscriptions(
    store: Subscriptions, versions: Sequence[Charge], charges: Collection[str]
) -> Iterator[ChargedSubscription]:
    """Yield each subscription that any of `versions` applies to, or whose overrides name one of `charges`.

    A plan that was left in the course of a period prices what was used in it until then.
    """
    by_plan = any(version.applies_to.plans is not None for version in versions)
    for page in _pages(store):
        others = []
        for subscription in page:
            is_named = not set(charges).isdisjoint(subscription.overrides or {})
            if is_named or applies(versions, subscription.plan, subscription.id):
                yield ChargedSubscription(subscription)
            elif by_plan:
                others.append(subscription)
        plans = store.plans_of([subscription.id for subscription in others])
        for subscription in others:
            if any(applies(versions, plan, subscription.id) for plan in plans.get(subscription.id, ())):
                yield ChargedSubscription(subscription, formerly=True)


def applies(versions: Sequence[Charge], plan: str, subscription: str) -> bool:
    """Return whether any of the versions applies to a subscription on a plan."""
    return any(version.applies_to.covers(plan=plan, subscription=subscription) for version in versions)


def _pages(store: Subscriptions) -> Iterator[list[Subscription]]:
    for shard in range(LIST_SHARDS):
        after: str | None = None
        while True:
            page, after = store.listing(shard, after, _PAGE)
            yield [listed.subscription for listed in page]
            if after is None:
                break
