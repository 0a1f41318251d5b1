"""`GET /v1/ratings`: ratings of all subscriptions (`ratings:read`)."""

from collections.abc import Mapping
from datetime import date, timedelta

from functions.admin import dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, page_response
from functions.admin.services import rating_lists as service
from functions.admin.services.rating_list_json import COLUMNS
from functions.admin.services.rating_lists import Bound, Filters
from fusion_billing.catalog.identifiers import CODE, DATE
from fusion_billing.errors import Fault, Refused
from fusion_billing.instants import parse_query_instant

_STATES = ("open", "invoiced", "upcoming")
LONGEST = timedelta(days=366)
_FIRST_YEAR, _LAST_YEAR = 1970, 2999


def list_ratings(request: Request) -> Response:
    """List the ratings of periods that end within a time, as JSON or CSV."""
    filters = _filters(request.query)
    stores = service.RatingLists(dependencies.period_ends(), dependencies.ratings(), dependencies.subscriptions())
    return page_response(
        request,
        lambda limit, after: service.listing(stores, request.principal, filters, request.now, limit=limit, after=after),
        columns=COLUMNS,
    )


def _filters(given: Mapping[str, str]) -> Filters:
    """Return what is listed; raises `Refused` (`invalid_parameter`) with every fault."""
    faults: list[Fault] = []
    bounds: dict[str, Bound] = {}
    for name in ("period_end_from", "period_end_to"):
        try:
            bounds[name] = bound(given[name], name)
        except Refused as refused:
            faults += refused.faults
    if given.get("state", "open") not in _STATES:
        faults.append(Fault("state", "unknown_value", f"must be one of {', '.join(_STATES)}"))
    if "charge" in given and not CODE.fullmatch(given["charge"]):
        faults.append(Fault("charge", "invalid_identifier", "must be the code of a charge"))
    if faults:
        raise Refused(faults, code="invalid_parameter")
    return in_order(
        Filters(
            bounds["period_end_from"],
            bounds["period_end_to"],
            given.get("state"),
            given.get("plan"),
            given.get("charge"),
        )
    )


def in_order(filters: Filters) -> Filters:
    """Return filters whose bounds are a time of at most a year; raises `Refused` (`invalid_parameter`) for others."""
    if not timedelta(0) < filters.length <= LONGEST:
        message = f"must be later than period_end_from, by at most {LONGEST.days} days"
        raise Refused([Fault("period_end_to", "out_of_range", message)], code="invalid_parameter")
    return filters


def bound(text: str, name: str) -> Bound:
    """Return an instant, or a date; raises `Refused`."""
    try:
        bound: Bound = date.fromisoformat(text) if DATE.fullmatch(text) else parse_query_instant(text, name)
    except ValueError:
        raise Refused([Fault(name, "not_a_date", "is not a date of the calendar")]) from None
    if not _FIRST_YEAR <= bound.year <= _LAST_YEAR:
        raise Refused([Fault(name, "out_of_range", f"must lie in the years {_FIRST_YEAR} to {_LAST_YEAR}")])
    return bound
