"""`/v1/charges`: create, change, show, list and delete charges."""

from functions.admin import dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, no_content, page_response
from functions.admin.services import charges as service
from functions.admin.services import dry_run
from functions.admin.services.put_request import put_request
from functions.admin.services.visible_catalog import visible_catalog


def put(request: Request, code: str) -> Response:
    """Create a charge, or add or replace one of its versions."""
    change = put_request(request.principal, request.query, request.now, request.record)
    store, given = dependencies.catalog(), request.json()
    if change.dry_run:
        return json_response(200, dry_run.of_charge(dependencies.dry_run_stores(), code, given, change))
    is_new, charge = service.put(store, dependencies.rating_jobs(), code, given, change)
    return json_response(201 if is_new else 200, charge)


def get(request: Request, code: str) -> Response:
    """Return a charge."""
    store = visible_catalog(dependencies.catalog(), request.principal)
    return json_response(200, service.get(store, code, request.now))


def list_charges(request: Request) -> Response:
    """Return a page of charges."""
    store = visible_catalog(dependencies.catalog(), request.principal)
    return page_response(request, lambda limit, after: service.listing(store, after, limit, request.now))


def delete(request: Request, code: str) -> Response:
    """Delete a charge that applies to no subscription."""
    change = put_request(request.principal, request.query, request.now, request.record)
    jobs = dependencies.rating_jobs()
    service.delete(dependencies.catalog(), dependencies.subscriptions(), jobs, code, change)
    return no_content()
