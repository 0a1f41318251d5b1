"""Rates one charge over one period: the order of things, and nothing of how each is done.

filter and group -> aggregate -> convert -> round the quantity -> subtract the included units -> price ->
minimum and maximum -> round once, half-up, to the currency's digits.

A change of price in mid-period: the part of the period from a version's `valid_from` on (by window
start) is priced by it as what all units so far come to, less what the units before it come to, both at its
price. So tiers and included units go on through the change, and what is due once a period
is due once, at the version in force first. Minimum and maximum are those of the version in force last.
Before the first version's `valid_from` the charge did not exist: records from before it are not its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext

from fusion_billing.currencies import rounded as to_currency
from fusion_billing.decimals import EXACT, ZERO, plain
from fusion_billing.definitions.charge import Charge
from fusion_billing.definitions.metric import Metric
from fusion_billing.definitions.price_models import Percentage
from fusion_billing.instants import rfc3339
from fusion_billing.rating import quantities
from fusion_billing.rating.aggregations import AGGREGATES, WORDS
from fusion_billing.rating.commitments import commitment
from fusion_billing.rating.models import price
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.price_spans import PriceSpan, of_versions
from fusion_billing.rating.rated import ONE, Rated, Step, lump, note, records_in_words
from fusion_billing.rating.records import Record, in_order
from fusion_billing.rating.selection import Segment, segments
from fusion_billing.rating.versions import Part


def rate(
    versions: Sequence[Charge],
    metric: Metric,
    records: Iterable[Record],
    *,
    period_start: datetime,
    period_end: datetime,
) -> Rated:
    """Return what the charge comes to in `[period_start, period_end)`.

    `versions` are the charge's price versions (one at least), a subscription's overrides already
    laid over them; `records` the metric's records, of which those count whose window starts in
    the period. The instants are aware. Nothing is validated here: definitions and records were.
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
    timezone: str = "UTC",  # noqa: ARG001  for the steps' dates, which come next
) -> Rated:
    """Return what a charge comes to in `[period_start, period_end)`, priced span by span.

    `spans` tile the period, in order; one at least has a charge. The same version may return after
    another (or after None). `records` are the metric's whose window starts in the period, for
    `time_weighted` those that overlap it. `lived_start` and `lived_end` bound the part of the period in which
    the subscription lives (default: all of it). `timezone` is the zone whose days the steps speak of.
    """
    since = max(period_start, lived_start or period_start)
    until = min(period_end, lived_end or period_end)
    clipped = [replace(span, start=max(span.start, since), end=min(span.end, until)) for span in spans]
    priced = [span for span in clipped if span.charge is not None and span.start < span.end]
    own = [
        record for record in records if any(span.start <= record.window_start < span.end for span in priced)
    ]
    parts = [Part(span.charge, span.start) for span in priced if span.charge is not None]
    currency = next(span.charge.currency for span in spans if span.charge is not None)
    with localcontext(EXACT):
        return _rate(parts, _Counted(metric, period_start, period_end), in_order(own), currency)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What is the same for every part of one rating."""

    metric: Metric
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class _Priced:
    """What some records come to at one version of the price, before minimum and maximum."""

    units: Decimal
    included: Decimal
    billable: Decimal
    steps: list[Step]


def _rate(parts: Sequence[Part], counted: _Counted, records: list[Record], currency: str) -> Rated:
    if not parts:
        return Rated(ZERO, ZERO, ZERO, to_currency(ZERO, currency), ZERO, currency, ())
    last = parts[-1].version
    whole = _price(last, counted, records)
    steps = whole.steps if len(parts) == 1 else _price_parts(parts, counted, records)
    steps += commitment(last, _sum(steps))
    unrounded = _sum(steps)
    return Rated(
        units=whole.units,
        included_units=whole.included,
        billable_units=whole.billable,
        amount=to_currency(unrounded, last.currency),
        unrounded_amount=unrounded,
        currency=last.currency,
        steps=tuple(steps),
        price_versions=tuple(part.version.valid_from for part in parts),
    )


def _price_parts(parts: Sequence[Part], counted: _Counted, records: list[Record]) -> list[Step]:
    """Return the steps of every part: all so far at its price, less those before at its price."""
    steps: list[Step] = []
    untils = [part.since for part in parts[1:]] + [counted.end]
    before: list[Record] = []
    for part, until in zip(parts, untils, strict=True):
        so_far = [record for record in records if record.window_start < until]
        if steps and len(so_far) == len(before):
            continue
        own = list(_price(part.version, counted, so_far).steps)
        if steps:
            earlier = _price(part.version, counted, before)
            words = f"less what the {plain(earlier.units)} units before come to at this price"
            own.append(lump(words, -_sum(earlier.steps)))
        steps += _labelled(f"From {rfc3339(part.since)}", own)
        before = so_far
    return steps


def _price(version: Charge, counted: _Counted, records: list[Record]) -> _Priced:
    """Return what the records come to at this version of the price."""
    if not version.filters and not version.group_by:
        return _price_segment(version, counted, Segment("", version.model, version.included_units, records))
    priced = [_price_segment(version, counted, segment) for segment in segments(version, records)]
    return _Priced(
        sum([part.units for part in priced], ZERO),
        sum([part.included for part in priced], ZERO),
        sum([part.billable for part in priced], ZERO),
        [step for part in priced for step in part.steps],
    )


def _price_segment(version: Charge, counted: _Counted, segment: Segment) -> _Priced:
    metric, records, included = counted.metric, segment.records, segment.included_units
    steps: list[Step] = []
    portions: list[Decimal] = []
    if type(segment.model) is Percentage and metric.aggregation in {"sum", "count"}:
        # A percentage is of each record, so each is converted and rounded by itself.
        each_is_one = metric.aggregation == "count"
        portions = [
            _quantity(version, metric, ONE if each_is_one else record.quantity, []) for record in records
        ]
        units = sum(portions, ZERO)
    else:
        raw = AGGREGATES[metric.aggregation](records, counted.start, counted.end)
        if len(records) > 1 or metric.aggregation != "sum":
            steps.append(
                note(
                    f"{records_in_words(len(records))}, {WORDS[metric.aggregation]}", quantities.settled(raw)
                )
            )
        units = _quantity(version, metric, raw, steps)
        portions = [units] if records else []
    billable = units
    if included:
        billable = max(ZERO, units - included)
        steps.append(note(f"Included: {plain(included)} units", min(units, included)))
        portions = _less(portions, included)
    steps += price(segment.model, Usage(billable, portions))
    if segment.label:
        steps = _labelled(segment.label, steps)
    return _Priced(units, included, billable, steps)


def _quantity(version: Charge, metric: Metric, quantity: Decimal, steps: list[Step]) -> Decimal:
    """Return the quantity converted and rounded, and add to `steps` a note of each that was done."""
    conversion = version.unit_conversion
    if conversion is not None:
        quantity = quantities.converted(quantity, conversion)
        verb = "Multiplied" if conversion.operation == "multiply" else "Divided"
        words = f"{verb} by {plain(conversion.factor)}"
        if conversion.rounding != "none":
            words += f", rounded {conversion.rounding.replace('_', ' ')}"
        steps.append(note(words, quantities.settled(quantity)))
    if metric.rounding is not None:
        quantity = quantities.rounded(quantity, metric.rounding)
        mode = metric.rounding.mode.replace("_", " ")
        steps.append(note(f"Rounded {mode} to {metric.rounding.digits} digits", quantity))
    return quantities.settled(quantity)


def _less(portions: list[Decimal], included: Decimal) -> list[Decimal]:
    """Return the portions less the included units, which the first of them use up."""
    left = included
    paid = []
    for portion in portions:
        if left and portion <= left:
            left -= portion
            continue
        paid.append(portion - left)
        left = ZERO
    return paid


def _labelled(label: str, steps: Sequence[Step]) -> list[Step]:
    return [step._replace(description=f"{label}: {step.description}") for step in steps]


def _sum(steps: Sequence[Step]) -> Decimal:
    return sum([step.amount for step in steps], ZERO)
