"""Where a period is heading: its usage so far, as if it went on at the same pace to the period's end."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from fusion_billing.billing.pricing import Pricing
from fusion_billing.decimals import EXACT
from fusion_billing.rating.engine import rate
from fusion_billing.rating.rated import Rated
from fusion_billing.rating.records import Record

_ADDING_UP = frozenset({"sum", "count", "time_weighted"})
"""Aggregations that grow with time; of the others the value so far is the best guess."""

_FINEST = Decimal("0.000001")
_TICK = timedelta(microseconds=1)


def projected(
    price: Pricing, records: Sequence[Record], *, start: datetime, end: datetime, now: datetime
) -> Rated:
    """Return what the period `[start, end)` comes to if it goes on as it did until `now`.

    Every record's quantity grows by the time still to come, so that filters and groups keep their shares;
    quantities are rounded to six digits. Before the period's start and after its end nothing is added.
    """
    aggregation = price.metric.aggregation
    if not start < now < end or aggregation not in _ADDING_UP:
        return rate(price.versions, price.metric, records, period_start=start, period_end=end)
    growth = EXACT.divide(Decimal((end - start) // _TICK), Decimal((now - start) // _TICK))
    metric = price.metric
    grown = records
    if aggregation == "count":
        metric = metric.model_copy(update={"aggregation": "sum"})
        grown = [replace(record, quantity=Decimal(1)) for record in records]
    grown = [replace(record, quantity=_times(record.quantity, growth)) for record in grown]
    return rate(price.versions, metric, grown, period_start=start, period_end=end)


def _times(quantity: Decimal, growth: Decimal) -> Decimal:
    return EXACT.multiply(quantity, growth).quantize(_FINEST, rounding=ROUND_HALF_UP, context=EXACT)
