"""`/v1/events`: the events that went to webhook endpoints (`webhooks:write`)."""

from functions.admin import dependencies, webhook_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, page_response
from functions.admin.services import events as service
from functions.admin.services.events import EventFilter, EventStores
from functions.admin.services.subscription_reading import visible
from fusion_billing.errors import Fault, Refused
from fusion_billing.instants import parse_query_instant
from fusion_billing.webhooks.events.registry import EVENT_TYPES
from fusion_billing.webhooks.filters import filter_faults


def list_events(request: Request) -> Response:
    """List events, the newest first, by subscription, type and time."""
    given = request.query
    faults = [] if "type" not in given else filter_faults([given["type"]], EVENT_TYPES, "type")
    since = None
    try:
        since = parse_query_instant(given["since"], "since") if "since" in given else None
    except Refused as refused:
        faults += refused.faults
    if faults:
        named = [Fault(fault.field.removesuffix(".0"), fault.code, fault.message) for fault in faults]
        raise Refused(named, code="invalid_parameter")
    subscription = given.get("subscription")
    if subscription is not None:
        subscription = visible(dependencies.subscriptions(), request.principal, subscription).id
    chosen, stores = EventFilter(subscription, given.get("type"), since), _stores()
    return page_response(
        request, lambda limit, after: service.listing(stores, request.principal, chosen, limit=limit, after=after)
    )


def get(request: Request, event: str) -> Response:
    """Show an event with the body that was sent."""
    return json_response(200, service.get(_stores(), request.principal, event))


def _stores() -> EventStores:
    webhooks = webhook_dependencies
    return EventStores(webhooks.endpoints(), webhooks.deliveries(), webhooks.events())
