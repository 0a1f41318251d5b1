"""Count the units of records for one price: aggregate, convert, round; and describe it in steps."""

from collections.abc import Sequence
from typing import NamedTuple

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.price_models import Percentage, PriceModel
from fusion_billing.decimals import ZERO
from fusion_billing.rating import quantities
from fusion_billing.rating.aggregations import AGGREGATORS
from fusion_billing.rating.exact import ONE, Exact
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.phrases import counted
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import Step, note
from fusion_billing.rating.timeline import Interval


class UnitCount(NamedTuple):
    """The units of some records, counted for one price.

    Attributes:
        records: The number of records.
        units: Their units.
        portions: The units of each record, for models that price each record; or all units as one portion.
        stages: The quantity after each stage: aggregated, converted, rounded. Empty if each record is counted by
            itself.
    """

    records: int
    units: Exact
    portions: list[Exact]
    stages: list[Exact]

    def usage(self, included: Exact) -> Usage:
        """Return the usage that a model prices: the units beyond the `included` ones."""
        return Usage(max(ZERO, self.units - included), _past(self.portions, included))


class UnitCounter:
    """Counts units by one metric within one period."""

    def __init__(self, metric: Metric, period: Interval) -> None:
        self._metric = metric
        self._period = period
        self._aggregator = AGGREGATORS[metric.aggregation]

    def count(self, charge: Charge, model: PriceModel, records: Sequence[Record]) -> UnitCount:
        """Return the units of `records` (in order) as `charge` counts them for `model`."""
        if type(model) is Percentage and self._metric.aggregation in {"sum", "count"}:
            return self._of_each_record(charge, records)
        aggregate = self._aggregator.aggregate(records, self._period.start, self._period.end)
        stages = self._stages(charge, aggregate)
        return UnitCount(len(records), stages[-1], stages[-1:] if records else [], stages)

    def _of_each_record(self, charge: Charge, records: Sequence[Record]) -> UnitCount:
        """Convert and round each record by itself, since a percentage applies to each record."""
        is_count = self._metric.aggregation == "count"
        portions = [self._stages(charge, ONE if is_count else record.quantity)[-1] for record in records]
        return UnitCount(len(records), sum(portions, ZERO), portions, [])

    def _stages(self, charge: Charge, quantity: Exact) -> list[Exact]:
        """Return the quantity, then the converted one, then the rounded one."""
        stages = [quantity]
        if charge.unit_conversion is not None:
            stages.append(quantities.converted(stages[-1], charge.unit_conversion))
        if self._metric.rounding is not None:
            stages.append(quantities.rounded(stages[-1], self._metric.rounding))
        return stages

    def notes(self, charge: Charge, now: UnitCount, before: UnitCount | None = None) -> list[Step]:
        """Return a note of the records that came after `before`, and of each stage of their units."""
        if not now.stages:
            return []
        figures, records = now.stages, now.records
        if before is not None:
            figures = [figure - earlier for figure, earlier in zip(figures, before.stages, strict=True)]
            records -= before.records
        notes = []
        if records > 1 or self._metric.aggregation != "sum":
            notes.append(note(f"{counted(records, 'record')}, {self._aggregator.words}", figures[0]))
        if len(figures) > 1:
            words = quantities.in_words(charge.unit_conversion, self._metric.rounding)
            notes += [note(*each) for each in zip(words, figures[1:], strict=True)]
        return notes


def _past(portions: list[Exact], included: Exact) -> list[Exact]:
    """Return the portions without the included units, which are taken from the first portions."""
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
