"""What would this cost? The engine over units or records given in the request; nothing is stored."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import AnyDefinition, parse
from fusion_billing.decimals import EXACT
from fusion_billing.errors import Fault, Refused
from fusion_billing.json_types import JsonObject
from fusion_billing.rating.engine import rate
from fusion_billing.rating.estimate_input import Span, parsed_decimal, parsed_records
from fusion_billing.rating.phrases import units as in_units
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult, lump
from fusion_billing.strict_json import first_ambiguity

_CHARGE_DEFAULTS = {
    "code": "estimate",
    "name": "Estimate",
    "metric": "estimate",
    "applies_to": {"all": True},
    "odoo_product_id": 1,
}
_METRIC_DEFAULTS = {"code": "estimate", "name": "Estimate", "aggregation": "sum"}

_SOME_START = datetime(2000, 1, 1, tzinfo=UTC)
_SOME_END = _SOME_START + timedelta(days=1)
"""The period of an estimate that names no times: no charge model asks how long it is."""


def estimate(
    charge: JsonObject,
    *,
    metric: JsonObject | None = None,
    units: object = None,
    records: object = None,
    previous_units: object = None,
) -> JsonObject:
    """Return what `units`, or `records`, come to under `charge`, in the shapes of `POST /v1/estimates`.

    `charge` and `metric` are their JSON; what only the catalog needs of them may be left out (a metric
    left out adds up). `units` are an aggregate already: they are converted, rounded and priced. Records
    are aggregated first; the period is the span of their windows, and a record without a window
    holds throughout it. `previous_units` were billed before: what they come to, rounded, is
    taken off the rounded amount, with its sign. Raises `Refused` with every fault found.
    """
    faults: list[Fault] = []
    price = _parsed(Charge, charge, _CHARGE_DEFAULTS, "charge", faults)
    counted = _parsed(Metric, {} if metric is None else metric, _METRIC_DEFAULTS, "metric", faults)
    if units is None and records is None:
        faults.append(Fault("units", "missing", "is required unless records are given"))
    if units is not None and records is not None:
        faults.append(Fault("units", "mutually_exclusive", "can't be given together with records"))
    quantity = None if units is None else parsed_decimal(units, "units", faults)
    weighted = counted is not None and counted.aggregation == "time_weighted"
    given = [] if records is None else parsed_records(records, faults, windows=weighted)
    before = None if previous_units is None else parsed_decimal(previous_units, "previous_units", faults)
    if faults or price is None or counted is None:
        raise Refused(dict.fromkeys(faults))
    version = _at_all_times(price)
    now = _of_records(version, counted, given) if quantity is None else _of_units(version, counted, quantity)
    if before is not None:
        now = difference(now, _of_units(version, counted, before))
    return now.as_estimate()


def _at_all_times(charge: Charge) -> Charge:
    """Return the charge without its `valid_from`: an estimate asks for one price, whenever it is valid."""
    return charge.model_copy(update={"valid_from": None})


def _of_units(version: Charge, metric: Metric, units: Decimal) -> RatingResult:
    """Return what an aggregate comes to; the metric's rounding and the charge's conversion still apply.

    It is as good as one record of that quantity; no units are none.
    """
    aggregated = metric.model_copy(update={"aggregation": "sum"})
    return _of_records(version, aggregated, [Span("0", None, None, units)] if units else [])


def _of_records(version: Charge, metric: Metric, spans: list[Span]) -> RatingResult:
    start, end = _period(spans)
    records = [
        Record(span.key, span.start or start, span.end or end, span.quantity, span.member, span.properties)
        for span in spans
    ]
    return rate([version], metric, records, period_start=start, period_end=end)


def _period(spans: list[Span]) -> tuple[datetime, datetime]:
    """Return the span of all windows: the period, where none is named."""
    starts = [span.start for span in spans if span.start is not None]
    if not starts:
        return _SOME_START, _SOME_END
    ends = [span.end for span in spans if span.end is not None]
    return min(starts), max([*ends, max(starts) + timedelta(microseconds=1)])


def _parsed(
    model: type[AnyDefinition], value: object, defaults: dict[str, Any], field: str, faults: list[Fault]
) -> AnyDefinition | None:
    try:
        completed = value
        if isinstance(value, dict):
            doubled = first_ambiguity(value)
            if doubled is not None:
                faults.append(doubled.under(field))
            completed = defaults | {name: item for name, item in value.items() if item is not None}
        return parse(model, completed)
    except Refused as refused:
        faults += [fault.under(field) for fault in refused.faults]
        return None


def difference(now: RatingResult, before: RatingResult) -> RatingResult:
    """Return what is still to bill of `now` once `before` was billed: each rounded, the sign kept."""
    with localcontext(EXACT):
        words = f"Less what was billed for {in_units(before.units)}"
        return RatingResult(
            units=now.units,
            included_units=now.included_units,
            billable_units=now.billable_units,
            amount=now.amount - before.amount,
            unrounded_amount=now.unrounded_amount - before.amount,
            currency=now.currency,
            steps=(*now.steps, lump(words, -before.amount)),
            price_versions=now.price_versions,
        )
