"""`/v1/endpoints`: register and manage webhook endpoints."""

from functions.admin import webhook_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, no_content, page_response
from functions.admin.services import endpoints as service
from functions.admin.services.body_fields import check_fields


def create(request: Request) -> Response:
    """Register an endpoint; only this response holds its secret."""
    made = service.create(
        webhook_dependencies.webhooks(), request.principal, request.json(), request.now, request.record
    )
    return json_response(201, made, {"location": f"/v1/endpoints/{made['id']}"})


def list_endpoints(request: Request) -> Response:
    """List the source's endpoints."""
    webhooks, principal = webhook_dependencies.webhooks(), request.principal
    return page_response(request, lambda limit, after: service.listing(webhooks, principal, limit=limit, after=after))


def get(request: Request, endpoint: str) -> Response:
    """Show an endpoint, without its secret."""
    return json_response(200, service.get(webhook_dependencies.webhooks(), request.principal, endpoint))


def change(request: Request, endpoint: str) -> Response:
    """Change an endpoint's url, events, description or state."""
    changed = service.change(
        webhook_dependencies.webhooks(), request.principal, endpoint, request.json(), request.now, record=request.record
    )
    return json_response(200, changed)


def delete(request: Request, endpoint: str) -> Response:
    """Delete an endpoint."""
    service.delete(webhook_dependencies.webhooks(), request.principal, endpoint, request.record)
    return no_content()


def rotate(request: Request, endpoint: str) -> Response:
    """Give an endpoint a new secret; the old one signs as well for 24 hours."""
    rotated = service.rotate(webhook_dependencies.webhooks(), request.principal, endpoint, request.now, request.record)
    return json_response(200, rotated)


def test(request: Request, endpoint: str) -> Response:
    """Send an endpoint a test event, or a sample of the event type in the body."""
    type_ = check_fields(request.optional_json(), strings=("type",)).strings.get("type", service.TEST_EVENT)
    webhooks, principal = webhook_dependencies.webhooks(), request.principal
    return json_response(202, service.test(webhooks, principal, endpoint, type_, request.now))
