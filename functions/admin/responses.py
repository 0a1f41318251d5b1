"""Responses of routes, before they become those of API Gateway."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from functions.admin.csv_text import MEDIA_TYPE, csv_text
from functions.admin.request import Request
from fusion_billing.catalog.identifiers import MAX_PAGE, MAX_RESPONSE_BYTES
from fusion_billing.json_types import JsonObject


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: its items, the position after them, and further members of the response."""

    items: Sequence[object]
    following: str | None
    members: JsonObject = field(default_factory=dict)


ReadPage = Callable[[int, str | None], tuple[Sequence[object], str | None] | Page]

_NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Response:
    """A response: its status, its body as text, its headers."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"

    def as_event(self) -> JsonObject:
        """Return the response in API Gateway's payload format 2.0."""
        content = {} if self.status == _NO_CONTENT else {"content-type": self.media_type}
        return {
            "statusCode": self.status,
            "headers": {**content, "cache-control": "no-store", **self.headers},
            "body": self.body,
            "isBase64Encoded": False,
        }


def json_response(status: int, value: object, headers: Mapping[str, str] | None = None) -> Response:
    """Return `value` as JSON with `status`."""
    return Response(status, _json(value), headers or {})


def _json(value: object) -> str:
    """Return JSON in UTF-8, which is half as large as in ASCII for most scripts; ASCII if it can't be encoded."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def no_content() -> Response:
    """Return a 204 without a body."""
    return Response(_NO_CONTENT)


def page_response(
    request: Request, read: ReadPage, *, largest: int = MAX_PAGE, columns: Sequence[str] | None = None
) -> Response:
    """Return the requested page: its items, and the cursor of the next page, null on the last one.

    A page that would be too large for a response is read again with half as many items.

    Args:
        request: The request for the page.
        read: Takes a limit and the position to go on after; returns items, and the position after them, or a
            `Page` that has more members.
        largest: The most items of a page, regardless of the request's limit.
        columns: The columns of the page as CSV, which the request may ask for; None: JSON alone.
    """
    limit, after = request.page()
    limit = min(limit, largest)
    as_csv = columns is not None and request.accepts_csv()
    while True:
        page = read(limit, after)
        items, following = (page.items, page.following) if isinstance(page, Page) else page
        cursor = None if following is None else request.cursor_after(following)
        if as_csv and columns is not None:
            response = _csv_response(request, columns, items, cursor)
        else:
            more = page.members if isinstance(page, Page) else {}
            response = json_response(200, {"items": items, "cursor": cursor, **more})
        if len(items) <= 1 or len(response.body.encode()) <= MAX_RESPONSE_BYTES:
            return response
        limit = len(items) // 2


def _csv_response(request: Request, columns: Sequence[str], items: Sequence[object], cursor: str | None) -> Response:
    """Return a page as CSV; its header `Link` has the address of the next page."""
    text = csv_text(columns, items, mark=request.wants_byte_order_mark())
    headers = {"content-disposition": 'attachment; filename="export.csv"', "vary": "accept"}
    if cursor is not None:
        query = urlencode({**request.query, "cursor": cursor})
        headers["link"] = f'<{request.event.get("rawPath", "")}?{query}>; rel="next"'
    return Response(200, text, headers, f"{MEDIA_TYPE}; charset=utf-8")
