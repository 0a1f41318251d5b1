"""`/v1/ratings/run`: rating on demand (`admin`)."""

import uuid
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies
from functions.admin.routing import Router, authorised, json_answer, optional_body
from functions.admin.services import runs as service
from functions.admin.services.subscriptions import visible
from fusion_billing.errors import Fault, Refused

router = Router()

_FIELDS = frozenset({"subscription", "sweep"})


@router.post("/v1/ratings/run")
def start() -> Response[str]:
    """Rate now what the schedule would rate; 200 once it is done, 202 where it takes longer."""
    principal = authorised(router, "admin")
    subscription, sweep = _asked(optional_body(router))
    if subscription is not None:
        subscription = visible(dependencies.subscriptions(), principal, subscription).id
    now = dependencies.now()
    run = service.start(dependencies.runs(), f"run_{uuid.uuid4().hex}", now, subscription=subscription, sweep=sweep)
    return json_answer(200 if run.done else 202, service.as_json(run))


@router.get("/v1/ratings/runs/<run>")
def get(run: str) -> Response[str]:
    """Show a run: what of it is still to come, and what it did."""
    authorised(router, "admin")
    return json_answer(200, service.as_json(service.get(dependencies.runs().store, run)))


def _asked(body: dict[str, Any]) -> tuple[str | None, bool]:
    faults = [Fault(name, "unknown_field", "is not a field of this object") for name in body if name not in _FIELDS]
    subscription, sweep = body.get("subscription"), body.get("sweep", True)
    if subscription is not None and type(subscription) is not str:
        faults.append(Fault("subscription", "not_a_string", "must be text"))
    if not isinstance(sweep, bool):
        faults.append(Fault("sweep", "not_a_boolean", "must be true or false"))
    if faults:
        raise Refused(faults)
    return subscription, sweep
