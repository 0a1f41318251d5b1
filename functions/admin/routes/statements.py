"""`/v1/subscriptions/{id}/statements`: closed periods, each with its proof (`ratings:read`)."""

from functions.admin import dependencies
from functions.admin.cursors import bad_cursor
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, page_response
from functions.admin.services import statements
from functions.admin.services.subscriptions import visible
from fusion_billing.dynamodb.catalog.subscriptions import StoredSubscription
from fusion_billing.errors import NotFound, Refused
from fusion_billing.instants import parse_instant

_MAX_PAGE = 100
"""Statements a page, so that an answer stays far below 6 MB."""


def list_statements(request: Request, subscription: str) -> Response:
    """List the statements, the newest first."""
    stored = _visible(request, subscription)
    limit, cursor = request.page()
    try:
        after = None if cursor is None else parse_instant(cursor)
    except Refused:
        raise bad_cursor() from None
    found = statements.listing(dependencies.statements(), stored.id, after, min(limit, _MAX_PAGE))
    return page_response(request, *found)


def get(request: Request, subscription: str, period_start: str) -> Response:
    """Show the statement of the period that starts then."""
    stored = _visible(request, subscription)
    try:
        start = parse_instant(period_start)
    except Refused:
        raise NotFound("no period starts then") from None
    return json_response(200, statements.get(dependencies.statements(), stored.id, start))


def _visible(request: Request, subscription: str) -> StoredSubscription:
    stored = visible(dependencies.subscriptions(), request.principal, subscription)
    statements.check_scope(request.principal)
    return stored
