"""`/v1/subscriptions/{id}/statements`: closed periods, each with its proof (`ratings:read`)."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies
from functions.admin.routing import Router, authorised, json_answer, page, page_answer, parameters
from functions.admin.services import statements
from functions.admin.services.subscriptions import visible
from fusion_billing.dynamodb.catalog.subscriptions import StoredSubscription
from fusion_billing.errors import Fault, NotFound, Refused
from fusion_billing.instants import parse_instant

router = Router()

_MAX_PAGE = 100
"""Statements a page, so that an answer stays far below 6 MB."""


@router.get("/v1/subscriptions/<subscription>/statements")
def listing(subscription: str) -> Response[str]:
    """List the statements, the newest first."""
    stored = _authorised(subscription)
    parameters(router)
    limit, cursor = page(router)
    try:
        after = None if cursor is None else parse_instant(cursor)
    except Refused:
        fault = Fault("cursor", "bad_cursor", "is no cursor of this list")
        raise Refused([fault], code="bad_cursor") from None
    found = statements.listing(dependencies.statements(), stored.id, after, min(limit, _MAX_PAGE))
    return page_answer(router, *found)


@router.get("/v1/subscriptions/<subscription>/statements/<period_start>")
def get(subscription: str, period_start: str) -> Response[str]:
    """Show the statement of the period that starts then."""
    stored = _authorised(subscription)
    parameters(router)
    try:
        start = parse_instant(period_start)
    except Refused:
        raise NotFound("no period starts then") from None
    return json_answer(200, statements.get(dependencies.statements(), stored.id, start))


def _authorised(subscription: str) -> StoredSubscription:
    principal = authorised(router, "ratings:read")
    stored = visible(dependencies.subscriptions(), principal, subscription)
    statements.check_scope(principal)
    return stored
