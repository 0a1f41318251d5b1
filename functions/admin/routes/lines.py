"""`/v1/lines`: the order lines in Odoo."""

from datetime import timedelta

from functions.admin import dependencies, odoo_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, page_response
from functions.admin.route_table.operation import LINE_STATES
from functions.admin.routes.rating_lists import LONGEST, bound, in_order
from functions.admin.services import lines as service
from functions.admin.services import sent_lines
from functions.admin.services.body_fields import check_fields
from functions.admin.services.line_json import COLUMNS
from functions.admin.services.rating_lists import Bound, Filters
from fusion_billing.errors import Fault, Refused, Unavailable
from fusion_billing.instants import parse_instant
from fusion_billing.odoo.errors import OdooError

_PERIOD_ENDS = ("period_end_from", "period_end_to")
_SENT_SINCE, _SENT_UNTIL = timedelta(days=62), timedelta(days=LONGEST.days - 62)


def list_lines(request: Request) -> Response:
    """Return a page of the lines of a state: failed, due, to be invoiced by hand, changed in Odoo, sent."""
    state = request.query.get("state", LINE_STATES[0])
    if state not in LINE_STATES:
        fault = Fault("state", "invalid_parameter", f"must be one of {', '.join(LINE_STATES)}")
        raise Refused([fault], code="invalid_parameter")
    filters = _period_ends(request, state)
    store, partitions = dependencies.lines(), dependencies.line_partitions()
    if state == sent_lines.SENT:
        stores = sent_lines.SentLines(dependencies.period_ends(), store)
        return page_response(
            request, lambda limit, after: sent_lines.listing(stores, filters, limit, after), columns=COLUMNS
        )
    return page_response(
        request, lambda limit, after: service.listing(store, state, partitions, limit, after), columns=COLUMNS
    )


def _period_ends(request: Request, state: str) -> Filters:
    """Return the periods of a list of sent lines: of the last two months and what is open, unless it says otherwise."""
    given = [name for name in _PERIOD_ENDS if name in request.query]
    if given and state != sent_lines.SENT:
        faults = [Fault(name, "invalid_parameter", "applies to state=sent alone") for name in given]
        raise Refused(faults, code="invalid_parameter")
    today = request.now.date()
    bounds: dict[str, Bound] = {"period_end_from": today - _SENT_SINCE, "period_end_to": today + _SENT_UNTIL}
    try:
        bounds |= {name: bound(request.query[name], name) for name in given}
    except Refused as refused:
        raise Refused(refused.faults, code="invalid_parameter") from None
    return in_order(Filters(bounds["period_end_from"], bounds["period_end_to"]))


def get(request: Request, line: str) -> Response:
    """Return a line."""
    return json_response(200, service.get(dependencies.lines(), line))


def retry(request: Request, line: str) -> Response:
    """Try a failed line again, at once."""
    required = service.retry(
        dependencies.lines(),
        dependencies.relay_queue(),
        line,
        dependencies.line_partitions(),
        request.now,
        record=request.record,
    )
    return json_response(202, required)


def reconcile(request: Request) -> Response:
    """Compare lines with Odoo, and repair those that differ if the request says so."""
    fields = check_fields(
        request.optional_json(), strings=("subscription", "period_start", "cursor"), booleans=("repair",)
    )
    start = fields.strings.get("period_start")
    try:
        report = odoo_dependencies.reconciler(repair=fields.booleans.get("repair", False)).run(
            subscription=fields.strings.get("subscription"),
            period_start=None if start is None else parse_instant(start, "period_start"),
            cursor=fields.strings.get("cursor"),
        )
    except OdooError as error:
        raise _unavailable(error) from None
    if any(found.get("repaired") for found in report.findings):
        service.wake_up(dependencies.relay_queue())
    return json_response(200, report.as_dict())


def _unavailable(error: OdooError) -> Unavailable:
    return Unavailable(f"Odoo did not respond: {error.message}", code=error.code)
