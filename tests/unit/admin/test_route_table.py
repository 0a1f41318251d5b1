"""Every declared route has a handler, is found by its own path, and authorizes before it does anything."""

import inspect
import json
import pkgutil
from typing import Any

import pytest

from functions.admin import access_dependencies, app, dependencies, routes
from functions.admin.route_table import ROUTES, Route
from fusion_billing.access.principal import ADMIN, SCOPES, Principal
from fusion_billing.errors import Unauthenticated

SERVED = [route for route in ROUTES if route.handler is not None]
GUARDED = [route for route in SERVED if route.scope is not None]


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def event(route: Route) -> dict[str, Any]:
    path = "/".join("x" if word.startswith("{") else word for word in route.path.split("/"))
    return {"rawPath": path, "headers": {}, "requestContext": {"http": {"method": route.method, "path": path}}}


class Keys:
    """An authenticator that knows one caller, or none."""

    def __init__(self, caller: Principal | None) -> None:
        self.caller = caller

    def authenticate(self, *_: object) -> Principal:
        if self.caller is None:
            raise Unauthenticated("Invalid API key", code="missing_key")
        return self.caller


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every dependency but the authenticator that was asked for, and every handler that was called."""
    names: list[str] = []
    monkeypatch.setattr(dependencies, "dynamodb", lambda: names.append("dynamodb"))
    monkeypatch.setattr(dependencies, "sqs", lambda: names.append("sqs"))

    def handler_of(route: Route) -> app.Handler:
        names.append(name_of(route))
        raise AssertionError

    monkeypatch.setattr(app, "handler_of", handler_of)
    return names


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_a_route_does_nothing_without_a_key(route: Route, touched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_dependencies, "authenticator", lambda: Keys(None))
    assert app.resolve(event(route))["statusCode"] == 401
    assert touched == []


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_a_route_does_nothing_for_a_key_with_every_scope_but_its_own(
    route: Route, touched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = Principal("key", "src", SCOPES - {route.scope, ADMIN})
    monkeypatch.setattr(access_dependencies, "authenticator", lambda: Keys(caller))
    response = app.resolve(event(route))
    assert (response["statusCode"], json.loads(response["body"])["code"]) == (403, "missing_scope")
    assert touched == []


def test_only_health_the_document_and_signing_in_are_open() -> None:
    open_paths = {route.path for route in SERVED if route.scope is None}
    assert open_paths == {
        *("/v1/health", "/openapi.json", "/v1/sessions"),
        *("/v1/sessions/oidc", "/v1/sessions/oidc/callback"),
    }


def test_every_scope_of_a_route_exists() -> None:
    assert {route.scope for route in GUARDED} <= SCOPES


@pytest.mark.parametrize("route", SERVED, ids=name_of)
def test_a_route_has_a_handler_that_takes_its_path_parameters(route: Route) -> None:
    parameters = [word.strip("{+}") for word in route.path.split("/") if word.startswith("{")]
    assert list(inspect.signature(app.handler_of(route)).parameters) == ["request", *parameters]


@pytest.mark.parametrize("route", SERVED, ids=name_of)
def test_a_route_is_found_by_its_own_path(route: Route) -> None:
    path = event(route)["rawPath"]
    found = next(known for known in ROUTES if known.method == route.method and known.match(path) is not None)
    assert found is route


def test_every_handler_module_belongs_to_a_route() -> None:
    modules = {module.name for module in pkgutil.iter_modules(routes.__path__)}
    assert modules == {str(route.handler).partition(".")[0] for route in SERVED}


def test_required_parameters_are_parameters() -> None:
    assert all(set(route.required_query) <= set(route.query) for route in ROUTES)
