"""`/v1/subscriptions`: who is billed, and when."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies
from functions.admin.routing import Router, authorised, body, json_answer, page, page_answer, parameters
from functions.admin.services import dry_run, put_back, subscription_changes
from functions.admin.services import subscriptions as service
from functions.admin.services.put_request import PARAMETERS, asked

router = Router()


@router.put("/v1/subscriptions/<subscription>")
def put(subscription: str) -> Response[str]:
    """Create or replace a subscription."""
    how = asked(authorised(router, "catalog:write"), parameters(router, *PARAMETERS), dependencies.now())
    definition, besides = put_back.split(body(router), service.SHOWN)
    definition, changes = subscription_changes.without_changes(definition)
    wanted = service.checked(dependencies.catalogue(), subscription, definition)
    store, writer = dependencies.subscriptions(), dependencies.subscription_writer()
    if how.dry_run:
        stored, new = service.planned(store, writer, how, wanted, besides, changes)
        return json_answer(200, dry_run.of_subscription(dependencies.dry_run_stores(), stored, new))
    is_new, shown = service.put(store, writer, how, wanted, besides, changes)
    return json_answer(201 if is_new else 200, shown)


@router.patch("/v1/subscriptions/<subscription>")
def patch(subscription: str) -> Response[str]:
    """Change single fields of a subscription."""
    how = asked(authorised(router, "catalog:write"), parameters(router, *PARAMETERS), dependencies.now())
    store, writer = dependencies.subscriptions(), dependencies.subscription_writer()
    given = body(router)
    if how.dry_run:
        stored, new = service.patch_planned(store, writer, dependencies.catalogue(), how, subscription, given)
        return json_answer(200, dry_run.of_subscription(dependencies.dry_run_stores(), stored, new))
    return json_answer(200, service.patch(store, writer, dependencies.catalogue(), how, subscription, given))


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
    how = asked(authorised(router, "catalog:write"), parameters(router, "reason"), dependencies.now())
    service.delete(
        dependencies.subscriptions(),
        dependencies.subscription_use(),
        dependencies.catalogue(),
        how,
        subscription,
    )
    return json_answer(204)
