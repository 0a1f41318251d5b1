"""`/v1/charges`: what usage costs."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies
from functions.admin.routing import Router, authorised, body, json_answer, page, page_answer, parameters
from functions.admin.services import charges as service
from functions.admin.services import dry_run
from functions.admin.services.put_request import PARAMETERS, asked

router = Router()


@router.put("/v1/charges/<code>")
def put(code: str) -> Response[str]:
    """Create a charge, or add or replace one of its versions."""
    how = asked(authorised(router, "catalog:write"), parameters(router, *PARAMETERS), dependencies.now())
    store, given = dependencies.catalogue(), body(router)
    if how.dry_run:
        return json_answer(200, dry_run.of_charge(dependencies.dry_run_stores(), code, given, how))
    is_new, charge = service.put(store, dependencies.rating_jobs(), code, given, how)
    return json_answer(201 if is_new else 200, charge)


@router.get("/v1/charges/<code>")
def get(code: str) -> Response[str]:
    """Return a charge."""
    authorised(router, "catalog:read")
    return json_answer(200, service.get(dependencies.catalogue(), code, dependencies.now()))


@router.get("/v1/charges")
def listing() -> Response[str]:
    """Return a page of charges."""
    authorised(router, "catalog:read")
    parameters(router)
    limit, after = page(router)
    found = service.listing(dependencies.catalogue(), after, limit, dependencies.now())
    return page_answer(router, *found)


@router.delete("/v1/charges/<code>")
def delete(code: str) -> Response[str]:
    """Delete a charge that no subscription pays."""
    how = asked(authorised(router, "catalog:write"), parameters(router, "reason"), dependencies.now())
    jobs = dependencies.rating_jobs()
    service.delete(dependencies.catalogue(), dependencies.subscriptions(), jobs, code, how)
    return json_answer(204)
