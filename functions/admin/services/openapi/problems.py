"""The problem responses of operations: which error codes an operation has, by status."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from functions.admin.route_table import Route
from functions.admin.services.openapi.schema_parts import ref
from fusion_billing.access.principal import ADMIN, WEBHOOKS
from fusion_billing.error_codes import ERROR_CODES
from fusion_billing.json_types import JsonObject
from fusion_billing.metering.outcome import RECORD_CODES

_OF_A_KEY = (
    *("missing_key", "malformed_key", "unknown_key", "revoked_key", "expired_key", "missing_scope"),
    *("session_expired", "cross_site_request", "invalid_jwt", "expired_jwt"),
)
_OF_A_BODY = ("malformed_json", "malformed_body", "not_an_object", "too_large", "invalid")


def problem_responses(route: Route) -> dict[str, JsonObject]:
    """Return a route's problem responses by status, each with the error codes that it may have."""
    by_status: dict[int, list[str]] = {}
    for code in codes_of(route):
        by_status.setdefault(ERROR_CODES[code].status or HTTPStatus.UNPROCESSABLE_ENTITY, []).append(code)
    if route.body == "Push":
        by_status[HTTPStatus.UNPROCESSABLE_ENTITY] += RECORD_CODES
    return {str(status): _response(status, codes) for status, codes in sorted(by_status.items())}


def codes_of(route: Route) -> list[str]:
    """Return the error codes that responses of a route may have, each once."""
    return list(dict.fromkeys(_codes(route)))


def _codes(route: Route) -> Iterator[str]:
    yield "invalid_parameter"
    if route.scope is not None:
        yield from _OF_A_KEY
        yield from ("rate_limited", "unavailable", "issuer_unavailable", "oidc_not_configured")
    if route.area is not None:
        yield from ("ip_not_allowed", "ip_list_not_configured")
    if route.portal:
        yield from ("invalid_token", "expired_token", "portal_not_configured")
    elif route.scope is not None:
        yield "portal_token_not_allowed"
    if route.scope in {ADMIN, WEBHOOKS}:
        yield "limited_source"
    if route.body is not None:
        yield from _OF_A_BODY
    if "cursor" in route.parameters:
        yield "bad_cursor"
    if "{" in route.path:
        yield "not_found"
    yield from route.errors


def _response(status: int, codes: list[str]) -> dict[str, Any]:
    meanings = "\n".join(f"- `{code}`: {ERROR_CODES[code].meaning}" for code in codes)
    found: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}. The error codes are:\n\n{meanings}",
        "content": {"application/problem+json": {"schema": ref("Problem"), "example": _example(status, codes[0])}},
        "x-error-codes": codes,
    }
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        seconds = {"type": "integer", "minimum": 1}
        found["headers"] = {
            "Retry-After": {"description": "Seconds to wait before the next attempt", "schema": seconds}
        }
    return found


def _example(status: int, code: str) -> JsonObject:
    error = ERROR_CODES[code]
    return {
        "type": f"urn:fusion-billing:problem:{code}",
        "title": error.title,
        "status": status,
        "detail": error.meaning,
        "code": code,
    }
