"""`/v1/lines` and `/v1/subscriptions/sync`: what goes to Odoo and comes from it (`admin`)."""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies
from functions.admin.routing import (
    Router,
    authorised,
    json_answer,
    optional_body,
    page,
    page_answer,
    parameters,
)
from functions.admin.services import lines as service
from fusion_billing.dynamodb.ratings.order_line_items import CHANGED, FINAL_INVOICE
from fusion_billing.errors import Fault, Refused, Unavailable
from fusion_billing.instants import parse_instant
from fusion_billing.odoo.errors import OdooError

router = Router()

_STATES = ("parked", "due", FINAL_INVOICE, CHANGED)


@router.get("/v1/lines")
def listing() -> Response[str]:
    """Return a page of the lines of a state: parked, due, to be invoiced by hand, changed in Odoo."""
    authorised(router, "admin")
    state = parameters(router, "state").get("state", _STATES[0])
    if state not in _STATES:
        fault = Fault("state", "invalid_parameter", f"must be one of {', '.join(_STATES)}")
        raise Refused([fault], code="invalid_parameter")
    limit, after = page(router)
    found = service.listing(dependencies.lines(), state, dependencies.line_partitions(), limit, after)
    return page_answer(router, *found)


@router.get("/v1/lines/<line>")
def get(line: str) -> Response[str]:
    """Return a line."""
    authorised(router, "admin")
    return json_answer(200, service.get(dependencies.lines(), line))


@router.post("/v1/lines/<line>/retry")
def retry(line: str) -> Response[str]:
    """Try a parked line again, at once."""
    authorised(router, "admin")
    told = service.retry(
        dependencies.lines(),
        dependencies.relay_queue(),
        line,
        dependencies.line_partitions(),
        dependencies.now(),
    )
    return json_answer(202, told)


@router.post("/v1/lines/reconcile")
def reconcile() -> Response[str]:
    """Compare lines with Odoo, and mend what can be mended if asked to."""
    authorised(router, "admin")
    asked = _asked(optional_body(router), {"subscription", "period_start", "mend", "cursor"}, {"mend"})
    start = asked.get("period_start")
    try:
        report = dependencies.reconciler(repair=bool(asked.get("mend"))).run(
            subscription=asked.get("subscription"),
            period_start=None if start is None else parse_instant(start, "period_start"),
            cursor=asked.get("cursor"),
        )
    except OdooError as error:
        raise _unavailable(error) from None
    if any(found.get("mended") for found in report.findings):
        service.wake_up(dependencies.relay_queue())
    return json_answer(200, report.as_dict())


@router.post("/v1/subscriptions/sync")
def sync() -> Response[str]:
    """Read from Odoo what changed, or everything; what takes longer than this answer goes on after it."""
    authorised(router, "admin")
    asked = _asked(optional_body(router), {"full"}, {"full"})
    full, began = bool(asked.get("full")), dependencies.now()
    report = dependencies.subscription_sync().run(full=full, began=began)
    if report.alarm or report.failed:
        raise Unavailable(
            f"Odoo could not be read: {report.alarm or report.failed}", code=report.alarm or report.failed
        )
    if report.after is None:
        return json_answer(200, report.as_dict())
    dependencies.relay_queue().send([{"job": "sync", **report.rest(began)}])
    return json_answer(202, report.as_dict())


def _asked(body: dict[str, Any], names: set[str], booleans: set[str]) -> dict[str, Any]:
    faults = [Fault(name, "unknown_field", "is not a field of this object") for name in body if name not in names]
    for name in names & set(body):
        if name in booleans and not isinstance(body[name], bool):
            faults.append(Fault(name, "not_a_boolean", "must be true or false"))
        if name not in booleans and type(body[name]) is not str:
            faults.append(Fault(name, "not_a_string", "must be text"))
    if faults:
        raise Refused(faults)
    return body


def _unavailable(error: OdooError) -> Unavailable:
    return Unavailable(f"Odoo could not be asked: {error.message}", code=error.code)
