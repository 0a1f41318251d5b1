"""What the admin function answers when it does not do what it was asked: problem+json (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from fusion_billing.errors import (
    Conflict,
    Forbidden,
    FusionError,
    NotFound,
    Refused,
    Unauthenticated,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"

_BY_CODE = {
    "malformed_json": HTTPStatus.BAD_REQUEST,
    "not_an_object": HTTPStatus.BAD_REQUEST,
    "bad_parameter": HTTPStatus.BAD_REQUEST,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
_BY_KIND: dict[type[FusionError], HTTPStatus] = {
    Refused: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def response(error: FusionError) -> Response[str]:
    """Return the problem that `error` is."""
    status = _BY_CODE.get(error.code)
    if status is None:
        kinds = (status for kind, status in _BY_KIND.items() if isinstance(error, kind))
        status = next(kinds, HTTPStatus.BAD_REQUEST)
    extra: dict[str, Any] = {}
    if isinstance(error, Refused):
        extra["errors"] = [
            {"field": fault.field, "code": fault.code, "message": fault.message} for fault in error.faults
        ]
    return plain(status, error.code, error.message, None, **extra)


def plain(
    status: HTTPStatus, code: str, detail: str, headers: Mapping[str, str] | None = None, **extra: Any
) -> Response[str]:
    """Return a problem without an error of ours behind it."""
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "code": code,
        **extra,
    }
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Response(status.value, MEDIA_TYPE, body, headers=dict(headers or {}))
