"""`GET /openapi.json`: open to all."""

from functions.admin.request import Request
from functions.admin.responses import Response, json_response
from functions.admin.services import openapi as service


def openapi(request: Request) -> Response:
    """Show the service's OpenAPI document."""
    return json_response(200, service.document())
