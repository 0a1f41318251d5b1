"""Prices the records that belong together in one part of a period.

What adds up over time (sums, counts, levels weighted by time) is priced as it comes: in each part, what all
units so far cost at its price, less what the units before it cost at that same price. So tiers, packages and
included units go on through a change of the price, and an identical price changes nothing. A volume's
tier is the one of the period's total.
Anything else, and a flat amount, has one value for the period: each part's price prices all of it, and
counts by its share of the time.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.price_models import Flat, Percentage, Volume
from fusion_billing.decimals import ZERO, plain
from fusion_billing.rating import quantities
from fusion_billing.rating.aggregations import AGGREGATORS
from fusion_billing.rating.exact import ONE, Exact, in_words
from fusion_billing.rating.models import price
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.phrases import counted, units
from fusion_billing.rating.records import Record, start_of
from fusion_billing.rating.result import Step, note
from fusion_billing.rating.selection import Segment, segments
from fusion_billing.rating.span_phrases import share
from fusion_billing.rating.timeline import Interval, Part


class Priced(NamedTuple):
    """What some records come to in one part, before minimum and maximum.

    The units are all of the period's so far; the steps are the part's alone.
    """

    units: Exact
    included: Exact
    billable: Exact
    steps: list[Step]


class _Quantity(NamedTuple):
    """The units of some records as one price counts them.

    `stages` are the figures that led there: aggregated, converted, rounded. Where each record is priced by
    itself there are none, and `portions` are the records' units; else all of them are one portion.
    """

    records: Sequence[Record]
    units: Exact
    portions: list[Exact]
    stages: list[Exact]


class Pricer:
    """Prices the parts of one rating."""

    def __init__(self, metric: Metric, period: Interval, parts: Sequence[Part]) -> None:
        self.parts = parts
        self._metric = metric
        self._period = period
        self._aggregator = AGGREGATORS[metric.aggregation]

    @property
    def weighs_all(self) -> bool:
        """Whether nothing of the amount adds up: all of it counts by its share of the time."""
        return not self._aggregator.adds_up or all(
            type(model) is Flat
            for part in self.parts
            for model in (part.charge.model, *(item.model for item in part.charge.filters))
        )

    def price(self, index: int, records: list[Record]) -> Priced:
        """Return what the records (all that count, in order) come to in one part of the period."""
        charge = self.parts[index].charge
        if not charge.filters and not charge.group_by:
            return self._segment(index, Segment("", charge.model, charge.included_units, records))
        priced = [self._segment(index, segment) for segment in segments(charge, records)]
        return Priced(
            sum([each.units for each in priced], ZERO),
            sum([each.included for each in priced], ZERO),
            sum([each.billable for each in priced], ZERO),
            [step for each in priced for step in each.steps],
        )

    def _segment(self, index: int, segment: Segment) -> Priced:
        if self._aggregator.adds_up and type(segment.model) is not Flat:
            return self._added(index, segment)
        return self._weighed(self.parts[index], segment)

    def _weighed(self, part: Part, segment: Segment) -> Priced:
        """Price the period's one value, and let it count by the part's share of the time."""
        quantity = self._quantity(part.charge, segment, segment.records)
        included = segment.included_units
        steps = self._notes(part.charge, quantity)
        if included:
            steps.append(note(f"Included: {units(included)}", min(quantity.units, included)))
        billable = max(ZERO, quantity.units - included)
        priced = price(segment.model, Usage(billable, _less(quantity.portions, included)))
        steps += [_scaled(step, part.weight) for step in priced]
        return Priced(quantity.units, included, billable, _labelled(part.weighed_label + _label(segment), steps))

    def _added(self, index: int, segment: Segment) -> Priced:
        """Price what the part adds to what came before it."""
        part, is_last = self.parts[index], index == len(self.parts) - 1
        before_count, count = self._counts(part, segment)
        exists = count > 0 or not segment.is_group
        has_before = index > 0 and (before_count > 0 or not segment.is_group)
        if not is_last and (not exists or (has_before and before_count == count)):
            return Priced(ZERO, ZERO, ZERO, [])
        included = segment.included_units * part.fee_share
        now = self._quantity(part.charge, segment, segment.records[:count])
        before = self._quantity(part.charge, segment, segment.records[:before_count]) if has_before else None
        usage = Usage(
            max(ZERO, now.units - included),
            _less(now.portions, included),
            None if before is None else _usage(before, included),
            None if is_last else self._total(part, segment, included),
            part.fee_share,
            part.fee_words,
        )
        steps = self._notes(part.charge, now, before) + _included(part, segment, included, now, before)
        steps += price(segment.model, usage)
        if before is not None:
            steps = [step for step in steps if step.units or step.amount]
        return Priced(now.units, included, usage.billable, _labelled(self._dated(part) + _label(segment), steps))

    def _dated(self, part: Part) -> str:
        """Return what the part's steps begin with; of a level it says how long the part is."""
        if self._metric.aggregation != "time_weighted" or not part.dates:
            return part.label
        return f"{part.dates}, {share(part.end - part.start, self._period.length)}: "

    def _counts(self, part: Part, segment: Segment) -> tuple[int, int]:
        """Return how many of the segment's records lie before the part, and before its end."""
        if len(self.parts) == 1:
            return 0, len(segment.records)
        return (
            bisect_left(segment.records, part.start, key=start_of),
            bisect_left(segment.records, part.end, key=start_of),
        )

    def _total(self, part: Part, segment: Segment, included: Exact) -> Exact | None:
        """Return the period's billable units as the part's price counts them, if the model asks."""
        if type(segment.model) is not Volume:
            return ZERO
        whole = self._quantity(part.charge, segment, segment.records)
        return max(ZERO, whole.units - included)

    def _quantity(self, charge: Charge, segment: Segment, records: Sequence[Record]) -> _Quantity:
        """Return the records' units: aggregated, converted and rounded."""
        if type(segment.model) is Percentage and self._metric.aggregation in {"sum", "count"}:
            # A percentage is of each record, so each is converted and rounded by itself.
            each_is_one = self._metric.aggregation == "count"
            portions = [self._staged(charge, ONE if each_is_one else record.quantity)[-1] for record in records]
            return _Quantity(records, sum(portions, ZERO), portions, [])
        stages = self._staged(charge, self._aggregator.aggregate(records, self._period.start, self._period.end))
        return _Quantity(records, stages[-1], stages[-1:] if records else [], stages)

    def _staged(self, charge: Charge, quantity: Exact) -> list[Exact]:
        """Return the quantity, then as it is converted, then as it is rounded."""
        stages = [quantity]
        if charge.unit_conversion is not None:
            stages.append(quantities.converted(stages[-1], charge.unit_conversion))
        if self._metric.rounding is not None:
            stages.append(quantities.rounded(stages[-1], self._metric.rounding))
        return stages

    def _notes(self, charge: Charge, now: _Quantity, before: _Quantity | None = None) -> list[Step]:
        """Return a note of the records that came after `before`, and of each stage of their units."""
        if not now.stages:
            return []
        figures, records = now.stages, len(now.records)
        if before is not None:
            figures = [figure - earlier for figure, earlier in zip(figures, before.stages, strict=True)]
            records -= len(before.records)
        notes = []
        if records > 1 or self._metric.aggregation != "sum":
            notes.append(note(f"{counted(records, 'record')}, {self._aggregator.words}", figures[0]))
        if len(figures) > 1:
            words = quantities.in_words(charge.unit_conversion, self._metric.rounding)
            notes += [note(*each) for each in zip(words, figures[1:], strict=True)]
        return notes


