"""`/v1/ratings/run`: rating on demand (`admin`)."""

import uuid

from functions.admin import dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response
from functions.admin.services import runs as service
from functions.admin.services.body_fields import check_fields
from functions.admin.services.subscription_reading import visible


def start(request: Request) -> Response:
    """Start a rating run; return 200 if it is finished, 202 if it takes longer."""
    fields = check_fields(request.optional_json(), strings=("subscription",), booleans=("sweep",))
    subscription, sweep = fields.strings.get("subscription"), fields.booleans.get("sweep", True)
    if subscription is not None:
        subscription = visible(dependencies.subscriptions(), request.principal, subscription).id
    now = request.now
    run = service.start(dependencies.runs(), f"run_{uuid.uuid4().hex}", now, subscription=subscription, sweep=sweep)
    return json_response(200 if run.done else 202, service.as_json(run))


def get(request: Request, run: str) -> Response:
    """Show a run: what remains, and what it did."""
    return json_response(200, service.as_json(service.get(dependencies.runs().store, run)))
