"""Decide whether a usage record is accepted: its targets exist, its key may use them, its window is within them.

| code | |
|---|---|
| `source_not_allowed` | the record names another source, and the key lacks the scope `admin` |
| `unknown_source` | the source does not exist |
| `unknown_metric`, `metric_not_allowed` | the metric does not exist; it is not among those of the source |
| `unknown_subscription` | it does not exist, or the source may not use it or its plan: the response is the same |
| `before_start` | the window starts before the subscription does |
| `subscription_ended` | the window starts at or after the end of the subscription |
| `window_key_mismatch` | the metric's records are keyed by window, and the idempotency key is another |
| `reserved_key` | the idempotency key is one that is derived from a window, and the metric's records are not |
| `window_too_long` | the window of a `time_weighted` metric is longer than 32 days |

An alias stands for its subscription: a target found by an alias has the id of the subscription.
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
    """A metric, a subscription or a source, as far as a usage record depends on it.

    `id` is the subscription's own id, even if an alias was looked up. `starts` and `ends` are sortable instants, empty
    if there is no bound. `aggregation` is that of a metric, None if it was not looked up; `by_window` is whether its
    records are keyed by window.
    """

    id: str = ""
    plan: str = ""
    starts: str = ""
    ends: str = ""
    aggregation: str | None = None
    by_window: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """What usage records of one subscription, metric and source have in common.

    `faults` says why none of them is accepted; otherwise they belong to `subscription`, if their windows lie between
    `starts` and `ends`. `is_level` is whether the length of their windows is bounded, `by_window` whether their keys
    are derived from their windows.
    """

    subscription: str
    starts: str = ""
    ends: str = ""
    is_level: bool = False
    by_window: bool = False
    faults: tuple[Fault, ...] = ()


def admission(
    principal: Principal,
    record: UsageRecord,
    *,
    metric: Target | None,
    subscription: Target | None,
    source: Target | None,
) -> Admission:
    """Return how usage records like `record` are accepted, given what was found under the names in it (None: nothing).

    `metric`, `subscription` and `source` are what was found for the names in the record, None if nothing was. `source`
    matters only if the record names another source than the principal's own.
    """
    faults = _source_faults(principal, record, source)
    if not faults:
        faults = [*_metric_faults(principal, record.metric, metric)]
        if subscription is None or not principal.may_use_subscription(subscription.id, plan=subscription.plan):
            faults.append(Fault("subscription", "unknown_subscription", "does not exist"))
    if faults or subscription is None or metric is None:
        return Admission(record.subscription, faults=tuple(faults))
    return Admission(
        subscription.id,
        subscription.starts,
        subscription.ends,
        is_level=metric.aggregation == LEVEL,
        by_window=metric.by_window,
    )


def _source_faults(principal: Principal, record: UsageRecord, source: Target | None) -> list[Fault]:
    if record.source in {"", principal.source}:
        return []
    if not principal.is_admin:
        return [Fault("source", "source_not_allowed", "requires a key with the scope admin")]
    if source is None:
        return [Fault("source", "unknown_source", "does not exist")]
    return []


def _metric_faults(principal: Principal, code: str, metric: Target | None) -> list[Fault]:
    if not principal.may_use_metric(code):
        return [Fault("metric", "metric_not_allowed", "is not among the metrics of this source")]
    if metric is None:
        return [Fault("metric", "unknown_metric", "does not exist")]
    return []


def window_faults(admitted: Admission, record: UsageRecord) -> tuple[Fault, ...]:
    """Return why the window of `record` is refused; empty if it is accepted."""
    faults = []
    if record.start < admitted.starts:
        message = f"must not be before the start of the subscription, {_shown(admitted.starts)}"
        faults.append(Fault("period_start", "before_start", message))
    if admitted.ends and record.start >= admitted.ends:
        message = f"must be before the end of the subscription, {_shown(admitted.ends)}"
        faults.append(Fault("period_start", "subscription_ended", message))
    if admitted.is_level and is_long(record):
        message = f"must be at most {MAX_LEVEL_WINDOW.days} days after period_start for a time_weighted metric"
        faults.append(Fault("period_end", "window_too_long", message))
    return tuple(faults)


def life_of(admitted: Admission, faults: tuple[Fault, ...]) -> dict[str, str]:
    """Return the bounds that `faults` refer to, by their names in responses."""
    codes = {fault.code for fault in faults}
    found = {}
    if "before_start" in codes:
        found["started_at"] = _shown(admitted.starts)
    if "subscription_ended" in codes:
        found["ended_at"] = _shown(admitted.ends)
    return found


def is_long(record: UsageRecord) -> bool:
    """Return whether the window of a record is longer than that of a level may be."""
    if record.start[:_MONTH] == record.end[:_MONTH]:
        return False  # true of nearly all, and cheaper than parsing the instants
    return datetime.fromisoformat(record.end) - datetime.fromisoformat(record.start) > MAX_LEVEL_WINDOW


def _shown(sortable_instant: str) -> str:
    return rfc3339(datetime.fromisoformat(sortable_instant))
