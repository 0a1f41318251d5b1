"""Explain what was billed: ratings, their steps, versions, prices, lines, adjustments, and usage records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from functions.admin.ports import Ratings, UsageReader
from functions.admin.services.usage_json import UsageRecordJson, history_json, usage_record_json
from fusion_billing.access.principal import Principal
from fusion_billing.billing.rating import HistoryEntry, RatingKey, StoredRating
from fusion_billing.billing.rating_document import RatingDocument, StepText
from fusion_billing.billing_periods.calendar import Calendar, Period
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.currencies import with_digits
from fusion_billing.decimals import plain
from fusion_billing.dynamodb.usage.items import StoredUsageRecord
from fusion_billing.dynamodb.usage.reading import Selection
from fusion_billing.errors import NotFound
from fusion_billing.instants import rfc3339
from fusion_billing.json_types import JsonObject

_QUERIES = 24  # periods looked through for one page
_RECORDS = 200  # with up to 100 revisions each
_STEP_BYTES = 150  # of a step without its description
_STEPS_BYTES = 2_000_000
_PAGE_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads which subscription; what the key may not see does not exist for it."""

    principal: Principal
    stored: StoredSubscription

    @property
    def calendar(self) -> Calendar:
        """Return the subscription's periods."""
        return self.stored.calendar

    def sees(self, rating: StoredRating) -> bool:
        """Return whether the key's source may see a rating, by its metric."""
        return self.principal.may_use_metric(rating.document.metric)


def listing(
    ratings: Ratings, viewer: Viewer, at: datetime | None, after: str | None, limit: int
) -> tuple[list[JsonObject], str | None]:
    """Return a page of ratings, the newest period first, and after which one the next page begins.

    With `at`, those billed in the period that holds that instant; without, those of all periods seen
    and of the next one to come.
    """
    page: list[dict[str, Any]] = []
    size = 0
    last: str | None = None
    resumed, _, name = (after or "").partition("|")
    for looked, period in enumerate(_periods(viewer.calendar, at, resumed)):
        if looked >= _QUERIES:
            return page, f"{rfc3339(period.start)}|"
        beyond = name if rfc3339(period.start) == resumed else ""
        for rating in ratings.in_period(viewer.stored.id, period.start):
            if rating.key.name <= beyond or not viewer.sees(rating):
                continue
            if len(page) == limit or size > _PAGE_BYTES:
                return page, last
            size += len(rating.document_json)
            page.append(shown(rating, period))
            last = f"{rfc3339(period.start)}|{rating.key.name}"
    return page, None


def _periods(calendar: Calendar, at: datetime | None, resumed: str) -> Iterator[Period]:
    if at is not None:
        yield calendar.period_holding(at)
        return
    for period in (calendar.after(calendar.open), *reversed(calendar.known)):
        if not resumed or rfc3339(period.start) <= resumed:
            yield period


def detail(
    ratings: Ratings,
    reader: UsageReader,
    viewer: Viewer,
    key: RatingKey,
    *,
    after: str | None,
    limit: int,
    steps_from: int = 0,
) -> JsonObject:
    """Return one rating with all that is behind it; raises `NotFound`.

    Of its usage records a page: `after` what was returned as `records_after` before. Of its steps those from
    `steps_from` on, as many as an answer holds.
    """
    own = ratings.get(key)
    if own is None or not viewer.sees(own):
        start = rfc3339(key.period_start)
        raise NotFound(f"No such rating: the charge {key.charge} has none in the period that starts at {start}")
    of = viewer.calendar.period_holding(key.corrects or key.period_start)
    document = ratings.whole(own)
    source = None if viewer.principal.is_admin else viewer.principal.source
    selection = Selection(key.subscription, document.metric, of.start, of.end, source)
    records, records_after = reader.page(selection, after, min(limit, _RECORDS))
    return {
        **shown(own, viewer.calendar.period_holding(key.period_start)),
        **_steps(document, steps_from),
        "history": [_version(entry) for entry in own.history],
        "price": {"versions": document.priced_by, "metric": document.metric_definition},
        "thresholds_reached": sorted(own.raised),
        "adjustments": [] if key.corrects else _adjustments(ratings, viewer, key),
        "records": [_record(reader, record) for record in records],
        "records_after": records_after,
    }


def _version(entry: HistoryEntry) -> dict[str, Any]:
    shown = {
        "version": entry.version,
        "units": entry.units,
        "amount": entry.amount,
        "rated_at": entry.at,
    }
    return shown if entry.cause is None else {**shown, "cause": entry.cause}


def _steps(document: RatingDocument, first: int) -> dict[str, Any]:
    """Return the steps from `first` on that fit an answer, and where the next ones begin.

    An adjustment's own steps are few; those that lead to the corrected period's amount are shown in them.
    """
    response: dict[str, Any] = {}
    steps = document.rated_steps
    if document.corrects is not None:
        response["steps"] = _json(document.steps)
    part = _fitting(steps[first:])
    following = first + len(part)
    response |= {"steps_total": len(steps), "steps_next": following if following < len(steps) else None}
    if document.corrects is not None:
        return {**response, "corrects": replace(document.corrects, steps=part).to_json()}
    return {**response, "steps": _json(part)}


def _json(steps: Sequence[StepText]) -> list[dict[str, str]]:
    return [step.as_dict() for step in steps]


def _fitting(steps: tuple[StepText, ...]) -> tuple[StepText, ...]:
    size = 0
    for index, step in enumerate(steps):
        size += len(step.description.encode()) + _STEP_BYTES
        if index and size > _STEPS_BYTES:
            return steps[:index]
    return steps


def shown(rating: StoredRating, period: Period) -> JsonObject:
    """Return a rating as a list shows it; `period` is the one it is billed in."""
    document = rating.document
    response: dict[str, Any] = {
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
        **_figures(document),
        "line": _line(rating),
    }
    if document.corrects is not None:
        response["corrects"] = document.corrects.to_json()
    return response


def _figures(document: RatingDocument) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "units": document.units,
        "included_units": document.included_units,
        "overage_units": document.overage_units,
        "billable_units": document.billable_units,
        "amount": document.amount,
        "unrounded_amount": document.unrounded_amount,
        "currency": document.currency,
        "steps": _json(document.steps),
    }
    if document.price_versions is not None:
        figures["price_versions"] = document.price_versions
    return figures


def _line(rating: StoredRating) -> dict[str, Any] | None:
    line, currency = rating.line, rating.document.currency
    if line.state is None and line.id is None:
        return None
    response: dict[str, Any] = {
        "id": rating.key.line,
        "state": line.state,
        "odoo_line_id": line.id,
        "amount": with_digits(line.amount, currency) if line.amount is not None else None,
        "version": line.version,
    }
    if line.error is not None:
        response["error"] = line.error
    return response


def _adjustments(ratings: Ratings, viewer: Viewer, key: RatingKey) -> list[dict[str, Any]]:
    """Return what later periods billed to correct this one."""
    later = [period for period in viewer.calendar.known if period.start > key.period_start]
    keys = [RatingKey(key.subscription, period.start, key.charge, key.period_start) for period in later]
    found = ratings.get_many(keys)
    return [shown(found[name], period) for name, period in zip(keys, later, strict=True) if name in found]


def _record(reader: UsageReader, record: StoredUsageRecord) -> UsageRecordJson:
    whole = record
    if record.revision > 1:
        whole = reader.get(record.source, record.key) or record  # the index has no history
    shown = usage_record_json(whole, pair=False)
    shown["history"] = history_json(whole) or [{"revision": whole.revision, "quantity": plain(whole.quantity)}]
    return shown
