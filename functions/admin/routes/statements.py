"""`/v1/subscriptions/{id}/statements`: statements of closed periods (`ratings:read`)."""

from datetime import datetime

from functions.admin import dependencies
from functions.admin.cursors import bad_cursor
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, page_response
from functions.admin.services import statements
from functions.admin.services.subscription_reading import visible
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.errors import NotFound, Refused
from fusion_billing.instants import parse_instant

_MAX_PAGE = 100
"""Statements of a page: each may hold hundreds of lines."""


def list_statements(request: Request, subscription: str) -> Response:
    """List the statements, the newest first."""
    stored = _visible(request, subscription)
    store = dependencies.statements()
    return page_response(
        request,
        lambda limit, after: statements.listing(store, stored.id, _position(after), limit),
        largest=_MAX_PAGE,
    )


def get(request: Request, subscription: str, period_start: str) -> Response:
    """Show the statement of the period that starts then."""
    stored = _visible(request, subscription)
    try:
        start = parse_instant(period_start)
    except Refused:
        raise NotFound("No such statement: no period starts at this instant") from None
    return json_response(200, statements.get(dependencies.statements(), stored.id, start))


def _position(cursor: str | None) -> datetime | None:
    try:
        return None if cursor is None else parse_instant(cursor)
    except Refused:
        raise bad_cursor() from None


def _visible(request: Request, subscription: str) -> StoredSubscription:
    stored = visible(dependencies.subscriptions(), request.principal, subscription)
    statements.check_scope(request.principal)
    return stored
