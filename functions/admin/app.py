"""The admin function's application: finds the route of a request, authorizes it, calls its handler.

The declaration of a route (`functions.admin.route_table`) is all there is to know about it. Nothing of a request
but its path, method, headers and query is read before its key is accepted.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol
from urllib.parse import unquote

from aws_lambda_powertools import Logger

from functions.admin import access_dependencies, dependencies
from functions.admin.request import Request, invalid_parameter
from functions.admin.responses import Response, json_response
from functions.admin.route_table import ROUTES, Route
from functions.admin.route_table.path_parameters import exists
from fusion_billing.access.portal_tokens import is_token
from fusion_billing.access.principal import Principal
from fusion_billing.audit.entry import Actor, Via
from fusion_billing.audit.recorder import Recorder
from fusion_billing.errors import Fault, Forbidden, FusionError, NotFound, Refused, Unavailable
from fusion_billing.http import problem
from fusion_billing.http.api_gateway import headers_of
from fusion_billing.json_types import JsonMapping, JsonObject

Handler = Callable[..., Response]

_OPEN_PAGES = ("/portal", "/docs")
"""Pages for any address; the console is for those of `AdminAllowedCidrs`."""


class EventResponse(Protocol):
    """A response, of a route or a file."""

    def as_event(self) -> JsonObject:
        """Return the response in API Gateway's payload format 2.0."""


logger = Logger()


def resolve(event: JsonMapping) -> JsonObject:
    """Return the response to one event from API Gateway (payload format 2.0)."""
    response: EventResponse
    try:
        response = _respond(event)
    except FusionError as error:
        status, document = problem.of_error(error)
        response = _problem(status, document, problem.headers_of(status, error))
    except Exception as error:  # noqa: BLE001  responds 500 without details of the error
        response = _unexpected(error)
    shown = response.as_event()
    return _cross_origin().share(event, shown) if "origin" in headers_of(event) else shown


def handler_of(route: Route) -> Handler:
    """Return the function that serves a route, importing its module."""
    if route.handler is None:
        raise LookupError(f"{route.method} {route.path} is served by another function")
    module, _, name = route.handler.partition(".")
    found: Handler = getattr(import_module(f"functions.admin.routes.{module}"), name)
    return found


def _respond(event: Mapping[str, Any]) -> EventResponse:
    method, path = event["requestContext"]["http"]["method"], event.get("rawPath", "")
    if path.split("/", 2)[1:2] in (["console"], ["portal"], ["docs"]):
        if not path.startswith(_OPEN_PAGES):
            access_dependencies.allowed_addresses().check(event, "admin")
        file: EventResponse = import_module("functions.admin.static_files").respond(event)
        return file
    if method == "OPTIONS":
        allowance: EventResponse | None = _cross_origin().preflight(event)
        if allowance is not None:
            return allowance
    matching = [(route, found) for route in ROUTES if (found := route.match(path)) is not None]
    for route, found in matching:
        if route.method == method and route.handler is not None:
            request = _admitted(route, event)
            # API Gateway decodes every escape except %25, so what is left is decoded here.
            parameters = {name: unquote(value) for name, value in found.items()}
            _check_path(route, parameters)
            return _served(route, request, parameters)
    allowed = sorted({route.method for route, _ in matching})
    if not allowed or method in allowed:
        raise NotFound(f"No such path: {method} is not served here" if allowed else "No such path")
    return _method_not_allowed(method, allowed)


def _cross_origin() -> ModuleType:
    """Return the module that shares responses with other origins, imported when a request names one."""
    return import_module("functions.admin.cross_origin")


def _served(route: Route, request: Request, parameters: Mapping[str, str]) -> Response:
    """Return the response of the route's handler, with entries in the audit log around it if the route says so."""
    handler = handler_of(route)
    object_ = _object_of(route, request, parameters)
    if object_ is None or request.recorder is None:
        return handler(request, **parameters)
    # A body that is refused changes nothing, and is not worth an entry.
    request.recorder.note(object_, "requested", request.optional_json())
    try:
        response = handler(request, **parameters)
    except Exception as error:
        with suppress(Unavailable):  # the first entry stands
            request.recorder.note(object_, "failed", error=error.code if isinstance(error, FusionError) else "error")
        raise
    with suppress(Unavailable):
        request.recorder.note(object_, "done")
    return response


