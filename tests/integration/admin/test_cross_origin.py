"""Pages of allowed origins read with a portal token; nothing else is shared with another origin."""

from typing import Any

import pytest

ORIGIN = "https://app.example.com"
PATH = "/v1/subscriptions/42/usage"


@pytest.fixture(autouse=True)
def _allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_ORIGINS", f"https://first.example.com,{ORIGIN}")


def preflight(admin: Any, path: str = PATH, origin: str = ORIGIN, method: str = "GET") -> Any:
    headers = {"origin": origin, "access-control-request-method": method}
    return admin.call("OPTIONS", path, key="", headers=headers)


def shared_with(answer: Any) -> Any:
    return answer.headers.get("access-control-allow-origin")


def test_a_page_of_an_allowed_origin_may_send_a_token(admin: Any) -> None:
    answer = preflight(admin)
    assert answer.status == 204
    assert shared_with(answer) == ORIGIN
    assert answer.headers["access-control-allow-headers"] == "authorization"
    assert answer.headers["access-control-allow-methods"] == "GET"
    assert answer.headers["vary"] == "origin"


def test_a_response_is_shared_whether_it_succeeds_or_not(admin: Any) -> None:
    assert shared_with(admin.get(PATH, headers={"origin": ORIGIN})) == ORIGIN
    refused = admin.get(PATH, key="", headers={"origin": ORIGIN})
    assert (refused.status, shared_with(refused)) == (401, ORIGIN)


@pytest.mark.parametrize(
    ("path", "origin", "method"),
    [
        (PATH, "https://other.example.com", "GET"),
        (PATH, "https://app.example.com.evil.example", "GET"),
        (PATH, "null", "GET"),
        (PATH, ORIGIN, "DELETE"),
        ("/v1/sources", ORIGIN, "GET"),
        ("/v1/subscriptions", ORIGIN, "GET"),
        ("/v1/sessions", ORIGIN, "POST"),
        ("/v1/portal-tokens", ORIGIN, "POST"),
    ],
)
def test_nothing_else_is_shared(admin: Any, path: str, origin: str, method: str) -> None:
    answer = preflight(admin, path, origin, method)
    assert answer.status == 405
    assert method != "GET" or shared_with(answer) is None or (path, origin) == (PATH, ORIGIN)
    assert "access-control-allow-methods" not in answer.headers


def test_cookies_are_never_shared(admin: Any) -> None:
    for answer in (preflight(admin), admin.get(PATH, headers={"origin": ORIGIN})):
        assert "access-control-allow-credentials" not in answer.headers


def test_no_origin_is_allowed_by_default(admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTAL_ORIGINS")
    assert shared_with(preflight(admin)) is None
    assert shared_with(admin.get(PATH, headers={"origin": ""})) is None
