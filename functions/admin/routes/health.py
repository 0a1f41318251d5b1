"""`GET /v1/health`: open to all."""

from functions.admin.request import Request
from functions.admin.responses import Response, json_response
from functions.admin.services import health as service


def health(request: Request) -> Response:
    """Say that the service is there, and in which version."""
    return json_response(200, service.health())
