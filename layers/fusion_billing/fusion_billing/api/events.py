"""API Gateway's HTTP API events, payload format 2.0, as requests; and answers as what it expects back."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fusion_billing.errors import Fault, Refused


@dataclass(frozen=True, slots=True)
class Request:
    """A request: header names in lower case, the path and the query decoded, the body as it was sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    id: str


def request_of(event: Mapping[str, Any]) -> Request:
    """Return the request in an event of API Gateway; raises `Refused` where the body is no base64."""
    context = event.get("requestContext") or {}
    http = context.get("http") or {}
    return Request(
        method=http.get("method", ""),
        path=event.get("rawPath", ""),
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        query=event.get("queryStringParameters") or {},
        body=body_of(event),
        id=context.get("requestId", ""),
    )


def body_of(event: Mapping[str, Any]) -> bytes:
    """Return the body's bytes, empty where there is none."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            fault = Fault("", "malformed_body", "the body is no base64, as its encoding says")
            raise Refused([fault], code=fault.code) from None
    # surrogates survive to where UTF-8 is judged, and are refused there
    encoded: bytes = body.encode("utf-8", "surrogatepass")
    return encoded


def answer(
    status: int, value: object, headers: Mapping[str, str] | None = None, *, kind: str = "application/json"
) -> dict[str, Any]:
    """Return an answer for API Gateway with `value` as its JSON body."""
    return {
        "statusCode": status,
        "headers": {"content-type": kind, "cache-control": "no-store", **(headers or {})},
        "body": json.dumps(value, ensure_ascii=True, separators=(",", ":")),
        "isBase64Encoded": False,
    }
