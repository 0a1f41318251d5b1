"""Price a segment of the records (one filter or group) in one part of a period.

Aggregations that add up over time (sum, count, time-weighted) are priced cumulatively: a part adds the price of all
units so far less that of the units before it, at the part's price. So tiers, packages and included units continue
across a price change, and an identical price changes nothing. A volume's tier is that of the period's total.

Any other aggregation, and a flat amount, has one value for the period: each part prices all of it, weighted by the
part's share of the time.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.price_models import Flat, Volume
from fusion_billing.decimals import ZERO, plain
from fusion_billing.rating.aggregations import AGGREGATORS
from fusion_billing.rating.exact import ONE, Exact, in_words
from fusion_billing.rating.models import price
from fusion_billing.rating.phrases import units
from fusion_billing.rating.records import Record, start_of
from fusion_billing.rating.result import Step, note
from fusion_billing.rating.selection import Segment, segments
from fusion_billing.rating.span_phrases import share
from fusion_billing.rating.timeline import Interval, Part
from fusion_billing.rating.unit_counts import UnitCount, UnitCounter


class PartPrice(NamedTuple):
    """The price of one part, before minimum and maximum.

    `units`, `included` and `billable` count from the start of the period; `steps` are those of the part.
    """

    units: Exact
    included: Exact
    billable: Exact
    steps: list[Step]


_NOTHING = PartPrice(ZERO, ZERO, ZERO, [])


class Pricer:
    """Prices the parts of one rating."""

    def __init__(self, metric: Metric, period: Interval, parts: Sequence[Part]) -> None:
        self.parts = parts
        self._metric = metric
        self._period = period
        self._adds_up = AGGREGATORS[metric.aggregation].adds_up
        self._counter = UnitCounter(metric, period)

    @property
    def weighs_all(self) -> bool:
        """Return whether the whole amount is weighted by time, since nothing in it adds up."""
        return not self._adds_up or all(
            type(model) is Flat
            for part in self.parts
            for model in (part.charge.model, *(item.model for item in part.charge.filters))
        )

    def price(self, index: int, records: list[Record]) -> PartPrice:
        """Return the price of the part at `index`; `records` are those of the whole period, in order."""
        charge = self.parts[index].charge
        if not charge.filters and not charge.group_by:
            return self._segment(index, Segment("", charge.model, charge.included_units, records))
        prices = [self._segment(index, segment) for segment in segments(charge, records)]
        return PartPrice(
            sum([each.units for each in prices], ZERO),
            sum([each.included for each in prices], ZERO),
            sum([each.billable for each in prices], ZERO),
            [step for each in prices for step in each.steps],
        )

    def _segment(self, index: int, segment: Segment) -> PartPrice:
        if self._adds_up and type(segment.model) is not Flat:
            return self._added(index, segment)
        return self._weighted(self.parts[index], segment)

    def _weighted(self, part: Part, segment: Segment) -> PartPrice:
        """Price the period's one value, weighted by the part's share of the time."""
        included = segment.included_units
        count = self._counter.count(part.charge, segment.model, segment.records)
        steps = self._counter.notes(part.charge, count)
        if included:
            steps.append(note(f"Included: {units(included)}", min(count.units, included)))
        usage = count.usage(included)
        steps += [_scaled(step, part.weight) for step in price(segment.model, usage)]
        label = part.weighed_label + _label(segment)
        return PartPrice(count.units, included, usage.billable, _labelled(label, steps))

    def _added(self, index: int, segment: Segment) -> PartPrice:
        """Price what the part adds to the parts before it."""
        part, is_last = self.parts[index], index == len(self.parts) - 1
        earlier_records, records = self._so_far(part, segment)
        exists = bool(records) or not segment.is_group
        has_before = index > 0 and (bool(earlier_records) or not segment.is_group)
        if not is_last and (not exists or (has_before and len(earlier_records) == len(records))):
            return _NOTHING
        included = segment.included_units * part.fee_share
        now = self._counter.count(part.charge, segment.model, records)
        before = self._counter.count(part.charge, segment.model, earlier_records) if has_before else None
        usage = now.usage(included)._replace(
            before=None if before is None else before.usage(included),
            total=None if is_last else self._total(part, segment, included),
            fee_share=part.fee_share,
            fee_words=part.fee_words,
        )
        steps = self._counter.notes(part.charge, now, before) + _included(part, segment, included, now, before)
        steps += price(segment.model, usage)
        if before is not None:
            steps = [step for step in steps if step.units or step.amount]
        return PartPrice(now.units, included, usage.billable, _labelled(self._dated(part) + _label(segment), steps))

    def _dated(self, part: Part) -> str:
        """Return the prefix of the part's steps; for a time-weighted level, with the length of the part."""
        if self._metric.aggregation != "time_weighted" or not part.dates:
            return part.label
        return f"{part.dates}, {share(part.end - part.start, self._period.length)}: "

    def _so_far(self, part: Part, segment: Segment) -> tuple[Sequence[Record], Sequence[Record]]:
        """Return the segment's records before the part, and those before its end."""
        records = segment.records
        if len(self.parts) == 1:
            return [], records
        first = bisect_left(records, part.start, key=start_of)
        end = bisect_left(records, part.end, key=start_of)
        return records[:first], records[:end]

    def _total(self, part: Part, segment: Segment, included: Exact) -> Exact:
        """Return the period's billable units at the part's price; 0 unless the model is `volume`."""
        if type(segment.model) is not Volume:
            return ZERO
        return self._counter.count(part.charge, segment.model, segment.records).usage(included).billable


def _included(part: Part, segment: Segment, included: Exact, now: UnitCount, before: UnitCount | None) -> list[Step]:
    """Return a note of the included units that the part uses, if any are included."""
    if not included:
        return []
    used = min(now.units, included)
    if before is not None:
        used = used - min(before.units, included)
        return [note(f"Included: {in_words(used)} of {units(included)}", used)]
    why = f" ({plain(segment.included_units)} for {part.fee_words})" if part.fee_words else ""
    return [note(f"Included: {units(included)}{why}", used)]


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
