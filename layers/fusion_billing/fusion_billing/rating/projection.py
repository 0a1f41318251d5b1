"""Where usage is heading: an estimate of the units at the period's end."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from fusion_billing.decimals import EXACT
from fusion_billing.definitions.metric import Aggregation

_GROWS_WITH_TIME = frozenset({"sum", "count", "time_weighted"})
_TICK = timedelta(microseconds=1)
_DIGITS = Decimal("0.000001")


def projected_units(
    units: Decimal, *, aggregation: Aggregation, period_start: datetime, period_end: datetime, now: datetime
) -> Decimal:
    """Return the units to expect by the period's end, to six digits, if usage goes on as it went so far.

    What grows with time (sum, count, time-weighted) is drawn on in a straight line; a level (max, min,
    last, average) and the number of distinct members are taken to stay. Before the period has begun, and
    once it is over, the units themselves are the answer. The instants are aware.
    """
    if aggregation not in _GROWS_WITH_TIME or not period_start < now < period_end:
        return units
    elapsed, whole = (now - period_start) // _TICK, (period_end - period_start) // _TICK
    projected = EXACT.divide(EXACT.multiply(units, Decimal(whole)), Decimal(elapsed))
    return projected.quantize(_DIGITS, rounding=ROUND_HALF_UP, context=EXACT).normalize(EXACT)