def _usage(quantity: _Quantity, included: Exact) -> Usage:
    return Usage(max(ZERO, quantity.units - included), _less(quantity.portions, included))


def _included(part: Part, segment: Segment, included: Exact, now: _Quantity, before: _Quantity | None) -> list[Step]:
    """Return a note of the included units that the part uses, if any are included."""
    if not included:
        return []
    used = min(now.units, included)
    if before is not None:
        used = used - min(before.units, included)
        return [note(f"Included: {in_words(used)} of {units(included)}", used)]
    why = f" ({plain(segment.included_units)} for {part.fee_words})" if part.fee_words else ""
    return [note(f"Included: {units(included)}{why}", used)]


def _less(portions: list[Exact], included: Exact) -> list[Exact]:
    """Return the portions less the included units, which the first of them use up."""
    if not included:
        return portions
    left: Exact = included
    paid: list[Exact] = []
    for portion in portions:
        if left and portion <= left:
            left = left - portion
            continue
        paid.append(portion - left)
        left = ZERO
    return paid


def _scaled(step: Step, weight: Exact) -> Step:
    if weight is ONE or not step.amount:
        return step
    return step._replace(unit_amount=step.unit_amount * weight, amount=step.amount * weight)


def _label(segment: Segment) -> str:
    return f"{segment.label}: " if segment.label else ""


def _labelled(label: str, steps: list[Step]) -> list[Step]:
    if not label:
        return steps
    return [Step(label + words, number, price, amount) for words, number, price, amount in steps]
