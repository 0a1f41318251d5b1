"""An endpoint: where a source wants to be told, of what, and how it has been faring."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from fusion_billing.webhooks.filters import matches

State = Literal["enabled", "disabled"]

GIVEN_UP_WAITING = timedelta(minutes=10)
"""An endpoint that has only failed for so long is left to the relay's schedule: nobody is woken for it."""


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A signing secret as it is stored: encrypted. `expires` is set once a newer one took its place."""

    sealed: bytes = field(repr=False)
    created: datetime
    expires: datetime | None = None

    def live(self, now: datetime) -> bool:
        """Say whether messages are still signed with it."""
        return self.expires is None or now < self.expires


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of one source.

    `events` are filters (`rating.*`, `*`, or an event's name). `metrics` and `plans` are its
    source's limits, None for no limit. `failing_since` is the first try that failed after the last
    one that did not. `secrets` holds the newest first.
    """

    id: str
    source: str
    url: str
    events: tuple[str, ...]
    created: datetime
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
        """Say whether it is served."""
        return self.state == "enabled"

    def wakes(self, now: datetime) -> bool:
        """Say whether the relay is woken for it, rather than finding it on its schedule."""
        failing = self.failing_since is not None and now - self.failing_since >= GIVEN_UP_WAITING
        return self.enabled and not failing

    def may_see(self, *, plan: str | None, metric: str | None) -> bool:
        """Say whether its source may know of something of this plan and this metric.

        What has no metric (a subscription's own change) is no metric's secret; what has no plan is
        hidden from a source that is limited to plans, since nobody can say that it may see it.
        """
        in_plans = self.plans is None or (plan is not None and plan in self.plans)
        in_metrics = self.metrics is None or metric is None or metric in self.metrics
        return in_plans and in_metrics

    def hears(self, type_: str, *, plan: str | None, metric: str | None) -> bool:
        """Say whether an event of this type, plan and metric is for it."""
        return matches(self.events, type_) and self.may_see(plan=plan, metric=metric)


def listeners(endpoints: Iterable[Endpoint], type_: str, *, plan: str | None, metric: str | None) -> list[Endpoint]:
    """Return the endpoints that an event goes to, the disabled ones among them."""
    return [one for one in endpoints if one.hears(type_, plan=plan, metric=metric)]
