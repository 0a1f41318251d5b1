"""Read bodies of API Gateway's HTTP API events (payload format 2.0), and build its responses."""

import base64
import binascii
import json
from collections.abc import Mapping

from fusion_billing.errors import Fault, Refused
from fusion_billing.json_types import JsonMapping, JsonObject


def body_of(event: JsonMapping) -> bytes:
    """Return the body's bytes, empty if there is none."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            fault = Fault("", "malformed_body", "Request body is not valid Base64")
            raise Refused([fault], code=fault.code) from None
    # surrogates survive to where UTF-8 is judged, and are refused there
    encoded: bytes = body.encode("utf-8", "surrogatepass")
    return encoded


def headers_of(event: JsonMapping) -> dict[str, str]:
    """Return the headers by lower-case name, with the cookies, which API Gateway takes out of them, as `cookie`."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    cookies = event.get("cookies")
    return {**headers, "cookie": "; ".join(cookies)} if cookies else headers


def json_response(
    status: int, value: object, headers: Mapping[str, str] | None = None, *, kind: str = "application/json"
) -> JsonObject:
    """Return a response for API Gateway with `value` as its JSON body."""
    return {
        "statusCode": status,
        "headers": {"content-type": kind, "cache-control": "no-store", **(headers or {})},
        "body": json.dumps(value, ensure_ascii=True, separators=(",", ":")),
        "isBase64Encoded": False,
    }
