"""Explain what was billed: ratings, their steps, versions, prices, lines, adjustments, and usage records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from functions.admin.ports import Ratings
from functions.admin.services.rating_json import (
    RatingJson,
    StepsJson,
    VersionJson,
    rating_json,
    steps_json,
    version_json,
)
from functions.admin.services.usage_json import UsageRecordJson, history_json, usage_record_json
from functions.admin.services.visible_catalog import visible_price
from functions.admin.usage_ports import UsageReader
from fusion_billing.access.principal import Principal
from fusion_billing.billing.rating import RatingKey, StoredRating
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.billing_periods.calendar import Calendar, Period
from fusion_billing.catalog.identifiers import MAX_RESPONSE_BYTES
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.decimals import plain
from fusion_billing.dynamodb.usage.items import StoredUsageRecord
from fusion_billing.dynamodb.usage.selection import Selection
from fusion_billing.errors import NotFound
from fusion_billing.instants import rfc3339

_QUERIES = 24  # periods looked through for one page
_RECORDS = 200  # with up to 100 revisions each


class PriceJson(TypedDict):
    """What priced a rating: charge versions and the metric, as they are stored."""

    versions: Sequence[Mapping[str, object]] | None
    metric: Mapping[str, object] | None


class RatingDetail(RatingJson, StepsJson):
    """A rating with all that is behind it."""

    history: list[VersionJson]
    price: PriceJson
    thresholds_reached: list[str]
    adjustments: list[RatingJson]
    records: list[UsageRecordJson]


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

    def shown(self, rating: StoredRating, period: Period) -> RatingJson:
        """Return a rating as a list shows it; its order line is an operator's matter, and hidden from a portal."""
        shown = rating_json(rating, period)
        return {**shown, "line": None} if self.principal.is_portal else shown


def listing(
    ratings: Ratings, viewer: Viewer, at: datetime | None, after: str | None, limit: int
) -> tuple[list[RatingJson], str | None]:
    """Return a page of ratings, the newest period first, and after which one the next page begins.

    With `at`, those billed in the period that holds that instant; without, those of all periods seen
    and of the next one to come.
    """
    page: list[RatingJson] = []
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
            if len(page) == limit or size > MAX_RESPONSE_BYTES:
                return page, last
            size += len(rating.document_json)
            page.append(viewer.shown(rating, period))
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
) -> tuple[RatingDetail, str | None]:
    """Return one rating with all that is behind it, and where its next records begin; raises `NotFound`.

    It has a page of usage records, those `after` the position that was returned before, and of its steps those from
    `steps_from` on, as many as a response can contain.
    """
    own = ratings.get(key)
    if own is None or not viewer.sees(own):
        start = rfc3339(key.period_start)
        raise NotFound(f"No such rating: the charge {key.charge} has none in the period that starts at {start}")
    of = viewer.calendar.period_holding(key.corrects or key.period_start)
    document = ratings.whole(own)
    source = None if viewer.principal.is_admin else viewer.principal.source
    selection = Selection(key.subscription, document.metric, of.start, of.end, source)
    no_records: tuple[list[StoredUsageRecord], str | None] = [], None
    is_portal = viewer.principal.is_portal  # it has no source, and reads no records
    records, records_after = no_records if is_portal else reader.page(selection, after, min(limit, _RECORDS))
    found: RatingDetail = {
        **viewer.shown(own, viewer.calendar.period_holding(key.period_start)),
        **steps_json(document, steps_from),
        "history": [version_json(entry) for entry in own.history],
        "price": {"versions": _prices(document, viewer), "metric": document.metric_definition},
        "thresholds_reached": sorted(own.raised),
        "adjustments": [] if key.corrects else _adjustments(ratings, viewer, key),
        "records": [_record(record) for record in reader.with_history(records)],
    }
    return found, records_after


def _prices(document: RatingDocument, viewer: Viewer) -> Sequence[Mapping[str, object]] | None:
    if document.priced_by is None:
        return None
    return [visible_price(viewer.principal, version, viewer.stored.id) for version in document.priced_by]


def _adjustments(ratings: Ratings, viewer: Viewer, key: RatingKey) -> list[RatingJson]:
    """Return what later periods billed to correct this one."""
    later = [period for period in viewer.calendar.known if period.start > key.period_start]
    keys = [RatingKey(key.subscription, period.start, key.charge, key.period_start) for period in later]
    found = ratings.get_many(keys)
    return [viewer.shown(found[name], period) for name, period in zip(keys, later, strict=True) if name in found]


def _record(record: StoredUsageRecord) -> UsageRecordJson:
    shown = usage_record_json(record, pair=False)
    if record.at:
        shown["received_at"] = record.at
    shown["history"] = history_json(record) or [{"revision": record.revision, "quantity": plain(record.quantity)}]
    return shown
