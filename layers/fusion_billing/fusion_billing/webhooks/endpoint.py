"""Webhook endpoints: where a source receives events, which events it receives, and whether it is healthy."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from fusion_billing.webhooks.filters import matches

State = Literal["enabled", "disabled"]

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

    def may_see(self, *, plan: str | None, metric: str | None) -> bool:
        """Return whether the source may see data of this plan and metric.

        Data without a metric (such as a change of a subscription) is visible regardless of metric limits.
        Data without a plan is hidden from a source with plan limits, since it may belong to any plan.
        """
        in_plans = self.plans is None or (plan is not None and plan in self.plans)
        in_metrics = self.metrics is None or metric is None or metric in self.metrics
        return in_plans and in_metrics

    def receives(self, event_type: str, *, plan: str | None, metric: str | None) -> bool:
        """Return whether the endpoint receives events of this type, plan and metric."""
        return matches(self.events, event_type) and self.may_see(plan=plan, metric=metric)


def subscribed_endpoints(
    endpoints: Iterable[Endpoint], event_type: str, *, plan: str | None, metric: str | None
) -> list[Endpoint]:
    """Return the endpoints that receive an event, including disabled ones."""
    return [endpoint for endpoint in endpoints if endpoint.receives(event_type, plan=plan, metric=metric)]
