"""`POST /v1/portal-tokens`: create a token that reads one subscription."""

from functions.admin import dependencies, portal_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response
from functions.admin.services import portal_tokens as service


def create(request: Request) -> Response:
    """Create a portal token."""
    given = request.json()
    stores = dependencies.subscriptions(), portal_dependencies.secrets()
    return json_response(201, service.create(*stores, request.principal, given, request.now))
