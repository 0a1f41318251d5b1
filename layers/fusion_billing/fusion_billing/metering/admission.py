"""Whether a push can be counted: its target exists, is open to the pusher, and lives at that time. Pure.

| code | |
|---|---|
| `source_not_allowed` | the record names a source, and the key has no scope `admin` |
| `unknown_source` | the record names a source that does not exist |
| `unknown_metric`, `metric_not_allowed` | the metric does not exist; is not among those of the source |
| `unknown_subscription` | does not exist, or is on a plan that is not this source's: the two answer alike |
| `before_start` | the window starts before the subscription does |
| `subscription_ended` | the window starts when the subscription has ended, or later |
| `window_too_long` | a level's window is longer than 32 days |

An alias stands for its subscription: what is found under it names the subscription's own id.
"""

from dataclasses import dataclass
from datetime import datetime

from fusion_billing.access.principal import Principal
from fusion_billing.catalog.identifiers import MAX_LEVEL_WINDOW
from fusion_billing.catalog.levels import LEVEL
from fusion_billing.errors import Fault
from fusion_billing.instants import rfc3339
from fusion_billing.metering.usage_record import UsageRecord

_MONTH = len("2026-11")


@dataclass(frozen=True, slots=True)
class Target:
    """A metric, a subscription or a source, as far as a push of it depends on it.

    `id` is a subscription's own, whichever alias it was found under. `starts` and `ends` are sortable
    instants, empty for no bound. `aggregation` is a metric's, None where it was not looked up.
    """

    id: str = ""
    plan: str = ""
    starts: str = ""
    ends: str = ""
    aggregation: str | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """What the pushes of one subscription, metric and source have in common.

    `faults` says why none of them can be taken; otherwise they go to `subscription`, if their windows
    lie within its life. `is_level` tells whether their length is bounded.
    """

    subscription: str
    starts: str = ""
    ends: str = ""
    is_level: bool = False
    faults: tuple[Fault, ...] = ()


def admission(
    principal: Principal,
    push: UsageRecord,
    *,
    metric: Target | None,
    subscription: Target | None,
    source: Target | None,
) -> Admission:
    """Return how pushes like `push` are taken, given what was found under the names in it (None: nothing).

    `source` matters only where the push names one that is not the principal's own.
    """
    faults = _source_faults(principal, push, source)
    if not faults:
        faults = [*_metric_faults(principal, push.metric, metric)]
        if subscription is None or not principal.may_use_plan(subscription.plan):
            faults.append(Fault("subscription", "unknown_subscription", "there is no such subscription"))
    if faults or subscription is None or metric is None:
        return Admission(push.subscription, faults=tuple(faults))
    return Admission(subscription.id, subscription.starts, subscription.ends, is_level=metric.aggregation == LEVEL)


def _source_faults(principal: Principal, push: UsageRecord, source: Target | None) -> list[Fault]:
    if push.source in {"", principal.source}:
        return []
    if not principal.is_admin:
        return [Fault("source", "source_not_allowed", "only a key with the scope admin may name another source")]
    if source is None:
        return [Fault("source", "unknown_source", "there is no such source")]
    return []


def _metric_faults(principal: Principal, code: str, metric: Target | None) -> list[Fault]:
    if not principal.may_use_metric(code):
        return [Fault("metric", "metric_not_allowed", "is not among the metrics of this source")]
    if metric is None:
        return [Fault("metric", "unknown_metric", "there is no such metric")]
    return []


def window_faults(admitted: Admission, push: UsageRecord) -> tuple[Fault, ...]:
    """Return why the window of `push` can't be counted where it goes; empty where it can."""
    faults = []
    if push.start < admitted.starts:
        message = f"is before the start of the subscription, {_shown(admitted.starts)}"
        faults.append(Fault("period_start", "before_start", message))
    if admitted.ends and push.start >= admitted.ends:
        message = f"is not before the end of the subscription, {_shown(admitted.ends)}"
        faults.append(Fault("period_start", "subscription_ended", message))
    if admitted.is_level and is_long(push):
        message = f"must be at most {MAX_LEVEL_WINDOW.days} days after period_start, for a level over time"
        faults.append(Fault("period_end", "window_too_long", message))
    return tuple(faults)


def life_of(admitted: Admission, faults: tuple[Fault, ...]) -> dict[str, str]:
    """Return the bounds that `faults` speak of, as answers name them."""
    codes = {fault.code for fault in faults}
    found = {}
    if "before_start" in codes:
        found["started_at"] = _shown(admitted.starts)
    if "subscription_ended" in codes:
        found["ended_at"] = _shown(admitted.ends)
    return found


def is_long(push: UsageRecord) -> bool:
    """Tell whether a window is longer than a level's may be."""
    if push.start[:_MONTH] == push.end[:_MONTH]:
        return False  # as nearly all are, told without reading the instants
    return datetime.fromisoformat(push.end) - datetime.fromisoformat(push.start) > MAX_LEVEL_WINDOW


def _shown(sortable_instant: str) -> str:
    return rfc3339(datetime.fromisoformat(sortable_instant))
