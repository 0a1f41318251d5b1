"""Compute which price is in force when in a billing period, from versions, plans and dated overrides.

Each of the three changes at instants of its own. Between two such instants one version, one plan and at most one
override are in force: one price, or none if the charge does not apply (it isn't valid yet, isn't active, or is for
other plans). Neighbors of one price are one span. Of two changes at one instant the later one counts
(`catalog.valid_from.order_of`): the span of the other is empty.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain, pairwise
from typing import Any, Generic, NamedTuple, TypeVar

from fusion_billing.billing.priced_subscription import PricedSubscription
from fusion_billing.catalog.charge import Charge, ChargeOverride
from fusion_billing.catalog.overrides import dated
from fusion_billing.catalog.subscription_history import PlanChange
from fusion_billing.catalog.valid_from import instant_of, order_of
from fusion_billing.rating.price_spans import PriceSpan

T = TypeVar("T")


class _Change(NamedTuple, Generic[T]):
    """The value in force from `start` on; None: always."""

    start: datetime | None
    value: T


def price_spans(
    versions: Sequence[Charge],
    subscription: PricedSubscription,
    start: datetime,
    end: datetime,
    *,
    for_everybody: bool = False,
) -> tuple[PriceSpan, ...]:
    """Return the spans that tile `[start, end)`, including the parts in which `subscription` is not active.

    `versions` are all of the charge's. `for_everybody` leaves aside whom the charge is for, and whether it is
    active. Raises `Refused` where an override does not fit a version it is laid over.
    """
    zone = subscription.timezone
    priced = [
        _Change(instant_of(version.valid_from, zone), version)
        for version in sorted(versions, key=lambda version: order_of(version.valid_from, zone))
    ]
    plans = _plans(subscription)
    overrides = [
        _Change(instant_of(override.valid_from, zone), override)
        for override in sorted(
            dated(subscription.overrides.get(versions[0].code)),
            key=lambda override: order_of(override.valid_from, zone),
        )
    ]
    made: dict[tuple[int, int], Charge] = {}
    spans = []
    for since, until in _between(start, end, chain(priced, plans, overrides)):
        version, plan = _at(priced, since), _at(plans, since)
        applies = version is not None and (
            for_everybody
            or (
                version.active
                and version.applies_to.covers(plan=plan or subscription.plan, subscription=subscription.id)
            )
        )
        charge = _overridden(version, _at(overrides, since), made) if version and applies else None
        spans.append(PriceSpan(since, until, charge))
    return merged(spans)


def fitted(spans: Sequence[PriceSpan], start: datetime, end: datetime) -> tuple[PriceSpan, ...]:
    """Return the spans as they tile `[start, end)`: cut, or the first and the last one drawn out.

    A period may be invoiced with other bounds than those it was last rated in.
    """
    if (spans[0].start, spans[-1].end) == (start, end):
        return tuple(spans)
    inside = [span for span in spans if span.start < end and span.end > start]
    if not inside:
        inside = [spans[0] if end <= spans[0].start else spans[-1]]
    starts = [start, *(span.start for span in inside[1:])]
    ends = [*starts[1:], end]
    drawn = tuple(PriceSpan(since, until, span.charge) for since, until, span in zip(starts, ends, inside, strict=True))
    if any(span.charge is not None for span in drawn):
        return drawn
    charge = next(span.charge for span in reversed(spans) if span.charge is not None)
    return (*drawn, PriceSpan(end, end, charge))  # it applies nowhere in the new bounds, and still names it


def merged(spans: Iterable[PriceSpan]) -> tuple[PriceSpan, ...]:
    """Return contiguous spans without the empty ones, neighbours of one price as one."""
    found: list[PriceSpan] = []
    for span in spans:
        if span.start >= span.end:
            continue
        if found and (found[-1].charge is span.charge or found[-1].charge == span.charge):
            found[-1] = PriceSpan(found[-1].start, span.end, found[-1].charge)
        else:
            found.append(span)
    return tuple(found)


def _plans(subscription: PricedSubscription) -> list[_Change[str]]:
    if not subscription.plan_history:
        return [_Change(None, subscription.plan)]
    known = [change for change in subscription.plan_history if change.start is not None]
    since_ever = [change for change in subscription.plan_history if change.start is None]
    ordered = sorted(known, key=_start)
    first = (since_ever or ordered)[-1 if since_ever else 0]
    return [_Change(None, first.plan), *(_Change(change.start, change.plan) for change in ordered)]


def _start(change: PlanChange) -> datetime:
    return change.start or _SINCE_EVER


_SINCE_EVER = datetime.min.replace(tzinfo=UTC)


def _between(start: datetime, end: datetime, changes: Iterable[_Change[Any]]) -> Iterable[tuple[datetime, datetime]]:
    instants = {change.start for change in changes if change.start is not None}
    bounds = [start, *sorted(instant for instant in instants if start < instant < end), end]
    return pairwise(bounds)


def _at(changes: Sequence[_Change[T]], instant: datetime) -> T | None:
    """Return the value in force at an instant; `changes` are in order."""
    found = None
    for change in changes:
        if change.start is not None and change.start > instant:
            break
        found = change.value
    return found


def _overridden(version: Charge, override: ChargeOverride | None, made: dict[tuple[int, int], Charge]) -> Charge:
    """Return a version with an override laid over it: the same object for the same two."""
    if override is None:
        return version
    key = (id(version), id(override))
    if key not in made:
        made[key] = version.with_override(override)
    return made[key]
