"""Show in one response what is owed and what needs attention."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from functions.admin.overview_ports import CountedDeliveries, CountedLines, FailingPairs, MarkedCounts, Totals
from functions.admin.ports import ApiKeys, Sources
from functions.admin.webhook_ports import Endpoints
from fusion_billing.billing.amount_totals import Group, Sum
from fusion_billing.billing.planning import HOUR, hour_of
from fusion_billing.catalog.identifiers import DEFAULT_PAGE, MAX_PAGE
from fusion_billing.currencies import with_digits
from fusion_billing.dynamodb.ratings.order_line_items import CHANGED, FAILED, FINAL_INVOICE, state_partition_name
from fusion_billing.instants import rfc3339
from fusion_billing.webhooks.endpoint import Endpoint

MOST_COUNTED = 1_000
"""Where counting stops."""

_SECONDS = 1.0
_COUNTING_SECONDS = 0.3
_HOURS = 24
_SETTLED = timedelta(minutes=5)
"""How long after an hour its change markers are complete."""
_LISTED = 20
_EXPIRES_SOON = timedelta(days=30)
_DUE_SOON = timedelta(days=7)
_SOURCES, _ENDPOINTS = MAX_PAGE, DEFAULT_PAGE


class CountJson(TypedDict):
    """A count; `is_capped` is true if there may be more."""

    count: int
    is_capped: bool


class AmountJson(TypedDict):
    """The amount of the ratings of a plan whose periods end in a month, in the zones of their subscriptions."""

    period_end_month: str
    state: str
    plan: str
    currency: str
    amount: str
    ratings: int
    subscriptions: int


class DueJson(TypedDict):
    """What Odoo invoices on a day, by what is rated so far."""

    period_end: str
    currency: str
    amount: str
    subscriptions: int


class ExpiringKeyJson(TypedDict):
    """An API key that expires soon, or has just expired."""

    id: str
    source: str
    expires_at: str


class HourJson(CountJson):
    """How many pairs changed in an hour."""

    hour: str


class FailingPairJson(TypedDict):
    """A pair of a subscription and a metric that can't be rated."""

    subscription: str
    metric: str
    reason: str


class FailingPairsJson(CountJson):
    """The pairs that can't be rated, some of them listed."""

    items: list[FailingPairJson]


class MissingCounterJson(TypedDict):
    """A charge of a subscription whose usage came regularly, and no longer does."""

    subscription: str
    charge: str
    metric: str
    last_changed_at: str


class MissingCountersJson(CountJson):
    """The counters that no longer come, some of them listed."""

    items: list[MissingCounterJson]


class ProgressJson(TypedDict):
    """How many parts of the amounts have been added up at least once, and how many there are."""

    added_up: int
    parts: int


class OverviewJson(TypedDict):
    """The overview; `amounts_calculated_at` is null while a part of the amounts was never added up."""

    calculated_at: str
    amounts_calculated_at: str | None
    amounts_progress: ProgressJson
    amounts: list[AmountJson]
    invoices_due: list[DueJson]
    lines: dict[str, CountJson]
    changed_pairs: list[HourJson]
    failing_pairs: FailingPairsJson
    missing_counters: MissingCountersJson
    failed_deliveries: CountJson
    failing_endpoints: list[str]
    disabled_endpoints: list[str]
    expiring_keys: list[ExpiringKeyJson]


@dataclass(frozen=True, slots=True)
class OverviewStores:
    """What an overview is read from."""

    totals: Totals
    lines: CountedLines
    deliveries: CountedDeliveries
    endpoints: Endpoints
    sources: Sources
    keys: ApiKeys
    marked: MarkedCounts
    failing: FailingPairs
    clock: Callable[[], float]
    """A monotonic clock, in seconds."""


def overview(stores: OverviewStores, now: datetime) -> OverviewJson:
    """Return the overview; it takes about a second while outdated amounts are added up. Raises `Unavailable`."""
    until = stores.clock() + _SECONDS
    endpoints, _ = stores.endpoints.listing(source=None, limit=_ENDPOINTS, after=None)
    stores.totals.refresh(now, lambda: stores.clock() < until)
    calculated_at = stores.totals.calculated_at(now)
    added_up, parts = stores.totals.progress(now)
    sums = list(stores.totals.sums(now))
    return {
        "calculated_at": rfc3339(now),
        "amounts_calculated_at": None if calculated_at is None else rfc3339(calculated_at),
        "amounts_progress": {"added_up": added_up, "parts": parts},
        "amounts": _amounts(sums, now),
        "invoices_due": _due(sums, now),
        "lines": {state: _lines(stores.lines, state) for state in (FAILED, FINAL_INVOICE, CHANGED)},
        "changed_pairs": _changed(stores, now),
        "failing_pairs": _failing(stores.failing, now),
        "missing_counters": _missing(stores.totals, now),
        "failed_deliveries": _failed(stores.deliveries, endpoints),
        "failing_endpoints": [each.id for each in endpoints if each.enabled and each.failing_since is not None],
        "disabled_endpoints": [each.id for each in endpoints if not each.enabled],
        "expiring_keys": _expiring(stores, now),
    }


