"""`GET /v1/audit`: who changed what through the API (`admin`)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from functions.admin import dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, page_response
from functions.admin.services import audit as service
from fusion_billing.audit.entry import safe_text
from fusion_billing.dynamodb.audit.audit_log import Selection
from fusion_billing.errors import Fault, Refused
from fusion_billing.instants import parse_query_instant

_SHOWN_BY_DEFAULT = timedelta(days=90)
_FIRST_YEAR, _LAST_YEAR = 2000, 2999
COLUMNS = ("recorded_at", "actor", "source", "via", "action", "object", "stage", "reason", "error", "id")


def list_entries(request: Request) -> Response:
    """List the entries of a time, the newest first: of the last 90 days unless the request says otherwise."""
    chosen = _selection(request.query, request.now)
    log = dependencies.audit_log()
    return page_response(request, lambda limit, after: service.listing(log, chosen, after, limit), columns=COLUMNS)


def _selection(given: Mapping[str, str], now: datetime) -> Selection:
    end = _instant(given, "to", now + timedelta(minutes=5))
    start = _instant(given, "from", end - _SHOWN_BY_DEFAULT)
    if start >= end:
        raise Refused([Fault("to", "invalid_window", "must be later than from")], code="invalid_parameter")
    return Selection(start, end, given.get("actor"), safe_text(given.get("object")))


def _instant(given: Mapping[str, str], name: str, otherwise: datetime) -> datetime:
    if name not in given:
        return otherwise
    try:
        instant = parse_query_instant(given[name], name)
    except Refused as refused:
        raise Refused(refused.faults, code="invalid_parameter") from None
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        fault = Fault(name, "out_of_range", f"must lie in the years {_FIRST_YEAR} to {_LAST_YEAR}")
        raise Refused([fault], code="invalid_parameter")
    return instant
