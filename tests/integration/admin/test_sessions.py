"""Sessions of the console: an API key is exchanged for a cookie that scripts can't read."""

from datetime import timedelta
from typing import Any

import pytest

from fusion_billing.access.sessions import COOKIE, LIFETIME, MAX_SESSIONS

HEADER = {"fusion-session": "1"}


def sign_in(admin: Any, key: str) -> dict[str, str]:
    """Return the headers that the console sends after it has signed in with `key`."""
    answer = admin.post("/v1/sessions", {"key": key}, key="")
    assert answer.status == 201, answer.json
    value, *attributes = answer.headers["set-cookie"].split("; ")
    assert set(attributes) == {"Path=/", f"Max-Age={8 * 3600}", "Secure", "HttpOnly", "SameSite=Strict"}
    return {**HEADER, "cookie": value}


def test_a_session_may_do_what_its_key_may(admin: Any) -> None:
    key = admin.key("catalog:read", source="src_reader")
    session = sign_in(admin, key)
    assert admin.get("/v1/metrics", key="", headers=session).status == 200
    denied = admin.get("/v1/lines", key="", headers=session)
    assert (denied.status, denied.code) == (403, "missing_scope")
    shown = admin.get("/v1/sessions", key="", headers=session).json
    assert shown == {
        "source": "src_reader",
        "source_name": "test",
        "key_id": key.split("_")[1],
        "scopes": ["catalog:read"],
    }


def test_neither_response_nor_stored_item_holds_the_secret_in_clear(admin: Any) -> None:
    key = admin.key("catalog:read", source="src_reader")
    answer = admin.post("/v1/sessions", {"key": key}, key="")
    secret = answer.headers["set-cookie"].split("; ")[0].rpartition(".")[2]
    stored = admin.keys.get(key.split("_")[1])
    assert secret not in str(answer.json)
    assert secret not in str(stored)
    assert stored.sessions


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid"),
        ({"key": 1}, 422, "invalid"),
        ({"key": " "}, 422, "invalid"),
        ({"key": "fb_x", "more": 1}, 422, "invalid"),
        ({"key": "nonsense"}, 401, "malformed_key"),
        ({"key": f"fb_aaaaaaaaaaaaaaaa_{'s' * 43}"}, 401, "unknown_key"),
    ],
)
def test_signing_in_needs_a_valid_key(admin: Any, body: Any, status: int, code: str) -> None:
    refused = admin.post("/v1/sessions", body, key="")
    assert (refused.status, refused.code) == (status, code)
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize(
    "headers", [{}, {**HEADER, "sec-fetch-site": "cross-site"}, {**HEADER, "sec-fetch-site": "same-site"}]
)
def test_a_page_of_another_site_can_neither_sign_in_nor_use_a_session_nor_end_it(
    admin: Any, headers: dict[str, str]
) -> None:
    key = admin.key("admin", source="src_reader")
    cookie = sign_in(admin, key)["cookie"]
    for method, path in (
        ("POST", "/v1/sessions"),
        ("GET", "/v1/metrics"),
        ("POST", "/v1/sources"),
        ("DELETE", "/v1/sessions"),
    ):
        body = {"key": key} if path == "/v1/sessions" and method == "POST" else None
        refused = admin.call(method, path, body, key="", headers={**headers, "cookie": cookie})
        assert (refused.status, refused.code) == (403, "cross_site_request"), path
    assert admin.get("/v1/metrics", key="", headers={**HEADER, "cookie": cookie}).status == 200


def test_a_session_ends_when_its_key_is_revoked(admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.admin.routes.sources.time.sleep", lambda _: None)
    monkeypatch.setattr("functions.admin.access_dependencies.authenticator", _without_cache(admin))
    key = admin.key("admin", source="src_reader")
    session = sign_in(admin, key)
    admin.delete(f"/v1/keys/{key.split('_')[1]}")
    refused = admin.get("/v1/metrics", key="", headers=session)
    assert (refused.status, refused.code) == (401, "session_expired")


def test_a_session_ends_after_eight_hours(admin: Any) -> None:
    session = sign_in(admin, admin.key("admin", source="src_reader"))
    admin.now += LIFETIME - timedelta(seconds=1)
    assert admin.get("/v1/metrics", key="", headers=session).status == 200
    admin.now += timedelta(seconds=1)
    assert admin.get("/v1/metrics", key="", headers=session).code == "session_expired"


def test_signing_out_ends_the_session_for_whoever_copied_its_cookie(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.admin.access_dependencies.authenticator", _without_cache(admin))
    key = admin.key("admin", source="src_reader")
    session, other = sign_in(admin, key), sign_in(admin, key)
    out = admin.delete("/v1/sessions", key="", headers=session)
    assert out.status == 204
    assert out.headers["set-cookie"].startswith(f"{COOKIE}=; ")
    assert admin.get("/v1/metrics", key="", headers=session).code == "session_expired"
    assert admin.get("/v1/metrics", key="", headers=other).status == 200
    assert admin.delete("/v1/sessions", key="", headers=session).status == 204
    assert admin.delete("/v1/sessions", key="").status == 204


@pytest.mark.parametrize("change", [lambda value: value[:-1] + "-", lambda value: value + "x", lambda _: "x"])
def test_a_forged_cookie_is_refused(admin: Any, change: Any) -> None:
    session = sign_in(admin, admin.key("admin", source="src_reader"))
    name, _, value = session["cookie"].partition("=")
    changed = change(value)
    if changed != value:
        refused = admin.get("/v1/metrics", key="", headers={**HEADER, "cookie": f"{name}={changed}"})
        assert (refused.status, refused.code) == (401, "session_expired")


def test_a_session_begun_elsewhere_counts_though_the_key_is_cached(admin: Any) -> None:
    key = admin.key("catalog:read", source="src_reader")
    assert admin.get("/v1/metrics", key=key).status == 200  # caches the key without the session
    assert admin.get("/v1/metrics", key="", headers=sign_in(admin, key)).status == 200


def test_the_oldest_session_of_a_key_ends_when_there_are_too_many(admin: Any) -> None:
    key = admin.key("catalog:read", source="src_reader")
    sessions = []
    for _ in range(MAX_SESSIONS + 2):
        sessions.append(sign_in(admin, key))
        admin.now += timedelta(minutes=1)
    live = [admin.get("/v1/metrics", key="", headers=session).status == 200 for session in sessions]
    assert live == [False, False, *[True] * MAX_SESSIONS]
    assert len(admin.keys.get(key.split("_")[1]).sessions) == MAX_SESSIONS


def test_nobody_is_signed_in_without_a_cookie(admin: Any) -> None:
    assert admin.get("/v1/sessions", key="").status == 204


def test_a_key_in_the_header_goes_before_a_cookie(admin: Any) -> None:
    assert admin.get("/v1/lines", headers={"cookie": f"{COOKIE}=nonsense"}).status == 200


def _without_cache(admin: Any) -> Any:
    from fusion_billing.http.authentication import Authenticator  # noqa: PLC0415

    return lambda: Authenticator(admin.keys, lambda: 0.0)
