"""`/v1/lines`: the order lines in Odoo."""

from functions.admin import dependencies, odoo_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, page_response
from functions.admin.route_table.operation import LINE_STATES
from functions.admin.services import lines as service
from functions.admin.services.body_fields import check_fields
from fusion_billing.errors import Fault, Refused, Unavailable
from fusion_billing.instants import parse_instant
from fusion_billing.odoo.errors import OdooError


def list_lines(request: Request) -> Response:
    """Return a page of the lines of a state: failed, due, to be invoiced by hand, changed in Odoo."""
    state = request.query.get("state", LINE_STATES[0])
    if state not in LINE_STATES:
        fault = Fault("state", "invalid_parameter", f"must be one of {', '.join(LINE_STATES)}")
        raise Refused([fault], code="invalid_parameter")
    store, partitions = dependencies.lines(), dependencies.line_partitions()
    return page_response(request, lambda limit, after: service.listing(store, state, partitions, limit, after))


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
