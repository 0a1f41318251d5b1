"""`/v1/endpoints/{id}/deliveries` and `/v1/deliveries`: list and replay deliveries."""

from functools import partial
from typing import Any, cast, get_args

from functions.admin import event_filters, webhook_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, page_response
from functions.admin.services import deliveries as service
from functions.admin.services.delivery_json import COLUMNS
from fusion_billing.errors import Fault, Refused
from fusion_billing.instants import parse_instant
from fusion_billing.webhooks.delivery_result import DeliveryState

STATES: frozenset[DeliveryState] = frozenset(get_args(DeliveryState))
REPLAYED: frozenset[DeliveryState] = STATES - {"due"}


def list_deliveries(request: Request, endpoint: str) -> Response:
    """List an endpoint's deliveries, the newest first, by state, event type and time."""
    given = request.query
    faults = []
    if given.get("state", "due") not in STATES:
        faults.append(Fault("state", "unknown_value", f"must be one of {', '.join(sorted(STATES))}"))
    since = event_filters.since(given, faults)
    read = partial(
        service.listing,
        webhook_dependencies.endpoints(),
        webhook_dependencies.deliveries(),
        webhook_dependencies.events(),
        request.principal,
        endpoint,
        state=cast("DeliveryState | None", given.get("state")),
        type_=given.get("type"),
        since=since,
    )
    return page_response(request, lambda limit, after: read(limit=limit, after=after), columns=COLUMNS)


def replay_since(request: Request, endpoint: str) -> Response:
    """Send an endpoint the events since a time again: those delivered or failed, or those in `states`."""
    requested = request.json()
    faults = [Fault(name, "unknown_field", "Unknown field") for name in requested if name not in _REPLAY]
    if "since" not in requested:
        faults.append(Fault("since", "missing", "is required"))
    states = requested.get("states", sorted(REPLAYED))
    if not _are_states(states):
        faults.append(Fault("states", "unknown_value", f"must be a list of {' and '.join(sorted(REPLAYED))}"))
    if faults:
        raise Refused(faults)
    response = service.replay_since(
        webhook_dependencies.endpoints(),
        webhook_dependencies.deliveries(),
        webhook_dependencies.wake_ups(),
        request.principal,
        endpoint,
        since=parse_instant(requested["since"], "since"),
        states=frozenset(states),
        now=request.now,
    )
    return json_response(202, response)


def replay(request: Request, delivery: str) -> Response:
    """Send one event to one endpoint again."""
    response = service.replay(
        webhook_dependencies.endpoints(),
        webhook_dependencies.deliveries(),
        webhook_dependencies.wake_ups(),
        request.principal,
        delivery,
        now=request.now,
        record=request.record,
    )
    return json_response(202, response)


_REPLAY = ("since", "states")


def _are_states(states: Any) -> bool:
    return (
        isinstance(states, list)
        and bool(states)
        and all(isinstance(state, str) and state in REPLAYED for state in states)
    )
