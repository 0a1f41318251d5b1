"""Errors as RFC 9457 `application/problem+json`.

`code` is stable and for programs; `errors` names each field of a body that is wrong. An
unexpected error gets status 500 and a reference, which is in the log too, and nothing else.
"""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fusion_billing.catalog.identifiers import MAX_FAULTS
from fusion_billing.error_codes import ERROR_CODES
from fusion_billing.errors import (
    Conflict,
    Fault,
    Forbidden,
    FusionError,
    NotFound,
    Refused,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from fusion_billing.http.api_gateway import json_response
from fusion_billing.json_types import JsonObject

MEDIA_TYPE = "application/problem+json"

_LONGEST_NAME, _LONGEST_SENTENCE = 256, 1_000

_BY_KIND: tuple[tuple[type[FusionError], HTTPStatus], ...] = (
    (Refused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (TooManyRequests, HTTPStatus.TOO_MANY_REQUESTS),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)


def status_of(error: FusionError) -> int:
    """Return the HTTP status of an error: the one registered for its code, else the one of its class."""
    registered = ERROR_CODES.get(error.code)
    if registered is not None and registered.status is not None:
        return registered.status
    for kind, status in _BY_KIND:
        if isinstance(error, kind):
            return int(status)
    return 500


def faults_as_json(faults: tuple[Fault, ...]) -> list[dict[str, str]]:
    """Return faults as the `errors` of a problem: the first hundred, each of a bounded length."""
    return [_fault_as_json(fault) for fault in faults[:MAX_FAULTS]]


def _fault_as_json(fault: Fault) -> dict[str, str]:
    shown = {
        "field": _shortened(fault.field, _LONGEST_NAME),
        "code": fault.code,
        "message": _shortened(fault.message, _LONGEST_SENTENCE),
    }
    return shown if fault.stored is None else {**shown, "stored": fault.stored}


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def document(status: int, code: str, detail: str, extra: Mapping[str, object] | None = None) -> JsonObject:
    """Return a problem document; `extra` are additional members."""
    return {
        "type": f"urn:fusion-billing:problem:{code}",
        "title": ERROR_CODES[code].title if code in ERROR_CODES else HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **(extra or {}),
    }


def of_error(error: FusionError, extra: Mapping[str, object] | None = None) -> tuple[int, JsonObject]:
    """Return an error's status and problem document."""
    status = status_of(error)
    members: dict[str, Any] = dict(extra or {})
    if isinstance(error, Refused):
        members["errors"] = faults_as_json(error.faults)
        members["errors_total"] = error.total
    return status, document(status, error.code, error.message, members)


def headers_of(status: int, error: FusionError | None = None) -> dict[str, str]:
    """Return the headers that go with a problem of this status, of an error if it is one of ours."""
    if isinstance(error, TooManyRequests):
        return {"retry-after": str(error.retry_after)}
    if status == HTTPStatus.UNAUTHORIZED:
        return {"www-authenticate": 'Bearer realm="fusion-billing"'}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"retry-after": "1"}
    return {}


def error_response(error: FusionError, extra: Mapping[str, object] | None = None) -> JsonObject:
    """Return the API Gateway response for an expected error."""
    status, body = of_error(error, extra)
    return json_response(status, body, headers_of(status, error), kind=MEDIA_TYPE)


def new_reference() -> str:
    """Return a reference for an unexpected error, to be logged and shown."""
    return secrets.token_hex(8)


def unexpected(reference: str) -> tuple[int, JsonObject]:
    """Return the status and document for an unexpected error; only `reference` identifies it."""
    detail = f"Something went wrong on our side. Tell us the reference {reference} and we can find it."
    return 500, document(500, "internal_error", detail, {"reference": reference})


def unexpected_response(reference: str) -> JsonObject:
    """Return the API Gateway response for an unexpected error."""
    status, body = unexpected(reference)
    return json_response(status, body, kind=MEDIA_TYPE)


def places(error: BaseException) -> JsonObject:
    """Return the type and the traceback locations of an unexpected error, without its message, for the log."""
    found, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return {"error": type(error).__name__, "places": found[-12:]}
