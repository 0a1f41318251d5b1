"""Find usage that is stored but not billed, because it lies outside its subscription's life."""

from datetime import UTC, datetime
from decimal import localcontext
from typing import TypedDict

from functions.admin.usage_ports import RatedRecords
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.catalog.metric import Metric
from fusion_billing.decimals import EXACT, plain
from fusion_billing.rating.aggregations import AGGREGATORS
from fusion_billing.rating.exact import readable
from fusion_billing.rating.records import in_order

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class UnbilledJson(TypedDict):
    """Usage outside the part of a period that is billed, and the number of its records on either side."""

    units: str
    records_before: int
    records_after: int


def unbilled(
    subscription: BilledSubscription, period: Period, metric: Metric, records: RatedRecords
) -> UnbilledJson | None:
    """Return what was used outside the part of a period that is billed, None where nothing was.

    That is before the subscription's start (or `billed_from`), and from its end on. Of the first period seen
    it is all there is from before.
    """
    starts = subscription.rated_start(period)
    if subscription.rated_from is not None:
        starts = min(starts, subscription.rated_from)
    first = period.start if period != subscription.calendar.known[0] else _EVER
    before = list(records.between(subscription.id, metric.code, first, starts))
    after = list(records.between(subscription.id, metric.code, subscription.rated_end(period), period.end))
    if not before and not after:
        return None
    outside = in_order([*before, *after])
    with localcontext(EXACT):
        since = min(period.start, outside[0].window_start)
        units = readable(AGGREGATORS[metric.aggregation].aggregate(outside, since, period.end))
    return {"units": plain(units), "records_before": len(before), "records_after": len(after)}
