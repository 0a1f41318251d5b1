"""`/v1/endpoints`: where a source wants to be told of events."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies, webhook_dependencies
from functions.admin.routing import Router, authorised, body, json_answer, page, page_answer, parameters
from functions.admin.services import endpoints as service

SCOPE = "webhooks:write"

router = Router()


@router.post("/v1/endpoints")
def create() -> Response[str]:
    """Register an endpoint; the answer alone holds its secret."""
    principal = authorised(router, SCOPE)
    made = service.create(webhook_dependencies.webhooks(), principal, body(router), dependencies.now())
    return json_answer(201, made, {"location": f"/v1/endpoints/{made['id']}"})


@router.get("/v1/endpoints")
def listing() -> Response[str]:
    """List the source's endpoints."""
    principal = authorised(router, SCOPE)
    parameters(router)
    limit, after = page(router)
    found, last = service.listing(webhook_dependencies.webhooks(), principal, limit=limit, after=after)
    return page_answer(router, found, last)


@router.get("/v1/endpoints/<endpoint>")
def get(endpoint: str) -> Response[str]:
    """Show an endpoint, without its secret."""
    principal = authorised(router, SCOPE)
    return json_answer(200, service.get(webhook_dependencies.webhooks(), principal, endpoint))


@router.patch("/v1/endpoints/<endpoint>")
def change(endpoint: str) -> Response[str]:
    """Change an endpoint's url, events, description or state."""
    principal = authorised(router, SCOPE)
    changed = service.change(webhook_dependencies.webhooks(), principal, endpoint, body(router), dependencies.now())
    return json_answer(200, changed)


@router.delete("/v1/endpoints/<endpoint>")
def delete(endpoint: str) -> Response[str]:
    """Delete an endpoint."""
    principal = authorised(router, SCOPE)
    service.delete(webhook_dependencies.webhooks(), principal, endpoint)
    return json_answer(204)


@router.post("/v1/endpoints/<endpoint>/secret/rotate")
def rotate(endpoint: str) -> Response[str]:
    """Give an endpoint a new secret; the old one signs beside it for 24 hours."""
    principal = authorised(router, SCOPE)
    return json_answer(200, service.rotate(webhook_dependencies.webhooks(), principal, endpoint, dependencies.now()))


@router.post("/v1/endpoints/<endpoint>/test")
def test(endpoint: str) -> Response[str]:
    """Send an endpoint a test event."""
    principal = authorised(router, SCOPE)
    return json_answer(202, service.test(webhook_dependencies.webhooks(), principal, endpoint, dependencies.now()))
