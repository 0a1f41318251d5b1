"""The document itself, built once per container."""

import re
from functools import cache
from http import HTTPStatus
from typing import Any

from functions.admin.route_table import ROUTES_BY_TAG, Route
from functions.admin.route_table.path_parameters import PATTERNS
from functions.admin.services.openapi.catalog_schemas import catalog_schemas
from functions.admin.services.openapi.describing import Describing, operation_text, parameter_texts
from functions.admin.services.openapi.operation_texts import TAGS
from functions.admin.services.openapi.portable import name_of, portable
from functions.admin.services.openapi.problems import problem_responses
from functions.admin.services.openapi.rating_list_schemas import PAGE_MEMBERS
from functions.admin.services.openapi.schema_parts import ref
from functions.admin.services.openapi.schemas import schemas
from fusion_billing import __version__
from fusion_billing.access.sessions import COOKIE
from fusion_billing.catalog.identifiers import DEFAULT_PAGE, MAX_PAGE
from fusion_billing.json_types import JsonObject
from fusion_billing.webhooks.events.registry import EVENT_TYPES


@cache
def document() -> JsonObject:
    """Return the OpenAPI 3.1 document; callers must not change it."""
    paths: dict[str, dict[str, Any]] = {}
    describing = Describing(schemas() | catalog_schemas())
    for tag, routes in ROUTES_BY_TAG:
        for route in routes:
            paths.setdefault(route.template, {})[route.method.lower()] = _operation(route, tag, describing)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fusion Billing",
            "version": __version__,
            "description": "Counts usage, rates it, and bills the overage on Odoo subscriptions.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag, "description": TAGS[tag]} for tag, _ in ROUTES_BY_TAG],
        "paths": portable(paths),
        "webhooks": {name: portable(_webhook(name, describing)) for name in EVENT_TYPES},
        "components": {
            "schemas": {
                name_of(name): portable(schema) for name, schema in (describing.schemas() | _events(describing)).items()
            },
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "bearerFormat": "fb_<id>_<secret>"},
                "portal": {"type": "http", "scheme": "bearer", "bearerFormat": "fbp1.<...>"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
    }


def _operation(route: Route, tag: str, describing: Describing) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "description": operation_text(route),
        "tags": [tag],
        "security": _security(route),
        "parameters": _parameters(route),
        "responses": {str(status): _answer(route, status, describing) for status in route.responses}
        | problem_responses(route),
    }
    if route.body is not None:
        found["requestBody"] = {
            "required": route.body_required,
            "content": {"application/json": _with_example(ref(route.body), describing)},
        }
    return found


def _with_example(schema: dict[str, Any], describing: Describing) -> dict[str, Any]:
    return {"schema": schema, "example": describing.example(schema)}


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.scope is None:
        return []
    portal: list[dict[str, list[str]]] = [{"portal": []}] if route.portal else []
    return [{"key": [route.scope]}, {"session": [route.scope]}, *portal]


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = [
        {
            "name": name,
            "in": "path",
            "required": True,
            **parameter_texts(name),
            "schema": {"type": "string", "pattern": f"^{PATTERNS[name]}$"},
        }
        for name in re.findall(r"\{(\w+)\}", route.template)
    ]
    found += [
        {
            "name": name,
            "in": "query",
            "required": name in route.required_query,
            **parameter_texts(name),
            "schema": _query_schema(route, name),
        }
        for name in route.parameters
    ]
    found += [
        {"name": name, "in": "header", **parameter_texts(name), "schema": {"type": "string"}} for name in route.headers
    ]
    for parameter in found:
        if parameter["name"] in route.choices:
            parameter["example"] = route.choices[parameter["name"]][0]
    return found


def _query_schema(route: Route, name: str) -> dict[str, Any]:
    if name == "limit":
        return _LIMIT
    if name in route.choices:
        choices = route.choices[name]
        return {"type": "string", "enum": list(choices), "default": choices[0]}
    return {"type": "string"}


_LIMIT = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE}


def _answer(route: Route, status: int, describing: Describing) -> dict[str, Any]:
    name = route.responses[status]
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if name is not None:
        schema = describing.inline(_page(ref(name), route.page_members), "Page") if route.paged else ref(name)
        response["content"] = {"application/json": _with_example(schema, describing)}
        if route.csv:
            response["content"]["text/csv"] = {"schema": {"type": "string"}, "example": "id,amount\n42,1.00\n"}
    return response


def _page(items: dict[str, Any], members: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["items", "cursor", *members],
        "properties": {
            **{name: PAGE_MEMBERS[name] for name in members},
            "items": {"type": "array", "items": items},
            "cursor": {
                "type": ["string", "null"],
                "description": "The cursor of the next page; null on the last page",
                "examples": [None],
            },
        },
    }


def _events(describing: Describing) -> dict[str, dict[str, Any]]:
    """Return the schemas of webhooks' bodies."""
    found = {}
    for name in EVENT_TYPES:
        schema = describing.inline(_event(name), name)
        found[_event_name(name)] = schema | {"examples": [describing.example(schema)]}
    return found


def _event_name(name: str) -> str:
    return "".join(word.capitalize() for word in re.split(r"\W|_", name)) + "Event"


def _event(name: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": name},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": ref(EVENT_TYPES[name].model.__name__),
        },
    }


def _webhook(name: str, describing: Describing) -> dict[str, Any]:
    event = EVENT_TYPES[name]
    example = describing.example(describing.inline(_event(name), name))
    return {
        "post": {
            "operationId": f"receive_{name.replace('.', '_')}",
            "summary": event.summary,
            "description": event.summary,
            "tags": ["Webhooks"],
            "security": [],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ref(_event_name(name)), "example": example}},
            },
            "responses": {"2XX": {"description": "Received; the delivery is retried after any other response"}},
        }
    }
