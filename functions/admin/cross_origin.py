"""Let pages of the origins in `PORTAL_ORIGINS` read with a portal token (CORS), and nothing else.

Only routes that a portal token opens are shared. Cookies are not: no response allows credentials, so a session of the
console is of no use to another origin.
"""

from collections.abc import Mapping

from functions.admin.responses import Response
from functions.admin.route_table import ROUTES
from fusion_billing import settings
from fusion_billing.http.api_gateway import headers_of
from fusion_billing.json_types import JsonMapping, JsonObject

_NO_CONTENT = 204
_REMEMBERED_SECONDS = "600"
_METHOD = "GET"


def preflight(event: JsonMapping) -> Response | None:
    """Return the response to a browser that asks whether a page may send a request; None if it may not."""
    shared = _shared(event)
    if not shared or headers_of(event).get("access-control-request-method") != _METHOD:
        return None
    allowed = {"access-control-allow-methods": _METHOD, "access-control-allow-headers": "authorization"}
    return Response(_NO_CONTENT, headers={**shared, **allowed, "access-control-max-age": _REMEMBERED_SECONDS})


def share(event: JsonMapping, response: JsonObject) -> JsonObject:
    """Return the response with the headers that let a page of an allowed origin read it."""
    shared = _shared(event)
    return {**response, "headers": {**response["headers"], **shared}} if shared else response


def _shared(event: JsonMapping) -> Mapping[str, str]:
    """Return the headers that share a response with the origin of a request; none if it is not shared."""
    origin = headers_of(event).get("origin", "")
    if origin not in settings.text("PORTAL_ORIGINS", "").replace(",", " ").split():
        return {}
    path = event.get("rawPath", "")
    is_open = any(route.portal and route.method == _METHOD and route.match(path) is not None for route in ROUTES)
    return {"access-control-allow-origin": origin, "vary": "origin"} if is_open else {}
