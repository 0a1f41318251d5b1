"""Routes of `/v1/subscriptions`."""

from functions.admin import dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, no_content, page_response
from functions.admin.services import dry_run, read_only_fields, subscription_changes, subscription_reading
from functions.admin.services import subscriptions as service
from functions.admin.services.put_request import put_request
from functions.admin.services.subscription_validation import checked
from functions.admin.services.visible_catalog import check_subscription_change, visible_catalog


def put(request: Request, subscription: str) -> Response:
    """Create or replace a subscription."""
    change = put_request(request.principal, request.query, request.now, request.record)
    check_subscription_change(request.principal, subscription)
    definition, read_only = read_only_fields.split(request.json(), service.SHOWN)
    definition, changes = subscription_changes.without_changes(definition)
    requested = checked(visible_catalog(dependencies.catalog(), request.principal), subscription, definition)
    store, writer = dependencies.subscriptions(), dependencies.subscription_writer()
    if change.dry_run:
        stored, new = service.planned(store, writer, change, requested, read_only, changes)
        return json_response(200, dry_run.of_subscription(dependencies.dry_run_stores(), stored, new))
    is_new, shown = service.put(store, writer, change, requested, read_only, changes)
    return json_response(201 if is_new else 200, shown)


def patch(request: Request, subscription: str) -> Response:
    """Change single fields of a subscription."""
    change = put_request(request.principal, request.query, request.now, request.record)
    store, writer = dependencies.subscriptions(), dependencies.subscription_writer()
    given = request.json()
    if change.dry_run:
        stored, new = service.patch_planned(store, writer, dependencies.catalog(), change, subscription, given)
        return json_response(200, dry_run.of_subscription(dependencies.dry_run_stores(), stored, new))
    return json_response(200, service.patch(store, writer, dependencies.catalog(), change, subscription, given))


def get(request: Request, subscription: str) -> Response:
    """Return a subscription."""
    stores = dependencies.subscriptions(), visible_catalog(dependencies.catalog(), request.principal)
    return json_response(200, subscription_reading.get(*stores, request.principal, subscription))


def list_subscriptions(request: Request) -> Response:
    """Return a page of subscriptions."""
    stores = dependencies.subscriptions(), visible_catalog(dependencies.catalog(), request.principal)
    principal = request.principal
    return page_response(request, lambda limit, after: subscription_reading.listing(*stores, principal, after, limit))


def delete(request: Request, subscription: str) -> Response:
    """Delete a subscription on which nothing was counted or billed."""
    change = put_request(request.principal, request.query, request.now, request.record)
    service.delete(
        dependencies.subscriptions(),
        dependencies.subscription_use(),
        dependencies.catalog(),
        change,
        subscription,
    )
    return no_content()
