"""Rate one charge over one period. This module has the order of the steps; each step has its own module.

filter and group -> aggregate -> convert -> round the quantity -> subtract the included units -> price ->
minimum and maximum -> round once, half-up, to the currency's digits.

If the price changes within the period, each price has a span. Aggregations that add up over time are priced span by
span, and tiers and included units continue. Any other aggregation has one value for the period, which every price
prices, weighted by its share of the time (`segment_pricing`).
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import localcontext

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.decimals import EXACT, ZERO
from fusion_billing.rating.aggregations import AGGREGATORS
from fusion_billing.rating.aggregations.weighted import cut
from fusion_billing.rating.commitments import commitment
from fusion_billing.rating.exact import Exact, readable, to_currency
from fusion_billing.rating.price_spans import PriceSpan, of_versions
from fusion_billing.rating.records import Record, in_order, start_of
from fusion_billing.rating.result import RatingResult, Step
from fusion_billing.rating.segment_pricing import PartPrice, Pricer
from fusion_billing.rating.timeline import Interval, Part, timeline


def rate(
    versions: Sequence[Charge],
    metric: Metric,
    records: Iterable[Record],
    *,
    period_start: datetime,
    period_end: datetime,
) -> RatingResult:
    """Rate a charge in `[period_start, period_end)`.

    Nothing is validated here: definitions and records arrive valid.

    Args:
        versions: The charge's price versions (at least one), with the subscription's overrides applied. Before the
            first is valid, the charge does not apply.
        metric: What the records count.
        records: The metric's records. Those count whose window starts in the period; for `time_weighted`, the part of
            each window in the period.
        period_start: The period's first instant (aware).
        period_end: The first instant after it (aware).
    """
    return rate_spans(
        of_versions(versions, period_start, period_end) or [PriceSpan(period_end, period_end, versions[0])],
        metric,
        records,
        period_start=period_start,
        period_end=period_end,
    )


def rate_spans(
    spans: Sequence[PriceSpan],
    metric: Metric,
    records: Iterable[Record],
    *,
    period_start: datetime,
    period_end: datetime,
    lived_start: datetime | None = None,
    lived_end: datetime | None = None,
    whole_start: datetime | None = None,
    timezone: str = "UTC",
) -> RatingResult:
    """Rate a charge in `[period_start, period_end)`, span by span.

    Args:
        spans: They cover the period, in order and without gaps; at least one has a charge. A version may return after
            another one, or after None.
        metric: What the records count.
        records: Those whose window starts in the period; for `time_weighted` those that overlap it.
        period_start: The period's first instant.
        period_end: The first instant after it.
        lived_start: When the subscription's life starts, if within the period.
        lived_end: When it ends, if within the period.
        whole_start: When the period would start if the subscription's start did not shorten it; prorated amounts are
            a share of this whole period. None: the period is not shortened.
        timezone: The time zone of the days in the steps.

    Raises:
        ValueError: No span has a charge.
    """
    period = Interval(period_start, period_end)
    lived = Interval(max(period_start, lived_start or period_start), min(period_end, lived_end or period_end))
    whole_period = Interval(min(period_start, whole_start or period_start), period_end)
    parts = timeline(spans, whole_period, lived, timezone)
    with localcontext(EXACT):
        if not parts:
            return _nothing(spans)
        chosen = in_order(_chosen(metric, records, parts, lived))
        steps, last = _price(Pricer(metric, period, parts), chosen)
        unrounded, currency = _sum(steps), parts[-1].charge.currency
        return RatingResult(
            units=readable(last.units),
            included_units=readable(last.included),
            billable_units=readable(last.billable),
            amount=to_currency(unrounded, currency),
            unrounded_amount=readable(unrounded),
            currency=currency,
            steps=tuple(steps),
            price_versions=_versions(spans, lived),
        )


def _nothing(spans: Sequence[PriceSpan]) -> RatingResult:
    charge = next((span.charge for span in spans if span.charge is not None), None)
    if charge is None:
        raise ValueError("At least one span must have a charge")
    return RatingResult(ZERO, ZERO, ZERO, to_currency(ZERO, charge.currency), ZERO, charge.currency, ())


def _chosen(metric: Metric, records: Iterable[Record], parts: Sequence[Part], lived: Interval) -> list[Record]:
    """Return the records that count; for aggregations that add up, those in spans with a charge."""
    if metric.aggregation == "time_weighted":
        given = list(records)
        return [piece for part in parts for piece in cut(given, part.start, part.end)]
    if not AGGREGATORS[metric.aggregation].adds_up:
        return [record for record in records if lived.start <= record.window_start < lived.end]
    if len(parts) == 1:
        start, end = parts[0].start, parts[0].end
        return [record for record in records if start <= record.window_start < end]
    ordered = sorted(records, key=start_of)
    return [
        record
        for part in parts
        for record in ordered[
            bisect_left(ordered, part.start, key=start_of) : bisect_left(ordered, part.end, key=start_of)
        ]
    ]


def _price(pricer: Pricer, records: list[Record]) -> tuple[list[Step], PartPrice]:
    """Return the steps, with those for minimum and maximum, and the last part, which gives the units."""
    prices = [pricer.price(index, records) for index in range(len(pricer.parts))]
    if pricer.weighs_all:
        bounded = [
            each.steps + commitment([part], _sum(each.steps)) for part, each in zip(pricer.parts, prices, strict=True)
        ]
        return [step for steps in bounded for step in steps], prices[-1]
    steps = [step for each in prices for step in each.steps]
    return steps + commitment(pricer.parts, _sum(steps)), prices[-1]


def _versions(spans: Sequence[PriceSpan], lived: Interval) -> tuple[date | None, ...]:
    found = [
        span.charge.valid_from
        for span in spans
        if span.charge is not None and max(span.start, lived.start) < min(span.end, lived.end)
    ]
    return tuple(dict.fromkeys(found))


def _sum(steps: Sequence[Step]) -> Exact:
    return sum([step.amount for step in steps], ZERO)
