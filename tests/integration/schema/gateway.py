"""A WSGI application in front of the handlers: turns requests into events as API Gateway does."""

import base64
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from functions.admin.handler import handler
from functions.ingest import handler as ingest

_SECONDS = 20.0
Start = Callable[[str, list[tuple[str, str]]], object]


class Gateway:
    """The two functions behind one address."""

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Respond to a WSGI request."""
        event = _event(environ)
        is_push = (event["requestContext"]["http"]["method"], event["rawPath"]) == ("POST", "/v1/usage")
        response = ingest.app().respond(event, _SECONDS) if is_push else handler(event, None)
        body: str = response.get("body") or ""
        content = base64.b64decode(body) if response.get("isBase64Encoded") else body.encode()
        status = HTTPStatus(response["statusCode"])
        start_response(f"{status.value} {status.phrase}", list(response["headers"].items()))
        return [content]


def _event(environ: dict[str, Any]) -> dict[str, Any]:
    """Return the event of a request, payload format 2.0."""
    target = environ["REQUEST_URI"].partition("?")[0]
    path = unquote(target.replace("%25", "%2525"), errors="replace")  # API Gateway decodes every escape except %25
    query = environ.get("QUERY_STRING", "")
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "queryStringParameters": _query(query) or None,
        "requestContext": {
            "stage": "$default",
            "requestId": "test",
            "http": {"method": environ["REQUEST_METHOD"], "path": path},
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }
    return {name: value for name, value in event.items() if value is not None}


def _query(text: str) -> dict[str, str]:
    """Return query parameters, the values of a repeated one joined by commas."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found
