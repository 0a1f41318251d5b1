"""`POST /v1/portal-tokens`: create a token that reads one subscription."""

from functions.admin import dependencies, portal_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response
from functions.admin.services import portal_tokens as service


def create(request: Request) -> Response:
    """Create a portal token."""
    made = service.create(
        dependencies.subscriptions(), portal_dependencies.secrets(), request.principal, request.json(), request.now
    )
    return json_response(201, made)
