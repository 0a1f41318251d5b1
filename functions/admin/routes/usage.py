"""`/v1/usage` without pushing: show, list, reconcile and void usage records.

A source sees and voids its own records only. A key with the scope `admin` may name another `source`.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from functions.admin import usage_dependencies
from functions.admin.request import Request
from functions.admin.responses import Response, json_response, page_response
from functions.admin.services import usage, usage_reconciliation
from fusion_billing.access.principal import Principal
from fusion_billing.catalog.identifiers import CODE, SUBSCRIPTION_ID
from fusion_billing.dynamodb.usage.selection import Selection
from fusion_billing.errors import Fault, Forbidden, Refused
from fusion_billing.instants import parse_query_instant


def get(request: Request, idempotency_key: str) -> Response:
    """Show a record and its revisions."""
    source = _source(request.principal, request.query.get("source"))
    return json_response(200, usage_dependencies.records().get(request.principal, source, idempotency_key))


def void(request: Request, idempotency_key: str) -> Response:
    """Void a record: it is stored but no longer counts."""
    source = _source(request.principal, request.query.get("source"))
    reason, now = request.optional_json(), request.now
    voider = usage_dependencies.voider()
    return json_response(200, voider.void(request.principal, source, idempotency_key, reason, now))


def list_records(request: Request) -> Response:
    """List a pair's records by the start of their windows: those that count, or those that were voided."""
    given = request.query
    _source(request.principal, given.get("source"))
    subscription, metric = _named(given, "subscription", SUBSCRIPTION_ID), _named(given, "metric", CODE)
    start, end = _instant(given, "from"), _instant(given, "to")
    if start and end and end <= start:
        raise _refused("to", "must be later than from")
    voided = given.get("voided", "false")
    if voided not in {"true", "false"}:
        raise _refused("voided", "must be true or false")
    records = usage_dependencies.records()
    source = usage.requested_source(records, request.principal, given.get("source"))
    own_id = records.selected(request.principal, subscription, metric)
    selection = Selection(own_id, metric, start, end, source, voided == "true")
    return page_response(request, lambda limit, after: records.listing(selection, after, limit))


def reconcile(request: Request) -> Response:
    """Compare a source's own records with the stored ones."""
    given = request.query.get("source")
    _source(request.principal, given)
    records = usage_dependencies.records()
    source = usage.requested_source(records, request.principal, given) or request.principal.source
    return json_response(200, usage_reconciliation.reconcile(records, request.principal, source, request.json()))


def _source(principal: Principal, requested: str | None) -> str:
    """Return the source of the record: `requested`, or the key's own; raises `Forbidden` (`source_not_allowed`)."""
    if requested not in {None, principal.source} and not principal.is_admin:
        raise Forbidden("Only a key with the admin scope may name another source", code="source_not_allowed")
    return requested or principal.source


def _named(given: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = given[name]
    if not pattern.fullmatch(value):
        raise _refused(name, f"must match {pattern.pattern}")
    return value


def _instant(given: Mapping[str, str], name: str) -> datetime | None:
    if name not in given:
        return None
    try:
        return parse_query_instant(given[name], name)
    except Refused as refused:
        raise Refused(refused.faults, code="invalid_parameter") from None


def _refused(field: str, message: str) -> Refused:
    return Refused([Fault(field, "invalid_parameter", message)], code="invalid_parameter")
