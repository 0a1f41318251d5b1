"""The frame of the admin function: what is told, and logged, of an error that nobody meant."""

import json
from typing import Any

import pytest

from functions.admin import app as application
from functions.admin.handler import handler
from functions.admin.resolver import Resolver
from functions.admin.routing import Router, json_answer


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
    """A route that fails by a message that quotes what was sent."""
    made = Resolver()
    made.exception_handler_manager.update_exception_handlers(
        application.app.exception_handler_manager.get_registered_handlers()
    )

    @made.get("/v1/broken")  # type: ignore[untyped-decorator, unused-ignore]
    def fail() -> None:
        raise ValueError(made.current_event.body)

    monkeypatch.setattr(application, "app", made)


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
    told = json.dumps(more) + answer["body"]
    assert "ValueError" in told
    assert not any(secret in told for secret in ("in-the-body", "in-the-query", "fb_secret"))


def test_a_request_is_logged_without_its_body_its_query_and_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr(application.logger, "info", lambda _, **more: logged.append(more))
    handler(event("/v1/health"), None)
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
def test_parameters_come_decoded_and_only_some_hold_slashes(path: str, expected: list[str] | None) -> None:
    router = Router()

    @router.get("/v1/one/<name>")
    def one(name: str) -> Any:
        return json_answer(200, ["one", name])

    @router.get("/v1/any/<any_name>")
    def any_(any_name: str) -> Any:
        return json_answer(200, ["any", any_name])

    resolver = Resolver()
    resolver.include_router(router)
    answer = resolver.resolve(event(path), None)  # type: ignore[arg-type]
    assert answer["statusCode"] == (404 if expected is None else 200)
    if expected is not None:
        assert json.loads(answer["body"]) == expected