def _object_of(route: Route, request: Request, parameters: Mapping[str, str]) -> str | None:
    """Return the object of the entries around a handler; None if it has none around it."""
    if route.audited == "around":
        return route.object_of(parameters)
    source = request.query.get("source")
    if route.audited != "on_behalf" or source in {None, request.principal.source}:
        return None
    return f"usage/{source}/{parameters.get('idempotency_key', '')}"


def _recorder(
    route: Route, caller: Principal | None, query: Mapping[str, str], now: datetime, *, via_session: bool
) -> Recorder | None:
    if route.audited is None:
        return None
    actor = Actor("", "", "none")
    if caller is not None:
        bearer: Via = "jwt" if caller.person else "api_key"
        actor = Actor(caller.actor, caller.source, "session" if via_session else bearer)
    reason = query.get("reason") if "reason" in route.parameters else None
    return Recorder(dependencies.audit_log, actor, route.operation_id, now, reason or None)


def _admitted(route: Route, event: Mapping[str, Any]) -> Request:
    """Return the request once its key has the route's scope and its query is one of the route.

    Raises `Unauthenticated`, `Forbidden` (for its IP address too), and `Refused` for the query.
    """
    now = dependencies.now()
    caller = None
    headers = headers_of(event)
    # Routes without a scope authenticate by themselves, by something else than a portal token.
    is_customer = route.scope is not None and _has_portal_token(headers)
    if route.area is not None and not is_customer:
        access_dependencies.allowed_addresses().check(event, route.area)
    if route.scope is not None:
        caller = _caller(route, headers, now)
        if caller.is_admin:  # it may act for every source, on routes for usage too
            access_dependencies.allowed_addresses().check(event, "admin")
        caller.require(route.scope)
    query: dict[str, str] = event.get("queryStringParameters") or {}
    _check_query(route, query)
    via_session = "authorization" not in headers
    return Request(event, query, now, caller, _recorder(route, caller, query, now, via_session=via_session))


def _caller(route: Route, headers: Mapping[str, str], now: datetime) -> Principal:
    if not _has_portal_token(headers):
        return access_dependencies.authenticator().authenticate(headers, now)
    if not route.portal:
        raise Forbidden("A portal token does not open this route", code="portal_token_not_allowed")
    from functions.admin import portal_dependencies  # noqa: PLC0415  for requests with a portal token alone

    return portal_dependencies.authenticator().authenticate(headers, now)


def _has_portal_token(headers: Mapping[str, str]) -> bool:
    return is_token(headers.get("authorization", "").partition(" ")[2].strip())


def _check_path(route: Route, parameters: Mapping[str, str]) -> None:
    """Raise `NotFound` if nothing can exist under a path parameter; a `PUT` refuses such a name by itself."""
    for name, value in parameters.items():
        if route.method != "PUT" and not exists(name, value):
            raise NotFound(f"No such {name.removesuffix('_id')}".replace("_", " "))


def _check_query(route: Route, query: Mapping[str, str]) -> None:
    unknown = [] if route.any_query else sorted(set(query) - set(route.parameters))
    if unknown:
        faults = [Fault(name, "unknown_parameter", "Unknown query parameter") for name in unknown]
        raise Refused(faults, code="invalid_parameter")
    for name in route.required_query:
        if name not in query:
            raise invalid_parameter(name, "Query parameter is required")


def _method_not_allowed(method: str, allowed: list[str]) -> Response:
    detail = f"Method {method} is not allowed on this path; allowed: {', '.join(allowed)}"
    return _problem(405, problem.document(405, "method_not_allowed", detail), {"allow": ", ".join(allowed)})


def _unexpected(error: Exception) -> Response:
    unavailable = dependencies.as_unavailable(error)
    if unavailable is not None:
        logger.warning("unavailable", **problem.places(error))
        return _problem(*problem.of_error(unavailable))
    reference = problem.new_reference()
    logger.error("internal error", reference=reference, **problem.places(error))
    return _problem(*problem.unexpected(reference))


def _problem(status: int, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    shown = json_response(status, document, {**problem.headers_of(status), **(headers or {})})
    return Response(shown.status, shown.body, shown.headers, problem.MEDIA_TYPE)
