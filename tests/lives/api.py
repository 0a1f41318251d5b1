"""Requests as API Gateway passes them on."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def api_event(method: str, path: str, body: Mapping[str, Any] | None, *, key: str, now: datetime) -> dict[str, Any]:
    """Return a request as API Gateway passes it on."""
    raw, _, query = path.partition("?")
    return {
        "version": "2.0",
        "routeKey": f"{method} {raw}",
        "rawPath": raw,
        "rawQueryString": query,
        "queryStringParameters": dict(pair.split("=", 1) for pair in query.split("&")) if query else {},
        "headers": {"authorization": f"Bearer {key}", "content-type": "application/json"},
        "requestContext": {
            "http": {"method": method, "path": raw, "sourceIp": "127.0.0.1"},
            "requestId": "life",
            "stage": "$default",
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "body": json.dumps(body) if body is not None else None,
        "isBase64Encoded": False,
    }
