"""A rating as responses show it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NotRequired, TypedDict

from fusion_billing.billing.correction import CorrectionJson
from fusion_billing.billing.rating import HistoryEntry, StoredRating
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.billing.step_text import StepJson, StepText
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.currencies import with_digits
from fusion_billing.instants import rfc3339

_STEP_BYTES = 150  # of a step without its description
_STEPS_BYTES = 2_000_000


class RatedLineJson(TypedDict):
    """The order line that a rating was sent as. `state` is None if nothing is to be sent."""

    id: str
    state: str | None
    odoo_line_id: int | None
    amount: str | None
    version: int | None
    error: NotRequired[str]


class RatingJson(TypedDict):
    """A rating as a list shows it, units and amounts as plain decimals. An adjustment `corrects` an invoiced period."""

    subscription: str
    charge: str
    charge_name: str
    metric: str
    unit: str | None
    period_start: str
    period_end: str
    state: str
    version: int
    frozen: bool
    units: str
    included_units: str
    overage_units: str
    billable_units: str
    amount: str
    unrounded_amount: str
    currency: str
    price_versions: NotRequired[Sequence[str | None]]
    steps: list[StepJson]
    line: RatedLineJson | None
    corrects: NotRequired[CorrectionJson]


class VersionJson(TypedDict):
    """A former version of a rating."""

    version: int
    units: str
    amount: str
    rated_at: str
    cause: NotRequired[str]


class StepsJson(TypedDict):
    """A page of steps; `steps_next` is the number of the next page's first one."""

    steps: list[StepJson]
    corrects: NotRequired[CorrectionJson]
    steps_total: int
    steps_next: int | None


def version_json(entry: HistoryEntry) -> VersionJson:
    """Return a former version."""
    shown: VersionJson = {
        "version": entry.version,
        "units": entry.units,
        "amount": entry.amount,
        "rated_at": entry.at,
    }
    if entry.cause is not None:
        shown["cause"] = entry.cause
    return shown


def steps_json(document: RatingDocument, first: int) -> StepsJson:
    """Return the steps from `first` on that fit a response, and where the next ones begin.

    An adjustment's own steps are few; those that lead to the corrected period's amount are shown in them.
    """
    steps = document.rated_steps
    part = _fitting(steps[first:])
    following = first + len(part)
    page: StepsJson = {
        "steps": _json(part if document.corrects is None else document.steps),
        "steps_total": len(steps),
        "steps_next": following if following < len(steps) else None,
    }
    if document.corrects is not None:
        page["corrects"] = replace(document.corrects, steps=part).to_json()
    return page


def rating_json(rating: StoredRating, period: Period) -> RatingJson:
    """Return a rating as a list shows it; `period` is the one it is billed in."""
    document = rating.document
    shown: RatingJson = {
        "subscription": rating.key.subscription,
        "charge": rating.key.charge,
        "charge_name": document.charge_name,
        "metric": document.metric,
        "unit": document.unit,
        "period_start": rfc3339(period.start),
        "period_end": rfc3339(period.end),
        "state": period.state,
        "version": rating.version,
        "frozen": rating.frozen,
        "units": document.units,
        "included_units": document.included_units,
        "overage_units": document.overage_units,
        "billable_units": document.billable_units,
        "amount": document.amount,
        "unrounded_amount": document.unrounded_amount,
        "currency": document.currency,
        "steps": _json(document.steps),
        "line": rated_line_json(rating),
    }
    if document.price_versions is not None:
        shown["price_versions"] = document.price_versions
    if document.corrects is not None:
        shown["corrects"] = document.corrects.to_json()
    return shown


def rated_line_json(rating: StoredRating) -> RatedLineJson | None:
    """Return the order line of a rating; None if nothing was to be sent."""
    line, currency = rating.line, rating.document.currency
    if line.state is None and line.id is None:
        return None
    shown: RatedLineJson = {
        "id": rating.key.line,
        "state": line.state,
        "odoo_line_id": line.id,
        "amount": with_digits(line.amount, currency) if line.amount is not None else None,
        "version": line.version,
    }
    if line.error is not None:
        shown["error"] = line.error
    return shown


def _json(steps: Sequence[StepText]) -> list[StepJson]:
    return [step.as_dict() for step in steps]


def _fitting(steps: tuple[StepText, ...]) -> tuple[StepText, ...]:
    size = 0
    for index, step in enumerate(steps):
        size += len(step.description.encode()) + _STEP_BYTES
        if index and size > _STEPS_BYTES:
            return steps[:index]
    return steps
