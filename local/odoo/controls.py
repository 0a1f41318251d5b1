"""`/stand-in/<name>`: the controls of `admin.Admin`, over HTTP, for the demo and for other processes."""

import inspect
import json

from local.odoo.admin import Admin
from local.odoo.errors import OdooError
from local.odoo.figures import parse_constant, parse_float
from local.odoo.json2 import Request, Response, as_json

PREFIX = "/stand-in/"


def response(admin: Admin, request: Request) -> Response:
    """Call the method of `admin` that the path names, with the JSON object as its arguments.

    A body must be declared `application/json`, which a page in a browser can't send unasked.
    """
    name = request.path.removeprefix(PREFIX).strip("/")
    method = None if name.startswith("_") else getattr(admin, name, None)
    if not callable(method):
        return as_json({"error": f"no control {name!r}", "controls": names(admin)}, 404)
    if request.headers.get("content-type", "application/json").partition(";")[0] != "application/json":
        return as_json({"error": "send application/json"}, 415)
    if request.method not in ("GET", "POST") or (request.method == "GET" and "origin" in request.headers):
        return as_json({"error": "use POST"}, 405)
    try:
        read = json.loads(request.body or b"{}", parse_float=parse_float, parse_constant=parse_constant)
        arguments = inspect.signature(method).bind(**read)
        return as_json(method(*arguments.args, **arguments.kwargs))
    except OdooError as error:
        return as_json({"error": error.message}, 422)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return as_json({"error": f"{type(error).__name__}: {error}"}, 422)


def names(admin: Admin) -> list[str]:
    """Return the controls there are."""
    return [name for name in dir(admin) if not name.startswith("_")]
