"""Bugs of prices that change, plans that change, and subscriptions that end."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import functions.rate.adjusting
import fusion_billing.catalog.stored_subscription
from fusion_billing.billing import spans
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair, month_of
from fusion_billing.messaging.rating_jobs import RatingJobs
from tests.campaign.planted_bugs.base import Bug


class PriceChangeUnsent(Bug, name="price_change_not_sent"):
    """A changed price requests no rating: it takes effect with the next sweep, or new usage."""

    found_by = (26, None)

    def patches(self) -> Iterator[Any]:
        yield patch.object(RatingJobs, "sweep", lambda *_, **__: None)


class PlanHistoryIgnored(Bug, name="plan_history_ignored"):
    """All usage of a period is priced by the current plan, whichever was in force."""

    found_by = (11, None)

    def patches(self) -> Iterator[Any]:
        yield patch.object(spans, "_plans", lambda subscription: [spans._Change(None, subscription.plan)])


class ClosedPeriodPricedAnew(Bug, name="invoiced_period_priced_anew"):
    """Late usage of an invoiced period is priced by the current prices."""

    found_by = (25, None)

    def patches(self) -> Iterator[Any]:
        yield patch.object(functions.rate.adjusting.Adjuster, "_price", _current_price)


def _current_price(adjuster: functions.rate.adjusting.Adjuster, state: Any) -> Any:
    price, period = state.adjustment.price, state.adjustment.period
    pair = ChangedPair(state.subscription.id, price.metric.code, month_of(period.start))
    found, _ = adjuster._inputs.priced(pair, state.subscription, price.metric.code, period)
    return next((each for each in found if each.charge.code == price.charge.code), price)


class EndIgnored(Bug, name="end_ignored"):
    """A subscription that was closed goes on: its usage is accepted and rated."""

    found_by = (1, None)

    def patches(self) -> Iterator[Any]:
        yield patch.object(fusion_billing.catalog.stored_subscription, "accepted_until", lambda *_: None)
