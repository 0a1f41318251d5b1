"""`/v1/usage`, but for pushing: a record with its history, a pair's, reconciliation (`usage:read`); voiding.

A source sees and voids its own records alone. A key with the scope `admin` may name any other's as `source`.
"""

import re
from datetime import datetime

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies, usage_dependencies
from functions.admin.routing import (
    Router,
    authorised,
    body,
    json_answer,
    optional_body,
    page,
    page_answer,
    parameters,
)
from functions.admin.services import usage, usage_reconciliation
from fusion_billing.access.principal import Principal
from fusion_billing.dynamodb.usage.reading import Selection
from fusion_billing.errors import Fault, Forbidden, Refused
from fusion_billing.instants import parse_query_instant
from fusion_billing.metering.parsing import METRIC, SUBSCRIPTION

router = Router()


@router.get("/v1/usage/<any_idempotency_key>")
def get(any_idempotency_key: str) -> Response[str]:
    """Show a record and its revisions."""
    principal = authorised(router, "usage:read")
    source = _source(principal, parameters(router, "source").get("source"))
    return json_answer(200, usage_dependencies.records().get(source, any_idempotency_key))


@router.delete("/v1/usage/<any_idempotency_key>")
def void(any_idempotency_key: str) -> Response[str]:
    """Take a record back: it is kept, and no longer counts."""
    principal = authorised(router, "usage:write")
    source = _source(principal, parameters(router, "source").get("source"))
    reason, now = optional_body(router), dependencies.now()
    voider = usage_dependencies.voider()
    return json_answer(200, voider.void(principal, source, any_idempotency_key, reason, now))


@router.get("/v1/usage")
def listing() -> Response[str]:
    """List a pair's records by the start of their windows: those that count, or those that were voided."""
    principal = authorised(router, "usage:read")
    given = parameters(router, "subscription", "metric", "from", "to", "source", "voided")
    _source(principal, given.get("source"))
    subscription, metric = _named(given, "subscription", SUBSCRIPTION), _named(given, "metric", METRIC)
    start, end = _instant(given, "from"), _instant(given, "to")
    if start and end and end <= start:
        raise _refused("to", "must be later than from")
    voided = given.get("voided", "false")
    if voided not in {"true", "false"}:
        raise _refused("voided", "must be true or false")
    limit, after = page(router)
    records = usage_dependencies.records()
    source = usage.source_asked_for(records, principal, given.get("source"))
    own_id = records.own_id(subscription)
    wanted = Selection(own_id, metric, start, end, source, voided == "true")
    return page_answer(router, *records.listing(wanted, after, limit))


@router.post("/v1/usage/reconcile")
def reconcile() -> Response[str]:
    """Compare a source's books with what is stored of it."""
    principal = authorised(router, "usage:read")
    given = parameters(router, "source").get("source")
    _source(principal, given)
    records = usage_dependencies.records()
    source = usage.source_asked_for(records, principal, given) or principal.source
    return json_answer(200, usage_reconciliation.reconcile(records, source, body(router)))


def _source(principal: Principal, asked: str | None) -> str:
    """Return whose record is meant: `asked`, else one's own; raises `Forbidden` (`source_not_allowed`)."""
    if asked not in {None, principal.source} and not principal.is_admin:
        raise Forbidden("only its own records are open to this key", code="source_not_allowed")
    return asked or principal.source


def _named(given: dict[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = given.get(name)
    if value is None:
        raise _refused(name, "must be given")
    if not pattern.fullmatch(value):
        raise _refused(name, f"must match {pattern.pattern}")
    return value


def _instant(given: dict[str, str], name: str) -> datetime | None:
    if name not in given:
        return None
    try:
        return parse_query_instant(given[name], name)
    except Refused as refused:
        raise Refused(refused.faults, code="invalid_parameter") from None


def _refused(field: str, message: str) -> Refused:
    return Refused([Fault(field, "invalid_parameter", message)], code="invalid_parameter")
