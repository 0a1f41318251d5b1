"""`/v1/events`: the events that went to webhook endpoints (`webhooks:write`)."""

from functions.admin import dependencies, event_filters, webhook_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, page_response
from functions.admin.services import events as service
from functions.admin.services.events import EventFilter, EventStores
from functions.admin.services.subscription_reading import visible


def list_events(request: Request) -> Response:
    """List events, the newest first, by subscription, type and time."""
    given = request.query
    since = event_filters.since(given)
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
