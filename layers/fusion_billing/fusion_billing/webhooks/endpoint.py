"""Webhook endpoints: where a source receives events, which events it receives, and whether it is healthy."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.filters import matches

State = Literal["enabled", "disabled"]

TOTALS = frozenset({"statement.closed", "subscription.ended"})
"""Event types whose amounts are totals over every metric of a subscription."""

STOP_WAKE_UPS_AFTER = timedelta(minutes=10)
"""How long an endpoint may only fail before events stop starting the relay early; its schedule is enough."""


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """An encrypted signing secret. `expires_at` is set once a newer secret replaced it."""

    sealed: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        """Return whether messages are still signed with this secret."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One webhook endpoint of one source.

    Attributes:
        events: Filters: `*`, a family such as `rating.*`, or the name of an event.
        metrics: The metrics that the source may see; None for all.
        plans: The plans that the source may see; None for all.
        subscriptions: The subscriptions that the source may see, by their own IDs; None for all.
        secrets: Signing secrets, newest first.
        failing_since: The first failed attempt after the last successful one; None if the endpoint works.
    """

    id: str
    source: str
    url: str
    events: tuple[str, ...]
    created_at: datetime
    description: str = ""
    state: State = "enabled"
    metrics: frozenset[str] | None = None
    plans: frozenset[str] | None = None
    subscriptions: frozenset[str] | None = None
    secrets: tuple[SealedSecret, ...] = ()
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    version: int = 1

    @property
    def enabled(self) -> bool:
        """Return whether events are delivered to the endpoint."""
        return self.state == "enabled"

    def starts_relay(self, now: datetime) -> bool:
        """Return whether an event for the endpoint starts a relay run early, instead of waiting for the schedule."""
        is_failing = self.failing_since is not None and now - self.failing_since >= STOP_WAKE_UPS_AFTER
        return self.enabled and not is_failing

    @property
    def limits(self) -> tuple[frozenset[str] | None, ...]:
        """The copies of its source's limits."""
        return self.metrics, self.plans, self.subscriptions

    def may_see_delivery(self, delivery: Delivery) -> bool:
        """Return whether the source may still see an event that was addressed to the endpoint.

        Events about the endpoints of the source are always visible. What an earlier release stored has no plan and
        no metric: these limits don't hide it.
        """
        if delivery.subscription is None:
            return True
        if self.metrics is not None and delivery.type in TOTALS:
            return False
        limits = (
            (self.subscriptions, delivery.subscription),
            (self.plans, delivery.plan),
            (self.metrics, delivery.metric),
        )
        return all(limit is None or value is None or value in limit for limit, value in limits)

    def may_see(self, *, subscription: str | None, plan: str | None, metric: str | None) -> bool:
        """Return whether the source may see data of this subscription, plan and metric.

        Data without a metric (such as a change of a subscription) is visible regardless of metric limits.
        Data without a plan or a subscription is hidden from a source with limits on them, since it may be of any.
        """
        in_plans = self.plans is None or (plan is not None and plan in self.plans)
        in_metrics = self.metrics is None or metric is None or metric in self.metrics
        in_subscriptions = self.subscriptions is None or (
            subscription is not None and subscription in self.subscriptions
        )
        return in_plans and in_metrics and in_subscriptions

    def receives(self, event_type: str, *, subscription: str | None, plan: str | None, metric: str | None) -> bool:
        """Return whether the endpoint receives events of this type, subscription, plan and metric.

        A source with limits on metrics receives no event whose amounts are totals over every metric.
        """
        if self.metrics is not None and event_type in TOTALS:
            return False
        is_visible = self.may_see(subscription=subscription, plan=plan, metric=metric)
        return is_visible and matches(self.events, event_type)


def subscribed_endpoints(
    endpoints: Iterable[Endpoint],
    event_type: str,
    *,
    subscription: str | None,
    plan: str | None,
    metric: str | None,
) -> list[Endpoint]:
    """Return the endpoints that receive an event, including disabled ones."""
    return [
        endpoint
        for endpoint in endpoints
        if endpoint.receives(event_type, subscription=subscription, plan=plan, metric=metric)
    ]
