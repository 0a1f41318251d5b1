"""`GET /v1/overview`: what is owed and what needs attention (`admin`)."""

from functions.admin import dependencies, webhook_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response
from functions.admin.services import overview as service
from functions.admin.services.overview import OverviewStores


def overview(request: Request) -> Response:
    """Show the amounts of the last and the coming months, and counts of what needs attention."""
    stores = OverviewStores(
        dependencies.amount_totals(),
        dependencies.lines(),
        webhook_dependencies.deliveries(),
        webhook_dependencies.endpoints(),
        dependencies.sources(),
        dependencies.keys(),
    )
    return json_response(200, service.overview(stores, request.now))