def _amounts(sums: Iterable[tuple[Group, Sum]], now: datetime) -> list[AmountJson]:
    added: dict[tuple[str, str, str, str], Sum] = defaultdict(Sum)
    for group, part in sums:
        key = f"{group.ends:%Y-%m}", group.state(now), group.plan, group.currency
        added[key].add(part.amount, part.ratings, part.subscriptions)
    return [
        {
            "period_end_month": month,
            "state": state,
            "plan": plan,
            "currency": currency,
            "amount": with_digits(total.amount, currency),
            "ratings": total.ratings,
            "subscriptions": total.subscriptions,
        }
        for (month, state, plan, currency), total in sorted(added.items())
    ]


def _due(sums: Iterable[tuple[Group, Sum]], now: datetime) -> list[DueJson]:
    last = (now + _DUE_SOON).date()
    added: dict[tuple[str, str], Sum] = defaultdict(Sum)
    for group, part in sums:
        if group.state(now) == "open" and group.ends <= last:
            added[group.ends.isoformat(), group.currency].add(part.amount, part.ratings, part.subscriptions)
    return [
        {
            "period_end": ends,
            "currency": currency,
            "amount": with_digits(total.amount, currency),
            "subscriptions": total.subscriptions,
        }
        for (ends, currency), total in sorted(added.items())
    ]


def _changed(stores: OverviewStores, now: datetime) -> list[HourJson]:
    """Return the pairs that changed in each of the last 24 hours, as far as the hours are counted yet."""
    until = stores.clock() + _COUNTING_SECONDS
    last = hour_of(now - _SETTLED) - HOUR
    hours = [last - number * HOUR for number in range(_HOURS)]
    counts = dict(stores.marked.stored(hours))
    for hour in hours:
        if hour not in counts:
            counted = stores.marked.count(hour, lambda: stores.clock() < until)
            if counted is None:
                break
            counts[hour] = counted
    return [
        {"hour": rfc3339(hour), "count": counts[hour].count, "is_capped": counts[hour].is_capped}
        for hour in sorted(counts)
    ]


def _failing(failing: FailingPairs, now: datetime) -> FailingPairsJson:
    """Return the pairs that failed in this hour or the one before: each is tried again every hour."""
    pairs, is_capped = failing.of([hour_of(now), hour_of(now) - HOUR])
    items: list[FailingPairJson] = [
        {"subscription": pair.subscription, "metric": pair.metric, "reason": pair.reason} for pair in pairs[:_LISTED]
    ]
    return {"count": len(pairs), "is_capped": is_capped, "items": items}


def _missing(totals: Totals, now: datetime) -> MissingCountersJson:
    counters, count = totals.missing(now)
    items: list[MissingCounterJson] = [
        {
            "subscription": counter.subscription,
            "charge": counter.charge,
            "metric": counter.metric,
            "last_changed_at": rfc3339(counter.changed_at),
        }
        for counter in counters[:_LISTED]
    ]
    return {"count": count, "is_capped": False, "items": items}


def _lines(lines: CountedLines, state: str) -> CountJson:
    return _count(lines.count(state_partition_name(state), MOST_COUNTED))


def _failed(deliveries: CountedDeliveries, endpoints: Iterable[Endpoint]) -> CountJson:
    total = 0
    for endpoint in endpoints:
        total += deliveries.failed_count(endpoint.id, MOST_COUNTED - total)
        if total >= MOST_COUNTED:
            break
    return _count(total)


def _count(count: int) -> CountJson:
    return {"count": count, "is_capped": count >= MOST_COUNTED}


def _expiring(stores: OverviewStores, now: datetime) -> list[ExpiringKeyJson]:
    sources, _ = stores.sources.listing(None, _SOURCES)
    found: list[ExpiringKeyJson] = []
    for source in sources:
        for key_id in source.keys:
            key = stores.keys.get(key_id)
            if key is not None and key.expires is not None and key.expires <= now + _EXPIRES_SOON:
                found.append({"id": key_id, "source": source.id, "expires_at": rfc3339(key.expires)})
    return sorted(found, key=lambda key: key["expires_at"])
