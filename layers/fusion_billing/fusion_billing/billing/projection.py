"""Project a period: rate its usage so far as if it continued at the same pace.

Usage continues until the period or the subscription ends; it no longer grows for a subscription that has churned,
is paused or has ended. Future usage is priced at the prices that will be in force then.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from fusion_billing.billing.decisions import total
from fusion_billing.billing.priced_subscription import PricedSubscription
from fusion_billing.billing.pricing import Pricing
from fusion_billing.decimals import EXACT
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult

_FINEST = Decimal("0.000001")
_TICK = timedelta(microseconds=1)
_Properties = tuple[tuple[str, str], ...]


def projected(
    price: Pricing,
    records: Sequence[Record],
    subscription: PricedSubscription,
    *,
    start: datetime,
    end: datetime,
    until: datetime | None,
    now: datetime,
) -> RatingResult:
    """Project the amount of the period `[start, end)`, if usage continues as it did until `now`.

    `until` is when rating stops or stopped (None: it goes on). Sums and counts grow with time, filters and
    groups keeping their shares; a level (`time_weighted`) goes on from where its last window ends; of the
    other aggregations the value so far is the best guess. Quantities are rounded to six digits.
    """
    since = max(start, subscription.lived_from or start)
    last = min(end, until or end, subscription.lived_until or end)
    growing = since < now < last
    metric = price.metric
    if growing and metric.aggregation == "count":
        metric = metric.model_copy(update={"aggregation": "sum"})
        records = [replace(record, quantity=Decimal(1)) for record in records]
    more: list[Record] = []
    if growing and metric.aggregation == "sum":
        more = [each for record in records for each in _goes_on(record, price, since, now, last)]
    if growing and metric.aggregation == "time_weighted":
        more = list(_levels(records, since, now, last))
    return replace(price, metric=metric).rate([*records, *more], subscription, start, end)


def _goes_on(record: Record, price: Pricing, since: datetime, now: datetime, last: datetime) -> Iterator[Record]:
    """Yield the future usage of a record, span by span, at its pace up to `now`."""
    for index, span in enumerate(price.spans):
        first, end = max(span.start, now), min(span.end, last)
        if first < end:
            quantity = _share(record.quantity, end - first, now - since)
            yield replace(record, key=f"{record.key}+{index}", window_start=first, window_end=end, quantity=quantity)


def _levels(records: Sequence[Record], since: datetime, now: datetime, last: datetime) -> Iterator[Record]:
    """Yield one window for each set of properties: its mean level, from its last window's end on."""
    series: dict[_Properties, list[Record]] = {}
    for record in records:
        series.setdefault(tuple(sorted((record.properties or {}).items())), []).append(record)
    for windows in series.values():
        covered = min(max(record.window_end for record in windows), last)
        if not since < covered <= now:
            continue  # records already cover the time to come
        area = total(_weighted(record, since, covered) for record in windows)
        quantity = _share(area, _TICK, covered - since)
        yield replace(
            windows[-1],
            key=f"{windows[-1].key}+",
            window_start=covered,
            window_end=last,
            quantity=quantity,
        )


def _weighted(record: Record, since: datetime, until: datetime) -> Decimal:
    """Return a record's quantity times the ticks of its window in `[since, until)`."""
    length = min(record.window_end, until) - max(record.window_start, since)
    return EXACT.multiply(record.quantity, Decimal(max(length, timedelta()) // _TICK))


def _share(quantity: Decimal, part: timedelta, whole: timedelta) -> Decimal:
    """Return `quantity * part / whole`."""
    product = EXACT.multiply(quantity, Decimal(part // _TICK))
    return EXACT.divide(product, Decimal(whole // _TICK)).quantize(_FINEST, rounding=ROUND_HALF_UP, context=EXACT)
