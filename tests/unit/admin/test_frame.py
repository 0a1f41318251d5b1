"""The frame of the admin function: what is shown, and logged, of an error that nobody meant."""

import json
from typing import Any

import pytest

from functions.admin import app as application
from functions.admin.handler import handler
from functions.admin.request import Request
from functions.admin.responses import Response, json_response
from functions.admin.route_table import Route


def event(path: str, method: str = "GET") -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "headers": {"authorization": "Bearer fb_secret"},
        "queryStringParameters": {"quantity": "in-the-query"},
        "body": '{"quantity": "in-the-body"}',
        "isBase64Encoded": False,
        "requestContext": {"stage": "$default", "requestId": "r1", "http": {"method": method, "path": path}},
    }


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A route that fails with a message that quotes the request."""
    route = Route("GET", "/v1/broken", "broken.fail", None, "Fail", {200: None}, query=("quantity",))

    def fail(request: Request) -> Response:
        raise ValueError(request.event["body"])

    monkeypatch.setattr(application, "ROUTES", (route,))
    monkeypatch.setattr(application, "handler_of", lambda _: fail)


@pytest.mark.usefixtures("broken")
def test_an_unexpected_error_is_a_500_with_a_reference_and_nothing_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(application.logger, "error", lambda text, **more: logged.append((text, more)))
    answer = handler(event("/v1/broken"), None)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["code"]) == (500, "internal_error")
    assert set(problem) == {"type", "title", "status", "detail", "code", "reference"}
    ((_, more),) = logged
    assert more["reference"] == problem["reference"]
    shown = json.dumps(more) + answer["body"]
    assert "ValueError" in shown
    assert not any(secret in shown for secret in ("in-the-body", "in-the-query", "fb_secret"))


def test_a_request_is_logged_without_its_body_its_query_and_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr(application.logger, "info", lambda _, **more: logged.append(more))
    handler({**event("/v1/health"), "queryStringParameters": {}}, None)
    assert logged[0]["path"] == "/v1/health"
    assert logged[0]["status"] == 200
    assert not any(secret in json.dumps(logged) for secret in ("in-the-body", "in-the-query", "fb_secret"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/one/a", ["one", "a"]),
        ("/v1/one/a%2525", ["one", "a%25"]),
        ("/v1/one/a%2Fb", ["one", "a/b"]),
        ('/v1/one/ä "#+', ["one", 'ä "#+']),
        ("/v1/one/a\n", ["one", "a\n"]),
        ("/v1/any/a/b//c", ["any", "a/b//c"]),
        ("/v1/one/a/b", None),
        ("/v1/one/", None),
        ("/v1/any/", None),
    ],
)
def test_path_parameters_are_decoded_and_only_a_greedy_one_holds_slashes(
    monkeypatch: pytest.MonkeyPatch, path: str, expected: list[str] | None
) -> None:
    routes = (
        Route("GET", "/v1/one/{name}", "one.one", None, "", {200: None}),
        Route("GET", "/v1/any/{name+}", "any.any", None, "", {200: None}),
    )
    monkeypatch.setattr(application, "ROUTES", routes)
    monkeypatch.setattr(application, "exists", lambda *_: True)
    monkeypatch.setattr(
        application,
        "handler_of",
        lambda route: lambda _, name: json_response(200, [str(route.handler).partition(".")[0], name]),
    )
    response = application.resolve({**event(path), "queryStringParameters": {}})
    assert response["statusCode"] == (404 if expected is None else 200)
    if expected is not None:
        assert json.loads(response["body"]) == expected


def test_a_route_of_another_function_is_named_but_not_served() -> None:
    response = application.resolve({**event("/v1/usage", "PUT"), "queryStringParameters": {}})
    assert response["headers"]["allow"] == "GET, POST"
    assert "allowed: GET, POST" in json.loads(response["body"])["detail"]
    assert application.resolve({**event("/v1/usage", "POST")})["statusCode"] == 404


def test_an_unknown_query_parameter_is_refused_by_name() -> None:
    response = application.resolve(event("/v1/health"))
    assert response["statusCode"] == 400
    assert json.loads(response["body"])["errors"][0]["field"] == "quantity"
