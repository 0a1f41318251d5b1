"""Every route of the HTTP API. Routing, authorization and the OpenAPI document follow from it.

To add a route, declare it here and write its handler in `functions/admin/routes`::

    Route("GET", "/v1/metrics/{code}", "metrics.get", "catalog:read", "Show a metric", {200: "Metric"})

    def get(request: Request, code: str) -> Response:
        return json_response(200, metrics.get(dependencies.catalog(), code))

The table imports no handler: a cold start pays for the module of the route that it serves.
"""

from functions.admin.route_table.catalog import CATALOG
from functions.admin.route_table.operation import OPERATION
from functions.admin.route_table.ratings import RATINGS
from functions.admin.route_table.route import Route
from functions.admin.route_table.sessions import SESSIONS
from functions.admin.route_table.usage import USAGE
from functions.admin.route_table.webhooks import WEBHOOKS

ROUTES_BY_TAG: tuple[tuple[str, tuple[Route, ...]], ...] = (
    ("Usage", USAGE),
    ("Catalog", CATALOG),
    ("Ratings", RATINGS),
    ("Webhooks", WEBHOOKS),
    ("Operation", OPERATION),
    ("Sessions", SESSIONS),
)
"""Tag in the OpenAPI document -> its routes."""

ROUTES: tuple[Route, ...] = tuple(
    sorted((route for _, routes in ROUTES_BY_TAG for route in routes), key=lambda route: route.path.count("{"))
)
"""Every route; a path without parameters comes before one with parameters that matches it too."""

__all__ = ["ROUTES", "ROUTES_BY_TAG", "Route"]
