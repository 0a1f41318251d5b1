"""`/v1/subscriptions`: who is billed, and when."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies
from functions.admin.routing import Router, authorised, body, json_answer, page, page_answer, parameters
from functions.admin.services import put_back
from functions.admin.services import subscriptions as service

router = Router()


@router.put("/v1/subscriptions/<subscription>")
def put(subscription: str) -> Response[str]:
    """Create or replace a subscription."""
    principal = authorised(router, "catalog:write")
    definition, besides = put_back.split(body(router), service.SHOWN)
    wanted = service.checked(dependencies.catalogue(), subscription, definition)
    is_new, stored = service.put(
        dependencies.subscriptions(),
        dependencies.subscription_writer(),
        principal,
        wanted,
        besides=besides,
        now=dependencies.now(),
    )
    return json_answer(201 if is_new else 200, stored)


@router.get("/v1/subscriptions/<subscription>")
def get(subscription: str) -> Response[str]:
    """Return a subscription."""
    principal = authorised(router, "catalog:read")
    return json_answer(200, service.get(dependencies.subscriptions(), principal, subscription))


@router.get("/v1/subscriptions")
def listing() -> Response[str]:
    """Return a page of subscriptions."""
    principal = authorised(router, "catalog:read")
    parameters(router)
    limit, after = page(router)
    return page_answer(router, *service.listing(dependencies.subscriptions(), principal, after, limit))


@router.delete("/v1/subscriptions/<subscription>")
def delete(subscription: str) -> Response[str]:
    """Delete a subscription on which nothing was counted or billed."""
    principal = authorised(router, "catalog:write")
    service.delete(
        dependencies.subscriptions(),
        dependencies.subscription_use(),
        dependencies.catalogue(),
        principal,
        subscription,
    )
    return json_answer(204)
