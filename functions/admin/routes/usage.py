"""`/v1/usage`, but for pushing: a record with its history, a pair's records, reconciliation (`usage:read`).

A source sees its own records alone. A key with the scope `admin` sees every source's: `source` says whose.
"""

import re
from datetime import datetime

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies
from functions.admin.routing import Router, authorised, body, json_answer, page, page_answer, parameters
from functions.admin.services import usage
from fusion_billing.access.principal import Principal
from fusion_billing.errors import Fault, Forbidden, Refused
from fusion_billing.instants import parse_query_instant
from fusion_billing.store.usage_reading import Selection

router = Router()

_SUBSCRIPTION = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_METRIC = re.compile(r"[a-z0-9_.-]{1,64}", re.ASCII)


@router.get("/v1/usage/<any_idempotency_key>")
def get(any_idempotency_key: str) -> Response[str]:
    """Show a record and its revisions."""
    principal = authorised(router, "usage:read")
    source = _source(principal, parameters(router, "source").get("source"))
    return json_answer(
        200, usage.get(dependencies.usage_reader(), source or principal.source, any_idempotency_key)
    )


@router.get("/v1/usage")
def listing() -> Response[str]:
    """List a pair's records by the start of their windows."""
    principal = authorised(router, "usage:read")
    given = parameters(router, "subscription", "metric", "from", "to", "source")
    source = _source(principal, given.get("source"))
    subscription, metric = _named(given, "subscription", _SUBSCRIPTION), _named(given, "metric", _METRIC)
    start, end = _instant(given, "from"), _instant(given, "to")
    if start and end and end <= start:
        raise _refused("to", "must be later than from")
    limit, after = page(router)
    wanted = Selection(subscription, metric, start, end, source)
    return page_answer(router, *usage.listing(dependencies.usage_reader(), wanted, after, limit))


@router.post("/v1/usage/reconcile")
def reconcile() -> Response[str]:
    """Compare a source's books with what is stored of it."""
    principal = authorised(router, "usage:read")
    source = _source(principal, parameters(router, "source").get("source")) or principal.source
    return json_answer(200, usage.reconcile(dependencies.usage_records(), source, body(router)))


def _source(principal: Principal, asked: str | None) -> str | None:
    """Return whose records are to be seen: `asked`, else one's own; None where an admin asks for all."""
    if principal.is_admin:
        return asked
    if asked not in {None, principal.source}:
        raise Forbidden("only its own records are open to this key", code="other_source")
    return principal.source


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
        raise Refused(refused.faults, code="bad_request") from None


def _refused(field: str, message: str) -> Refused:
    return Refused([Fault(field, "bad_parameter", message)], code="bad_request")
