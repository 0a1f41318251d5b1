"""Odoo 19's External JSON-2 API: `POST /json/2/<model>/<method>`."""

import json
from dataclasses import dataclass, field
from html import escape
from typing import Any

from local.odoo.engine import Call, StandIn
from local.odoo.errors import HttpError, OdooError, PythonError
from local.odoo.figures import parse_constant, parse_float, to_wire

PREFIX = "/json/2/"
UNAUTHORIZED = 401
HINT = "Did you mean POST /json/2/<model>/<method>?"
NO_KEY = "User not authenticated, use an API Key with a Bearer Authorization header."
NO_DATABASE = (
    "<!DOCTYPE html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>No database is selected and the "
    "requested URL was not found in the server-wide controllers.</p>\n<p>Please verify the hostname, "
    "<a href=/web/login>login</a> and try again.</p>\n\n"
    "<!-- Alternatively, use the X-Odoo-Database header. -->"
)
WRONG_TYPE = (
    "<!doctype html>\n<html lang=en>\n<title>415 Unsupported Media Type</title>\n"
    "<h1>Unsupported Media Type</h1>\n<p>{}<br><br>Please verify the Content-Type request header and try "
    "again.</p>"
)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def as_json(value: Any, status: int = 200) -> Response:
    """Return a response whose body is `value` as JSON, decimals as floats."""
    return Response(status, "application/json; charset=utf-8", json.dumps(value, default=to_wire).encode())


def as_html(text: str, status: int) -> Response:
    """Return an HTML page."""
    return Response(status, "text/html; charset=utf-8", text.encode())


def response(stand_in: StandIn, request: Request) -> Response:
    """Answer one request below `/json/2/`; lets `GatewayAnswer` and `Hangup` pass."""
    database = request.headers.get("x-odoo-database")
    if database not in (None, "", stand_in.database):
        return as_html(NO_DATABASE, 404)
    try:
        return _answer(stand_in, request)
    except OdooError as error:
        if error.status == UNAUTHORIZED:
            stand_in.journal.count("unauthorized")
        return as_json(error.body(), error.status)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What Odoo's Python would trip over, the stand-in's does too: both answer 500 with its name.
        unexpected = PythonError(type(error), str(error))
        return as_json(unexpected.body(), unexpected.status)


def _answer(stand_in: StandIn, request: Request) -> Response:
    model, _, method = request.path.removeprefix(PREFIX).partition("/")
    if request.method != "POST" or not model or not method or "/" in method:
        raise HttpError(404, HINT)
    mimetype = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if mimetype != "application/json":
        route = "/json/2/<__model__>/<__method__>"
        reason = f"Request inferred type is compatible with ['http'] but '{route}' is type='json2'."
        return as_html(WRONG_TYPE.format(escape(reason).replace("&#x27;", "&#39;")), 415)
    uid = _authenticated(stand_in, request.headers.get("authorization", ""))
    arguments = _arguments(request.body)
    ids = arguments.pop("ids", ())
    context = arguments.pop("context", None) or {}
    call = Call(
        "json2",
        uid,
        model,
        method,
        ids=[ids] if isinstance(ids, int) else list(ids or ()),
        kwargs=arguments,
        context=context,
    )
    return as_json(stand_in.call(call))


def _authenticated(stand_in: StandIn, header: str) -> int:
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise HttpError(UNAUTHORIZED, NO_KEY)
    uid = stand_in.user_of_key(key.strip())
    if uid is None:
        raise HttpError(UNAUTHORIZED, "Invalid apikey")
    return uid


def _arguments(body: bytes) -> dict[str, Any]:
    """Read the named arguments; a body that is JSON but no object counts as none."""
    if not body:
        return {}
    try:
        read = json.loads(body, parse_float=parse_float, parse_constant=parse_constant)
    except ValueError as error:
        raise HttpError(400, f"could not parse the body as json: {error}") from None
    return read if isinstance(read, dict) else {}
