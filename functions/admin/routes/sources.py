"""`/v1/sources` and `/v1/keys`: the apps that push usage, and their API keys (scope `admin`)."""

import time

from functions.admin import access_dependencies, dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, no_content, page_response
from functions.admin.services import sources


def create(request: Request) -> Response:
    """Create a source."""
    return json_response(201, sources.create(_stores(), request.json(), request.now, request.record))


def change(request: Request, source_id: str) -> Response:
    """Change a source; the response comes once its new limits hold everywhere."""
    return json_response(200, sources.change(_stores(), source_id, request.json(), time.sleep, record=request.record))


def list_sources(request: Request) -> Response:
    """List the sources."""
    return page_response(request, lambda limit, after: sources.listing(dependencies.sources(), after, limit))


def get(request: Request, source_id: str) -> Response:
    """Show a source and its live keys."""
    return json_response(200, sources.get(_stores(), source_id, request.now))


def create_key(request: Request, source_id: str) -> Response:
    """Create a key of a source; only this response shows it."""
    made = sources.create_key(_stores(), source_id, request.json(), request.now, record=request.record)
    return json_response(201, made)


def revoke_key(request: Request, key_id: str) -> Response:
    """Revoke a key; the response comes once it is rejected everywhere."""
    sources.revoke_key(dependencies.keys(), key_id, request.now, time.sleep, request.record)
    return no_content()


def _stores() -> sources.Stores:
    return sources.Stores(
        dependencies.sources(),
        dependencies.keys(),
        dependencies.subscriptions(),
        dependencies.source_changes(),
        access_dependencies.key_uses(),
    )
