"""`GET /v1/overview`: what is owed and what needs attention (`admin`)."""

from functions.admin import overview_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response
from functions.admin.services import overview as service


def overview(request: Request) -> Response:
    """Show the amounts of the last and the coming months, and counts of what needs attention."""
    return json_response(200, service.overview(overview_dependencies.stores(), request.now))
