"""`POST /v1/estimates`: estimate an amount."""

from functions.admin import dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response
from functions.admin.services import estimates as service
from functions.admin.services.visible_catalog import visible_catalog


def estimate(request: Request) -> Response:
    """Return what units, records, or a period's stored usage come to under a charge; store nothing."""
    catalog = visible_catalog(dependencies.catalog(), request.principal)
    stores = service.Stores(catalog, dependencies.subscriptions(), dependencies.usage_records(), dependencies.ratings())
    return json_response(200, service.of(stores, request.principal, request.json(), request.now))
