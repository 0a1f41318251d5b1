"""A request as its route sees it: who sent it, its parameters, its body, the page it is for."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from functions.admin.cursors import list_name, read_cursor, write_cursor
from fusion_billing import strict_json
from fusion_billing.access.principal import Principal
from fusion_billing.audit.recorder import Record, Recorder, unrecorded
from fusion_billing.catalog.identifiers import DEFAULT_PAGE, MAX_BODY_BYTES, MAX_PAGE
from fusion_billing.decimals import ZERO
from fusion_billing.errors import Fault, Refused
from fusion_billing.http.api_gateway import body_of
from fusion_billing.json_types import JsonMapping, JsonObject

_LIMIT_DIGITS = 5
_QUALITY = re.compile(r"[01](\.\d{0,3})?", re.ASCII)
_DEEPEST = 32
_NOT_ALLOWED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and line breaks, overrides of the text's direction, halves of surrogate pairs.

They deceive readers of a name on an order line or in a list, or can't be stored."""
_NOT_ALLOWED_MESSAGE = "must not contain control characters, directional overrides or unpaired surrogates"


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a route, after its key was accepted and its query was checked.

    Attributes:
        event: The event from API Gateway, payload format 2.0.
        query: The query parameters, all of them declared by the route.
        now: When the request came.
        recorder: What makes its entries in the audit log; None for a route that changes nothing.
        caller: The principal, or None for a route that needs no key.
    """

    event: JsonMapping
    query: Mapping[str, str]
    now: datetime
    caller: Principal | None = None
    recorder: Recorder | None = None

    @property
    def record(self) -> Record:
        """Return what makes the entries of this request in the audit log."""
        return unrecorded if self.recorder is None else self.recorder.change

    @property
    def principal(self) -> Principal:
        """Return the principal of the request. Only for routes that need a key."""
        if self.caller is None:
            raise AssertionError("the route is open to everyone")
        return self.caller

    def json(self) -> JsonObject:
        """Return the body, a JSON object, its numbers as `strict_json.Number`.

        Raises:
            Refused: `too_large`, `malformed_json`, `not_an_object`; `duplicate_key`, or `invalid_characters` for
                control characters, directional overrides and unpaired surrogates in any string.
        """
        raw = body_of(self.event)
        if len(raw) > MAX_BODY_BYTES:
            raise _refused("too_large", f"Request body must have at most {MAX_BODY_BYTES} bytes")
        value = strict_json.loads(raw)
        if not isinstance(value, dict):
            raise _refused("not_an_object", "Request body must be a JSON object")
        fault = _first_not_allowed(value) or strict_json.first_ambiguity(value)
        if fault is not None:
            raise Refused([fault])
        return value

    def optional_json(self) -> JsonObject:
        """Return the body as `json` does, or an empty object if none was sent."""
        return self.json() if self.event.get("body") else {}

    def page(self) -> tuple[int, str | None]:
        """Return the limit (1 to 500, 100 by default) and the position to go on after.

        Raises:
            Refused: `invalid_parameter` for the limit, `bad_cursor` for a cursor that was not made for this list
                with these parameters.
        """
        limit = self.query.get("limit", str(DEFAULT_PAGE))
        if not (limit.isascii() and limit.isdigit() and len(limit) <= _LIMIT_DIGITS and 1 <= int(limit) <= MAX_PAGE):
            raise invalid_parameter("limit", f"must be a whole number from 1 to {MAX_PAGE}")
        cursor = self.query.get("cursor")
        return int(limit), None if cursor is None else read_cursor(cursor, self._list_name)

    def cursor_after(self, position: str) -> str:
        """Return the cursor of this list's page after `position`."""
        return write_cursor(position, self._list_name)

    def accepts_csv(self) -> bool:
        """Return whether the request prefers CSV to JSON by its header `Accept`."""
        return _prefers_csv(_header(self.event, "accept"))

    def wants_byte_order_mark(self) -> bool:
        """Return whether CSV is to begin with a byte order mark; raises `Refused` (`invalid_parameter`)."""
        mark = self.query.get("bom", "false")
        if mark not in {"true", "false"}:
            raise invalid_parameter("bom", "must be true or false")
        return mark == "true"

    @property
    def _list_name(self) -> str:
        """The list that cursors are valid for. A limited key has lists of its own: no cursor shows it others' items."""
        limits = "" if self.caller is None else self.caller.limits_text
        return list_name(self.event.get("rawPath", ""), self.query) + limits


def invalid_parameter(name: str, message: str) -> Refused:
    """Return the error of a query parameter."""
    return Refused([Fault(name, "invalid_parameter", message)], code="invalid_parameter")


def _header(event: Mapping[str, Any], name: str) -> str:
    return next((str(value) for key, value in (event.get("headers") or {}).items() if key.lower() == name), "")


def _prefers_csv(accept: str) -> bool:
    """Return whether CSV has a higher quality than JSON; JSON is for requests that do not care."""
    qualities: dict[str, Decimal] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (word.strip() for word in part.split(";"))
        quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        qualities[kind] = Decimal(quality) if _QUALITY.fullmatch(quality) else ZERO
    json_quality = max(qualities.get(kind, ZERO) for kind in ("application/json", "application/*", "*/*"))
    csv_quality = max(qualities.get(kind, ZERO) for kind in ("text/csv", "text/*"))
    return csv_quality > json_quality or (csv_quality > 0 and "application/json" not in qualities)


def _refused(code: str, message: str) -> Refused:
    return Refused([Fault("", code, message)], code=code)


def _first_not_allowed(value: Any, path: str = "", depth: int = 0) -> Fault | None:
    """Return a fault for the first string below `value` with characters that are not allowed.

    Raises `Refused` (`malformed_json`) if `value` is nested deeper than any body of ours is.
    """
    if depth > _DEEPEST:
        raise _refused("malformed_json", "Request body is nested too deeply")
    if isinstance(value, str):
        return Fault(path, "invalid_characters", _NOT_ALLOWED_MESSAGE) if _NOT_ALLOWED.search(value) else None
    children: Iterable[tuple[Any, Any]] = enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, dict):
        children = value.items()
    for name, child in children:
        below = f"{path}.{name}" if path else str(name)
        fault = _first_not_allowed(child, below, depth + 1)
        if fault is None and isinstance(name, str) and _NOT_ALLOWED.search(name):
            fault = Fault(path, "invalid_characters", f"has a field name that {_NOT_ALLOWED_MESSAGE}")
        if fault is not None:
            return fault
    return None
