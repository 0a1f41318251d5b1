"""`/v1/endpoints`: where a source wants to be told of events."""

from functions.admin import webhook_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, no_content, page_response
from functions.admin.services import endpoints as service


def create(request: Request) -> Response:
    """Register an endpoint; the answer alone holds its secret."""
    made = service.create(webhook_dependencies.webhooks(), request.principal, request.json(), request.now)
    return json_response(201, made, {"location": f"/v1/endpoints/{made['id']}"})


def list_endpoints(request: Request) -> Response:
    """List the source's endpoints."""
    limit, after = request.page()
    found, last = service.listing(webhook_dependencies.webhooks(), request.principal, limit=limit, after=after)
    return page_response(request, found, last)


def get(request: Request, endpoint: str) -> Response:
    """Show an endpoint, without its secret."""
    return json_response(200, service.get(webhook_dependencies.webhooks(), request.principal, endpoint))


def change(request: Request, endpoint: str) -> Response:
    """Change an endpoint's url, events, description or state."""
    changed = service.change(webhook_dependencies.webhooks(), request.principal, endpoint, request.json(), request.now)
    return json_response(200, changed)


def delete(request: Request, endpoint: str) -> Response:
    """Delete an endpoint."""
    service.delete(webhook_dependencies.webhooks(), request.principal, endpoint)
    return no_content()


def rotate(request: Request, endpoint: str) -> Response:
    """Give an endpoint a new secret; the old one signs beside it for 24 hours."""
    return json_response(200, service.rotate(webhook_dependencies.webhooks(), request.principal, endpoint, request.now))


def test(request: Request, endpoint: str) -> Response:
    """Send an endpoint a test event."""
    return json_response(202, service.test(webhook_dependencies.webhooks(), request.principal, endpoint, request.now))
