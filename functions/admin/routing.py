"""What every route needs: who asks, the body, the parameters, the page, the answer.

A route module reads::

    from functions.admin.routing import Router, authorised, json_answer

    router = Router()

    @router.get("/v1/metrics/<code>")
    def get(code: str) -> Response[str]:
        authorised(router, "catalog:read")
        return json_answer(200, metrics.get(dependencies.catalogue(), code))

Path parameters arrive decoded; one named `any_…` may hold slashes.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import api_gateway
from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import dependencies
from fusion_billing import strict_json
from fusion_billing.access.principal import Principal
from fusion_billing.errors import Fault, Refused
from fusion_billing.http.api_gateway import body_of

MAX_BODY = 4 * 1024 * 1024
MAX_PAGE, DEFAULT_PAGE, _LIMIT_DIGITS = 500, 100, 5


class Router(api_gateway.Router):
    """Powertools' router, typed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]


def authorised(router: Router, scope: str) -> Principal:
    """Return who asks, once the key has `scope`; raises `Unauthenticated` or `Forbidden`."""
    headers = router.current_event.headers or {}
    principal = dependencies.authenticator().authenticate(headers, dependencies.now())
    principal.require(scope)
    return principal


def body(router: Router) -> dict[str, Any]:
    """Return the body, a JSON object, its numbers as `strict_json.Number`.

    Raises `Refused`: `too_large`, `malformed_json`, `not_an_object`, or `invalid` for a key named twice and
    for text that neither our tables nor Odoo's can hold.
    """
    raw = body_of(router.current_event.raw_event)
    if len(raw) > MAX_BODY:
        raise _too_large()
    value = strict_json.loads(raw)
    if not isinstance(value, dict):
        raise _refused("", "not_an_object", "the body must be a JSON object")
    fault = _first_unstorable(value) or strict_json.first_ambiguity(value)
    if fault is not None:
        raise Refused([fault])
    return value


def optional_body(router: Router) -> dict[str, Any]:
    """Return the body as `body` does, or an empty object where none was sent."""
    return body(router) if router.current_event.get("body") else {}


def parameters(router: Router, *names: str) -> dict[str, str]:
    """Return the query's parameters; one not among `names` (nor `limit`, `cursor`) is refused by name."""
    given: dict[str, str] = router.current_event.get("queryStringParameters") or {}
    unknown = sorted(set(given) - {*names, "limit", "cursor"})
    if unknown:
        faults = [Fault(name, "unknown_parameter", "is no parameter of this path") for name in unknown]
        raise Refused(faults, code="invalid_parameter")
    return given


def page(router: Router) -> tuple[int, str | None]:
    """Return the page asked for: how many (1 to 500, 100 unless said), and after what (`next_cursor`'s text).

    Raises `Refused`: `invalid_parameter` for the limit, `bad_cursor` for a cursor that is no cursor of this list
    or was made for other parameters.
    """
    given = router.current_event.get("queryStringParameters") or {}
    limit = given.get("limit", str(DEFAULT_PAGE))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= _LIMIT_DIGITS and 1 <= int(limit) <= MAX_PAGE):
        raise _refused("limit", "invalid_parameter", f"must be a whole number from 1 to {MAX_PAGE}")
    cursor = given.get("cursor")
    return int(limit), None if cursor is None else _read_cursor(cursor, list_name(router))


def page_answer(router: Router, items: list[Any], after: str | None) -> Response[str]:
    """Return a page: its items, and the cursor of the next page where there is one."""
    cursor = None if after is None else write_cursor(after, list_name(router))
    return json_answer(200, {"items": items, "cursor": cursor})


def json_answer(status: int, value: Any = None, headers: Mapping[str, str] | None = None) -> Response[str]:
    """Return `value` as JSON with `status`; a 204 has no body."""
    if status == 204:  # noqa: PLR2004
        return Response(204, body="")  # not null: the local cloud takes text alone
    return Response(
        status,
        "application/json",
        json.dumps(value, separators=(",", ":")),
        headers={"cache-control": "no-store", **(headers or {})},
    )


def list_name(router: Router) -> str:
    """Return what names the list asked for: its path, and every parameter but those of the page."""
    given: dict[str, str] = router.current_event.get("queryStringParameters") or {}
    chosen = sorted((name, value) for name, value in given.items() if name not in {"limit", "cursor"})
    return f"{router.current_event.path}?{json.dumps(chosen)}"


def write_cursor(after: str, of: str) -> str:
    """Return the opaque cursor of the page after the item at `after`, good for the list named `of` alone.

    It is stamped, not signed: a store checks by itself that a position lies within what it may read.
    """
    text = f"{_stamp(after, of)}{after}"
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii").rstrip("=")


def _first_unstorable(value: Any, path: str = "", depth: int = 0) -> Fault | None:
    """Return a fault for the first text below `value` with a NUL or half a surrogate pair in it.

    Raises `Refused` (`malformed_json`) where `value` is nested deeper than anything of ours is.
    """
    if depth > _DEEPEST:
        raise _refused("", "malformed_json", "the body is nested too deeply")
    if isinstance(value, str):
        return Fault(path, "invalid_characters", "holds a character that is none") if _NONE.search(value) else None
    children: Iterable[tuple[Any, Any]] = enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, dict):
        children = value.items()
    for name, child in children:
        below = f"{path}.{name}" if path else str(name)
        fault = _first_unstorable(child, below, depth + 1)
        if fault is None and isinstance(name, str) and _NONE.search(name):
            fault = Fault(path, "invalid_characters", "has a name that holds a character that is none")
        if fault is not None:
            return fault
    return None


_DEEPEST = 32
_NONE = re.compile("[\x00\ud800-\udfff]")


def _read_cursor(cursor: str, of: str) -> str:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("utf-8", "surrogatepass")
    except (ValueError, binascii.Error):
        text = ""
    stamp, after = text[:8], text[8:]
    if not after or stamp != _stamp(after, of):
        raise _refused("cursor", "bad_cursor", "is no cursor of this list")
    return after


def _stamp(after: str, of: str) -> str:
    return f"{zlib.crc32(f'{of} {after}'.encode('utf-8', 'surrogatepass')):08x}"


def _refused(field: str, code: str, message: str) -> Refused:
    return Refused([Fault(field, code, message)], code=code)


def _too_large() -> Refused:
    return _refused("", "too_large", f"the body must have at most {MAX_BODY} bytes")
