"""Responses of routes, before they become those of API Gateway."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.admin.request import Request

_NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Response:
    """A response: its status, its body as text, its headers."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"

    def as_event(self) -> dict[str, Any]:
        """Return the response in API Gateway's payload format 2.0."""
        content = {} if self.status == _NO_CONTENT else {"content-type": self.media_type}
        return {
            "statusCode": self.status,
            "headers": {**content, "cache-control": "no-store", **self.headers},
            "body": self.body,
            "isBase64Encoded": False,
        }


def json_response(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return `value` as JSON with `status`."""
    return Response(status, json.dumps(value, separators=(",", ":")), headers or {})


def no_content() -> Response:
    """Return a 204 without a body."""
    return Response(_NO_CONTENT)


def page_response(request: Request, items: list[Any], after: str | None) -> Response:
    """Return a page: its items, and the cursor of the next page, null on the last one."""
    cursor = None if after is None else request.cursor_after(after)
    return json_response(200, {"items": items, "cursor": cursor})
