"""`/v1/sources` and `/v1/keys`: the apps that push usage, and their API keys (scope `admin`)."""

import time

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies
from functions.admin.routing import Router, authorised, body, json_answer, page, page_answer, parameters
from functions.admin.services import sources

router = Router()


@router.post("/v1/sources")
def create() -> Response[str]:
    """Make a source."""
    authorised(router, "admin")
    made = sources.create(dependencies.sources(), body(router), dependencies.now())
    return json_answer(201, made)


@router.get("/v1/sources")
def listing() -> Response[str]:
    """List the sources."""
    authorised(router, "admin")
    parameters(router)
    limit, after = page(router)
    return page_answer(router, *sources.listing(dependencies.sources(), after, limit))


@router.get("/v1/sources/<source_id>")
def get(source_id: str) -> Response[str]:
    """Show a source and its live keys."""
    authorised(router, "admin")
    return json_answer(200, sources.get(dependencies.sources(), dependencies.keys(), source_id))


@router.post("/v1/sources/<source_id>/keys")
def create_key(source_id: str) -> Response[str]:
    """Make a key of a source, shown this once."""
    authorised(router, "admin")
    stores = dependencies.sources(), dependencies.keys()
    return json_answer(201, sources.create_key(*stores, source_id, body(router), dependencies.now()))


@router.delete("/v1/keys/<key_id>")
def revoke_key(key_id: str) -> Response[str]:
    """Revoke a key; the answer comes when it is dead everywhere."""
    authorised(router, "admin")
    sources.revoke_key(dependencies.keys(), key_id, dependencies.now(), time.sleep)
    return json_answer(204)
