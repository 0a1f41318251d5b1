"""`/v1/subscriptions/{id}/usage` and `/ratings`: current usage, ratings, and their explanation (`ratings:read`).

A source that is limited sees the subscriptions on its plans and the charges on its metrics, and of the
records behind a rating its own.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from functions.admin import dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, page_response
from functions.admin.services import current_usage as current
from functions.admin.services import ratings
from functions.admin.services.ratings import Viewer
from functions.admin.services.subscription_reading import visible
from fusion_billing.billing.billed_subscription import billed_subscription
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.rating import RatingKey
from fusion_billing.catalog.identifiers import DATE
from fusion_billing.errors import Fault, NotFound, Refused
from fusion_billing.instants import parse_instant, parse_query_instant

_FIRST_YEAR, _LAST_YEAR = 1970, 2999
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


def current_usage(request: Request, subscription: str) -> Response:
    """Show the open period: units, included units, overage and amount so far, and a projection.

    With `at`, show the period that holds that instant.
    """
    viewer = _viewer(request, subscription)
    at = _instant(viewer, request.query, "at")
    catalog = dependencies.catalog()
    metrics = catalog.metrics()
    response = current.current_usage(
        billed_subscription(viewer.stored),
        metrics,
        PriceBook(metrics.values(), catalog.charges().values()),
        dependencies.ratings(),
        dependencies.usage_records(),
        principal=viewer.principal,
        now=request.now,
        at=at,
    )
    return json_response(200, response)


def list_ratings(request: Request, subscription: str) -> Response:
    """List ratings, the newest period first."""
    viewer = _viewer(request, subscription)
    at = _instant(viewer, request.query, "period_start")
    return page_response(
        request, lambda limit, after: ratings.listing(dependencies.ratings(), viewer, at, after, limit)
    )


def get_rating(request: Request, subscription: str, charge: str) -> Response:
    """Explain the amount of a charge in the open period, or in the one that `period_start` names.

    `<charge>@<start>` asks for the adjustment of the invoiced period that starts then.
    """
    viewer = _viewer(request, subscription)
    given = request.query
    at = _instant(viewer, given, "period_start") or viewer.calendar.open.start
    limit, after = request.page()
    code, _, corrects = charge.partition("@")
    try:
        corrected = parse_instant(corrects) if corrects else None
    except Refused:
        raise NotFound(f"No such rating: {charge}") from None
    key = RatingKey(viewer.stored.id, viewer.calendar.period_holding(at).start, code, corrected)
    stores = dependencies.ratings(), dependencies.usage_reader()
    steps_from = _steps_from(given)
    result, following = ratings.detail(*stores, viewer, key, after=after, limit=limit, steps_from=steps_from)
    cursor = None if following is None else request.cursor_after(following)
    return json_response(200, {**result, "records_cursor": cursor})


def _steps_from(given: Mapping[str, str]) -> int:
    text = given.get("steps_from", "0")
    if not _NUMBER.fullmatch(text):
        fault = Fault("steps_from", "invalid_parameter", "must be a whole number, such as 1000")
        raise Refused([fault], code="invalid_parameter")
    return int(text)


def _viewer(request: Request, subscription: str) -> Viewer:
    return Viewer(request.principal, visible(dependencies.subscriptions(), request.principal, subscription))


def _instant(viewer: Viewer, given: Mapping[str, str], name: str) -> datetime | None:
    """Return the instant in a parameter; a date is its midnight in the subscription's zone."""
    text = given.get(name)
    if text is None:
        return None
    try:
        if not DATE.fullmatch(text):
            return _within_reach(parse_query_instant(text, name), name)
        zone = ZoneInfo(viewer.stored.subscription.timezone)
        day = date.fromisoformat(text)
        return _within_reach(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC), name)
    except Refused as refused:
        raise Refused(refused.faults, code="invalid_parameter") from None
    except (ValueError, OverflowError):
        fault = Fault(name, "not_a_date", "is not a date of the calendar")
        raise Refused([fault], code="invalid_parameter") from None


def _within_reach(instant: datetime, name: str) -> datetime:
    """Return an instant that billing periods can hold; raises `Refused`."""
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        message = f"must lie in the years {_FIRST_YEAR} to {_LAST_YEAR}"
        raise Refused([Fault(name, "out_of_range", message)])
    return instant
