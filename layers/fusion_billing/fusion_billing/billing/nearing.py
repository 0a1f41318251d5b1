"""Whether a rating is about to reach a step of its charge: a threshold, the included units, a tier or the maximum."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.price_models import Percentage
from fusion_billing.decimals import EXACT
from fusion_billing.rating.result import RatingResult

_GROWING = frozenset({"sum", "count"})
"""Aggregations that grow with time: their pace tells when they reach a step."""

_TICK = timedelta(microseconds=1)
_HUNDRED, _TEN, _NINE = Decimal(100), Decimal(10), Decimal(9)


def is_nearing(charge: Charge, metric: Metric, result: RatingResult, *, elapsed: timedelta, ahead: timedelta) -> bool:
    """Return whether a rating may reach a step of its charge within the time `ahead`.

    What grows with time reaches it at its pace since the period began, `elapsed` ago. Any other value is near from
    nine tenths of a step on. Tiers within a group or a filter are not considered.
    """
    if elapsed <= timedelta():
        return False
    figures = [(result.units, step) for step in _unit_steps(charge, result.included_units)]
    figures += [(result.amount, step) for step in _amount_steps(charge)]
    behind, before = Decimal(elapsed // _TICK), Decimal(ahead // _TICK)
    is_growing = metric.aggregation in _GROWING

    def is_near(value: Decimal, step: Decimal) -> bool:
        if value >= step:
            return False
        if is_growing:
            missing = EXACT.subtract(step, value)
            return EXACT.multiply(value, before) >= EXACT.multiply(missing, behind)
        return EXACT.multiply(value, _TEN) >= EXACT.multiply(step, _NINE)

    return any(is_near(value, step) for value, step in figures)


def _unit_steps(charge: Charge, included: Decimal) -> Iterator[Decimal]:
    if included:
        yield included
        for percent in charge.effective_thresholds.percent_of_included:
            yield EXACT.divide(EXACT.multiply(included, percent), _HUNDRED)
    if charge.group_by or charge.filters:
        return
    for tier in getattr(charge.model, "tiers", ()):
        if tier.up_to is not None:
            yield EXACT.add(included, tier.up_to)
    if isinstance(charge.model, Percentage) and charge.model.free_amount is not None:
        yield EXACT.add(included, charge.model.free_amount)


def _amount_steps(charge: Charge) -> Iterator[Decimal]:
    yield from charge.effective_thresholds.amounts
    if charge.maximum_amount is not None:
        yield charge.maximum_amount
