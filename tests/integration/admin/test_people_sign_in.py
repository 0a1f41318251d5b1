"""Signing in to the console at an issuer on this machine, and what attackers try on the way."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest

from functions.admin import dependencies
from fusion_billing.access.sessions import COOKIE, LIFETIME
from fusion_billing.errors import Unavailable
from fusion_billing.oidc import sign_in
from tests.fakes.oidc_issuer import FakeIssuer, rsa_key
from tests.integration.admin.known_issuer import forget, known_issuer

pytestmark = pytest.mark.integration

CALLBACK = "https://billing.example.com/v1/sessions/oidc/callback"


@pytest.fixture
def issuer(admin: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeIssuer]:
    """An issuer that the console offers."""
    with known_issuer(admin.now.timestamp(), monkeypatch, OIDC_REDIRECT_URL=CALLBACK) as made:
        yield made


class Browser:
    """A browser: it keeps cookies and follows the way to the issuer and back, step by step."""

    def __init__(self, admin: Any, issuer: FakeIssuer) -> None:
        self.admin = admin
        self.issuer = issuer
        self.cookies: dict[str, str] = {}

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.admin.get(path, query=query, key="", headers={"cookie": cookie})
        name, equals, value = answer.headers.get("set-cookie", "").split("; ")[0].partition("=")
        if equals:
            self.cookies[name] = value
        return answer

    def begin(self, return_to: str = "#/sources") -> str:
        """Return the address at the issuer that the browser is sent to."""
        answer = self.get("/v1/sessions/oidc", {"return_to": return_to})
        assert answer.status == 302
        return str(answer.headers["location"])

    def finish(self, address: str) -> str:
        """Return where the browser is sent from the callback."""
        answer = self.get("/v1/sessions/oidc/callback", dict(parse_qsl(urlsplit(address).query)))
        assert answer.status == 302
        return str(answer.headers["location"])

    @property
    def is_signed_in(self) -> bool:
        return COOKIE in self.cookies

    def session(self) -> Any:
        headers = {"fusion-session": "1", "cookie": f"{COOKIE}={self.cookies[COOKIE]}"}
        return self.admin.get("/v1/sessions", key="", headers=headers)


@pytest.fixture
def browser(admin: Any, issuer: FakeIssuer) -> Browser:
    """A browser without cookies."""
    return Browser(admin, issuer)


def test_a_person_signs_in_and_comes_back_to_the_screen(browser: Browser) -> None:
    assert browser.finish(browser.issuer.authorize(browser.begin("#/subscriptions/42?period=x"))) == (
        "../../../console#/subscriptions/42?period=x"
    )
    shown = browser.session().json
    assert (shown["source"], shown["source_name"], shown["scopes"]) == ("src_people", "ada@example.com", ["admin"])


def test_the_request_to_the_issuer_has_what_the_flow_needs(browser: Browser) -> None:
    address = browser.begin()
    query = dict(parse_qsl(urlsplit(address).query))
    assert address.startswith(f"{browser.issuer.url}/authorize?")
    assert (query["client_id"], query["redirect_uri"]) == ("billing-console", CALLBACK)
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    assert query["scope"] == "openid email profile"
    assert len({query["state"], query["nonce"], query["code_challenge"]}) == 3


def test_each_sign_in_has_secrets_of_its_own_in_a_cookie_that_scripts_cannot_read(browser: Browser) -> None:
    first, second = (dict(parse_qsl(urlsplit(browser.begin()).query)) for _ in range(2))
    assert all(first[name] != second[name] for name in ("state", "nonce", "code_challenge"))
    _, *attributes = browser.get("/v1/sessions/oidc").headers["set-cookie"].split("; ")
    assert set(attributes) == {"Path=/", "Max-Age=600", "Secure", "HttpOnly", "SameSite=Lax"}


def test_the_session_is_one_of_the_console(browser: Browser) -> None:
    answer = browser.get(
        "/v1/sessions/oidc/callback",
        dict(parse_qsl(urlsplit(browser.issuer.authorize(browser.begin())).query)) | {"session_state": "x"},
    )
    _, *attributes = answer.headers["set-cookie"].split("; ")
    assert set(attributes) == {"Path=/", f"Max-Age={8 * 3600}", "Secure", "HttpOnly", "SameSite=Strict"}
    browser.admin.now += LIFETIME
    assert browser.session().status == 401


def sign_in_as(browser: Browser, **claims: object) -> str:
    browser.issuer.person |= claims
    return browser.finish(browser.issuer.authorize(browser.begin()))


def test_what_a_person_may_do_follows_the_claims_of_the_last_sign_in(
    browser: Browser, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_SUBSCRIPTION_CLAIM", "subscriptions")
    forget()
    sign_in_as(browser, groups=["billing-readers"], subscriptions=["42"])
    first = browser.session().json
    assert (first["scopes"], first["subscriptions"]) == (["catalog:read", "ratings:read"], ["42"])
    monkeypatch.setenv("OIDC_SUBSCRIPTION_CLAIM", "")
    forget()
    elsewhere = Browser(admin, browser.issuer)
    sign_in_as(elsewhere, groups=["billing-admins"])
    admin.now += timedelta(seconds=2)
    forget()
    for shown in (browser.session().json, elsewhere.session().json):
        assert (shown["scopes"], "subscriptions" in shown) == (["admin"], False)


def test_a_person_without_a_mapped_group_is_told_so(browser: Browser) -> None:
    assert sign_in_as(browser, groups=["sales"]) == "../../../console?sign_in=no_access"
    assert not browser.is_signed_in


def test_the_audit_log_names_the_person(browser: Browser, admin: Any) -> None:
    sign_in_as(browser)
    headers = {"fusion-session": "1", "cookie": f"{COOKIE}={browser.cookies[COOKIE]}"}
    body = {"name": "API calls", "unit": "call", "aggregation": "sum"}
    assert admin.put("/v1/metrics/calls", body, key="", headers=headers).status == 201
    entries = admin.get("/v1/audit").json["items"]
    key_id = browser.session().json["key_id"]
    assert {(entry["object"], entry["actor"], entry["via"]) for entry in entries} == {
        ("metrics/calls", "ada@example.com", "session"),
        (f"sessions/{key_id}", "ada@example.com", "session"),
    }


def test_deleting_the_key_of_a_person_ends_the_sessions_for_good(
    browser: Browser, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.admin.routes.sources.time.sleep", lambda _: None)
    sign_in_as(browser)
    assert admin.delete(f"/v1/keys/{browser.session().json['key_id']}").status == 204
    forget()
    assert browser.session().status == 401
    again = Browser(admin, browser.issuer)
    sign_in_as(again)
    forget()
    assert (again.session().status, browser.session().status) == (200, 401)


def test_no_api_key_opens_what_a_person_may(browser: Browser, admin: Any) -> None:
    sign_in_as(browser)
    key_id = browser.session().json["key_id"]
    assert admin.get("/v1/metrics", key=f"fb_{key_id}_{'a' * 43}").code == "unknown_key"


def test_the_callback_needs_the_browser_that_began(browser: Browser, admin: Any) -> None:
    address = browser.issuer.authorize(browser.begin())
    victim = Browser(admin, browser.issuer)
    assert victim.finish(address) == "../../../console?sign_in=sign_in_expired"
    victim.begin()
    assert victim.finish(address) == "../../../console?sign_in=invalid_state"
    assert not victim.is_signed_in
    for state in ("", "x", "é" * 43):
        query = dict(parse_qsl(urlsplit(address).query)) | {"state": state}
        assert browser.finish(f"{CALLBACK}?{urlencode(query)}") == "../../../console?sign_in=invalid_state"
    assert not browser.is_signed_in


def test_a_state_ends_one_sign_in_only(browser: Browser, admin: Any) -> None:
    address = browser.begin()
    stolen = dict(browser.cookies)
    assert browser.finish(browser.issuer.authorize(address)).endswith("#/sources")
    replayed = Browser(admin, browser.issuer)
    replayed.cookies = stolen
    assert replayed.finish(browser.issuer.authorize(address)) == "../../../console?sign_in=invalid_state"
    assert not replayed.is_signed_in


def test_a_jwt_with_fewer_rights_does_not_begin_a_session_with_those_of_an_earlier_sign_in(
    browser: Browser, admin: Any
) -> None:
    sign_in_as(browser)
    token = browser.issuer.token(admin.now.timestamp(), groups=["billing-readers"])
    begun = admin.post("/v1/sessions", {"key": token}, key="", headers={"fusion-session": "1"})
    assert (begun.status, "set-cookie" in begun.headers) == (401, False)


def test_a_new_limit_of_the_source_holds_for_sessions_of_people_at_once(
    browser: Browser, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.admin.routes.sources.time.sleep", lambda _: None)
    sign_in_as(browser)
    assert "metrics" not in browser.session().json
    body = {"name": "API calls", "unit": "call", "aggregation": "sum"}
    assert admin.put("/v1/metrics/calls", body).status == 201
    assert admin.patch("/v1/sources/src_people", {"metrics": ["calls"]}).status == 200
    forget()
    assert browser.session().json["metrics"] == ["calls"]


def test_sessions_of_people_end_when_the_issuer_is_taken_away(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in_as(browser)
    monkeypatch.setenv("OIDC_ISSUER", "")
    forget()
    assert browser.session().status == 401


def test_half_a_surrogate_pair_is_no_secret(browser: Browser) -> None:
    address = browser.issuer.authorize(browser.begin())
    query = dict(parse_qsl(urlsplit(address).query))
    for name, code in (("state", "invalid_state"), ("code", "code_refused")):
        answer = browser.get("/v1/sessions/oidc/callback", query | {name: "\ud800"})
        assert answer.headers["location"] == f"../../../console?sign_in={code}"
    browser.issuer.id_token = {"nonce": "\ud800"}
    assert browser.finish(address) == "../../../console?sign_in=invalid_jwt"


def test_the_query_of_the_way_back_is_no_reason_in_the_audit_log(browser: Browser, admin: Any) -> None:
    browser.finish(f"{browser.issuer.authorize(browser.begin())}&reason=forged")
    [entry] = admin.get("/v1/audit").json["items"]
    assert "reason" not in entry


def test_a_sign_in_that_cannot_be_logged_leads_back(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object, entry: object) -> None:
        raise Unavailable("down")

    monkeypatch.setattr("fusion_billing.dynamodb.audit.audit_log.AuditLog.put", refuse)
    assert browser.finish(browser.issuer.authorize(browser.begin())) == "../../../console?sign_in=unavailable"
    assert not browser.is_signed_in


def test_two_first_sign_ins_at_once_both_have_a_session(
    browser: Browser, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Browser(admin, browser.issuer)
    client = dependencies.dynamodb()
    put_item = client.put_item
    began: list[bool] = []

    def put_after_the_other(**request: Any) -> Any:
        if request["TableName"] == admin.keys._table and "person" in request["Item"] and not began:
            began.append(True)
            sign_in_as(other)
        return put_item(**request)

    monkeypatch.setattr(client, "put_item", put_after_the_other)
    sign_in_as(browser)
    assert began
    assert (browser.session().status, other.session().status) == (200, 200)


def test_a_code_is_good_once(browser: Browser, admin: Any) -> None:
    address = browser.issuer.authorize(browser.begin())
    again = Browser(admin, browser.issuer)
    again.cookies = dict(browser.cookies)
    browser.finish(address)
    assert again.finish(address) == "../../../console?sign_in=code_refused"


def test_a_sign_in_takes_ten_minutes_at_most(browser: Browser, admin: Any) -> None:
    address = browser.issuer.authorize(browser.begin())
    admin.now += sign_in.LIFETIME
    assert browser.finish(address) == "../../../console?sign_in=sign_in_expired"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example.com",
        "//evil.example.com",
        "/\\evil.example.com",
        "#/x\r\nset-cookie: a=b",
        "javascript:alert(1)",
        "#https://evil.example.com",
        "../../evil",
        "#/<script>",
        "#/" + "x" * 500,
        "",
    ],
)
def test_the_way_back_leads_to_the_console_only(browser: Browser, target: str) -> None:
    assert browser.finish(browser.issuer.authorize(browser.begin(target))) == "../../../console#/"


def test_a_forged_cookie_leads_nowhere_else(browser: Browser) -> None:
    address = browser.issuer.authorize(browser.begin())
    parts = browser.cookies[sign_in.COOKIE].split(".")
    for screen in ("aHR0cHM6Ly9ldmlsLmV4YW1wbGUuY29t", "Ly9ldmls", "A", "_-_-_"):
        browser.cookies[sign_in.COOKIE] = ".".join([*parts[:4], screen])
        location = browser.finish(address)
        assert location.startswith(("../../../console#/", "../../../console?sign_in="))
    for value in ("", "x", "a.b.c.d.e", f"{'.'.join(parts[:3])}.{'9' * 12}.IyA"):
        browser.cookies[sign_in.COOKIE] = value
        assert "sign_in=" in browser.finish(address)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"nonce": "other"}, "invalid_jwt"),
        ({"nonce": None}, "invalid_jwt"),
        ({"aud": "billing-api"}, "invalid_jwt"),
        ({"aud": ["billing-console", "x"], "azp": "x"}, "invalid_jwt"),
        ({"iss": "https://evil.example.com"}, "invalid_jwt"),
        ({"exp": 1}, "expired_jwt"),
        ({"key": rsa_key(2)}, "invalid_jwt"),
    ],
)
def test_an_id_token_is_checked(browser: Browser, claims: dict[str, object], code: str) -> None:
    browser.issuer.id_token = claims
    assert browser.finish(browser.issuer.authorize(browser.begin())) == f"../../../console?sign_in={code}"
    assert not browser.is_signed_in


def test_a_refusal_of_the_issuer_is_shown(browser: Browser) -> None:
    state = dict(parse_qsl(urlsplit(browser.begin()).query))["state"]
    for query in ({"state": state, "error": "access_denied", "error_description": "<b>no</b>"}, {"state": state}):
        assert browser.finish(f"{CALLBACK}?{urlencode(query)}") == "../../../console?sign_in=denied"


def test_a_response_of_another_issuer_is_refused(browser: Browser) -> None:
    parts = urlsplit(browser.issuer.authorize(browser.begin()))
    mixed = urlunsplit(parts._replace(query=f"{parts.query}&iss=https%3A%2F%2Fevil.example.com"))
    assert browser.finish(mixed) == "../../../console?sign_in=invalid_state"


@pytest.mark.parametrize(
    ("status", "code"), [(500, "issuer_unavailable"), (401, "code_refused"), (302, "issuer_unavailable")]
)
def test_a_failing_exchange_leads_back(browser: Browser, status: int, code: str) -> None:
    address = browser.issuer.authorize(browser.begin())
    browser.issuer.answers["/token"] = (status, b"{}")
    assert browser.finish(address) == f"../../../console?sign_in={code}"


def test_an_issuer_that_is_down_leads_back(browser: Browser) -> None:
    browser.issuer.answers["/jwks"] = (503, b"")
    assert browser.begin() == "../../console?sign_in=issuer_unavailable"


def test_without_a_client_nothing_is_offered(admin: Any) -> None:
    for path, back in (("/v1/sessions/oidc", "../../console"), ("/v1/sessions/oidc/callback", "../../../console")):
        location = admin.get(path, key="").headers["location"]
        assert location in {f"{back}?sign_in=not_configured", f"{back}?sign_in=sign_in_expired"}
