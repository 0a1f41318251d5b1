"""`/v1/metrics`: what is counted."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies
from functions.admin.routing import Router, authorised, body, json_answer, page, page_answer, parameters
from functions.admin.services import dry_run
from functions.admin.services import metrics as service
from functions.admin.services.put_request import PARAMETERS, asked

router = Router()


@router.put("/v1/metrics/<code>")
def put(code: str) -> Response[str]:
    """Create or replace a metric."""
    how = asked(authorised(router, "catalog:write"), parameters(router, *PARAMETERS), dependencies.now())
    store, given = dependencies.catalogue(), body(router)
    if how.dry_run:
        return json_answer(200, dry_run.of_metric(dependencies.dry_run_stores(), code, given, how))
    is_new, metric = service.put(store, dependencies.rating_jobs(), code, given, how)
    return json_answer(201 if is_new else 200, metric)


@router.get("/v1/metrics/<code>")
def get(code: str) -> Response[str]:
    """Return a metric."""
    authorised(router, "catalog:read")
    return json_answer(200, service.get(dependencies.catalogue(), code))


@router.get("/v1/metrics")
def listing() -> Response[str]:
    """Return a page of metrics."""
    authorised(router, "catalog:read")
    parameters(router)
    limit, after = page(router)
    return page_answer(router, *service.listing(dependencies.catalogue(), after, limit))


@router.delete("/v1/metrics/<code>")
def delete(code: str) -> Response[str]:
    """Delete a metric that no charge uses."""
    how = asked(authorised(router, "catalog:write"), parameters(router, "reason"), dependencies.now())
    service.delete(dependencies.catalogue(), code, how)
    return json_answer(204)
