"""The older RPC of Odoo 17 and 18 (and still of 19): `/jsonrpc`, `/xmlrpc/2/common`, `/xmlrpc/2/object`."""

import json
import xmlrpc.client
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from local.odoo.engine import Call, StandIn
from local.odoo.errors import (
    AccessDenied,
    AccessError,
    DatabaseError,
    HttpError,
    OdooError,
    PythonError,
    UserError,
)
from local.odoo.figures import as_held, parse_constant, parse_float
from local.odoo.json2 import Request, Response, as_html, as_json
from local.odoo.models.users import digest_of

PATHS = ("/jsonrpc", "/xmlrpc/2/")
NOT_FOUND = 404
NOT_CONNECTED = (
    'connection to server at "127.0.0.1", port 5432 failed: Connection refused\n'
    "\tIs the server running on that host and accepting TCP/IP connections?\n"
)
"""What the driver says while PostgreSQL is down, as Odoo 19.0 passed it on."""
WARNING, DENIED, FORBIDDEN, APPLICATION = 2, 3, 4, 1
"""The fault codes of XML-RPC: a `UserError`, a wrong login, an `AccessError`, any other exception."""


def response(stand_in: StandIn, request: Request) -> Response:
    """Answer one request on one of `PATHS`; lets `GatewayAnswer` and `Hangup` pass."""
    if request.method != "POST":
        return as_html("<h1>Method Not Allowed</h1>", 405)
    if request.path == "/jsonrpc":
        return _json(stand_in, request.body)
    service = request.path.removeprefix("/xmlrpc/2/")
    if service not in ("common", "object"):
        return as_html("<h1>Not Found</h1>", 404)
    return _xml(stand_in, service, request.body)


def version(series: str) -> dict[str, Any]:
    """Return what a server of that series says of itself."""
    return {
        "server_version": series,
        "server_version_info": [int(series.partition(".")[0]), 0, 0, "final", 0, ""],
        "server_serie": series,
        "protocol_version": 1,
    }


def dispatch(stand_in: StandIn, protocol: str, service: str, method: str, args: list[Any]) -> Any:
    """Call a service's method: `common` (version, login, authenticate) or `object` (execute, execute_kw)."""
    if service == "common" and method == "version":
        return version(stand_in.series)
    if service == "common" and method in ("login", "authenticate"):
        _require_database(stand_in, args[0])
        return _logged_in(stand_in, args[1], args[2]) or False
    if service == "object" and method in ("execute", "execute_kw"):
        database, uid, secret, model, name, *rest = args
        _require_database(stand_in, database)
        _check_secret(stand_in, int(uid), secret)
        if method == "execute_kw":
            positional, named = list(rest[0]) if rest else [], dict(rest[1]) if len(rest) > 1 else {}
        else:
            positional, named = rest, {}
        return _execute(stand_in, Call(protocol, int(uid), model, name), positional, named)
    raise PythonError(NameError, f"Method not available {service}.{method}")


def _execute(stand_in: StandIn, call: Call, args: list[Any], named: dict[str, Any]) -> Any:
    context = named.pop("context", None) or {}
    ids: list[int] = []
    if not stand_in.is_model_method(call.model, call.method) and args:
        given = args.pop(0)
        ids = [given] if isinstance(given, int) else list(given or ())
    one = call.method == "create" and bool(args) and isinstance(args[0], Mapping)
    complete = Call(call.protocol, call.uid, call.model, call.method, ids, tuple(args), named, context)
    try:
        result = stand_in.call(complete)
    except HttpError as error:
        # The older RPC reports as an exception of Python what JSON-2 has words of its own for.
        if not stand_in.is_model(call.model):
            raise UserError(f"Object {call.model} doesn't exist") from None
        kind = AttributeError if error.status == NOT_FOUND else TypeError
        raise PythonError(kind, error.message) from None
    return result[0] if one else result


def _require_database(stand_in: StandIn, name: str) -> None:
    if not stand_in.database_up:
        raise DatabaseError("OperationalError", NOT_CONNECTED)
    if name != stand_in.database:
        raise DatabaseError("OperationalError", f'FATAL:  database "{name}" does not exist\n')


def _logged_in(stand_in: StandIn, login: str, secret: str) -> int | None:
    with stand_in.state.lock:
        for user in stand_in.state.table("res.users").values():
            if user["login"] == login and user["active"] and _opens(stand_in, user, secret):
                return int(user["id"])
    return None


def _check_secret(stand_in: StandIn, uid: int, secret: str) -> None:
    with stand_in.state.lock:
        user = stand_in.state.get("res.users", uid)
        if user is None or not user["active"] or not _opens(stand_in, user, secret):
            raise AccessDenied


def _opens(stand_in: StandIn, user: dict[str, Any], secret: str) -> bool:
    password = user.get("password")
    if password is not None and bool(password == digest_of(secret)):
        return True
    return bool(stand_in.user_of_key(secret) == user["id"])


# JSON-RPC


def _json(stand_in: StandIn, body: bytes) -> Response:
    try:
        requested = json.loads(body, parse_float=parse_float, parse_constant=parse_constant)
    except ValueError:
        return as_html("<h1>Bad Request</h1><p>Invalid JSON data</p>", 400)
    head = {"jsonrpc": "2.0", "id": requested.get("id")}
    params = requested.get("params") or {}
    try:
        result = dispatch(stand_in, "jsonrpc", params["service"], params["method"], list(params["args"]))
    except OdooError as error:
        return as_json({**head, "error": _json_error(stand_in, error)})
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return as_json({**head, "error": _json_error(stand_in, PythonError(type(error), str(error)))})
    return as_json({**head, "result": result})


def _json_error(stand_in: StandIn, error: OdooError) -> dict[str, Any]:
    code = 0 if stand_in.series == "19.0" else 200
    return {"code": code, "message": "Odoo Server Error", "data": error.body()}


# XML-RPC


def _xml(stand_in: StandIn, service: str, body: bytes) -> Response:
    try:
        args, method = xmlrpc.client.loads(body)
        result = dispatch(stand_in, "xmlrpc", service, str(method), [_decimals(arg) for arg in args])
        text = xmlrpc.client.dumps((_plain(result),), methodresponse=True, allow_none=False)
    except OdooError as error:
        text = xmlrpc.client.dumps(_fault(error))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        text = xmlrpc.client.dumps(_fault(PythonError(type(error), str(error))))
    return Response(200, "text/xml; charset=utf-8", text.encode())


def _fault(error: OdooError) -> xmlrpc.client.Fault:
    if isinstance(error, AccessError):
        return xmlrpc.client.Fault(FORBIDDEN, error.message)
    if isinstance(error, AccessDenied):
        return xmlrpc.client.Fault(DENIED, error.message)
    if isinstance(error, UserError):
        return xmlrpc.client.Fault(WARNING, error.message)
    name = error.name.removeprefix("builtins.")
    trace = f"Traceback (most recent call last):\n  (stand-in)\n{name}: {error.message}\n"
    return xmlrpc.client.Fault(APPLICATION, trace)


def _decimals(value: Any) -> Any:
    """Return a value of XML-RPC with its floats as the decimals they print as."""
    if isinstance(value, float):
        return as_held(Decimal(repr(value)))
    if isinstance(value, list):
        return [_decimals(item) for item in value]
    if isinstance(value, dict):
        return {name: _decimals(item) for name, item in value.items()}
    return value


def _plain(value: Any) -> Any:
    """Return a value with its decimals as floats, as XML-RPC can carry it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
