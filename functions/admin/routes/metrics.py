"""`/v1/metrics`: create, change, show, list and delete metrics."""

from functions.admin import dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, no_content, page_response
from functions.admin.services import dry_run
from functions.admin.services import metrics as service
from functions.admin.services.put_request import put_request
from functions.admin.services.visible_catalog import check_metric_change, visible_catalog


def put(request: Request, code: str) -> Response:
    """Create or replace a metric."""
    change = put_request(request.principal, request.query, request.now, request.record)
    check_metric_change(request.principal, code)
    store, given = dependencies.catalog(), request.json()
    if change.dry_run:
        return json_response(200, dry_run.of_metric(dependencies.dry_run_stores(), code, given, change))
    is_new, metric = service.put(store, dependencies.rating_jobs(), code, given, change)
    return json_response(201 if is_new else 200, metric)


def get(request: Request, code: str) -> Response:
    """Return a metric."""
    return json_response(200, service.get(visible_catalog(dependencies.catalog(), request.principal), code))


def list_metrics(request: Request) -> Response:
    """Return a page of metrics."""
    store = visible_catalog(dependencies.catalog(), request.principal)
    return page_response(request, lambda limit, after: service.listing(store, after, limit))


def delete(request: Request, code: str) -> Response:
    """Delete a metric that no charge uses."""
    change = put_request(request.principal, request.query, request.now, request.record)
    check_metric_change(request.principal, code)
    service.delete(dependencies.catalog(), code, change)
    return no_content()
