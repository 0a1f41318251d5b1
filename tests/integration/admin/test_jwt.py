"""JWTs of an issuer on this machine: who gets in, and who does not."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from functions.ingest.handler import _people
from fusion_billing.errors import Unauthenticated, Unavailable
from fusion_billing.http.authentication import Authenticator
from fusion_billing.oidc.issuer import AGAIN_SECONDS, KEYS_SECONDS, Issuer
from fusion_billing.outbound.guarded_client import RequestFailed
from local.tables import Tables
from tests.fakes.clock import FakeClock
from tests.fakes.oidc_issuer import FakeIssuer, ec_key, encoded, jwk, public_pem, rsa_key
from tests.integration.admin.known_issuer import forget, known_issuer
from tests.integration.admin.world_fixture import World

pytestmark = pytest.mark.integration


@pytest.fixture
def issuer(admin: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeIssuer]:
    """An issuer that the function knows."""
    with known_issuer(admin.now.timestamp(), monkeypatch) as made:
        yield made


def sent(admin: Any, token: str) -> tuple[int, str]:
    """Return the status, and the code of a problem, of a request with a token."""
    answer = admin.get("/v1/metrics", key=token)
    return answer.status, answer.json.get("code", "")


INVALID = (401, "invalid_jwt")


def test_a_person_gets_in_with_a_token_of_the_issuer(admin: Any, issuer: FakeIssuer) -> None:
    token = issuer.token(admin.now.timestamp())
    assert sent(admin, token) == (200, "")
    assert admin.get("/v1/sources/src_people", key=token).json["name"] == "People"


def test_a_person_may_do_what_its_groups_give(admin: Any, issuer: FakeIssuer) -> None:
    now = admin.now.timestamp()
    assert sent(admin, issuer.token(now, groups=["billing-readers"])) == (200, "")
    assert admin.get("/v1/lines", key=issuer.token(now, groups=["billing-readers"])).code == "missing_scope"
    assert sent(admin, issuer.token(now, groups=["sales"])) == (403, "missing_scope")


def test_an_elliptic_signature_and_a_single_key_without_an_id_are_accepted(admin: Any, issuer: FakeIssuer) -> None:
    issuer.keys = [jwk(ec_key(1), "e1")]
    now = admin.now.timestamp()
    assert sent(admin, issuer.token(now, key=ec_key(1), key_id="e1", algorithm="ES256"))[0] == 200
    assert sent(admin, issuer.token(now, key=ec_key(1), key_id=None, algorithm="ES256"))[0] == 200


def test_a_change_is_logged_under_the_name_of_the_person(admin: Any, issuer: FakeIssuer) -> None:
    token = issuer.token(admin.now.timestamp())
    body = {"name": "API calls", "unit": "call", "aggregation": "sum"}
    assert admin.put("/v1/metrics/calls", body, key=token).status == 201
    [entry] = admin.get("/v1/audit", query={"object": "metrics/calls"}).json["items"]
    assert (entry["actor"], entry["source"], entry["via"]) == ("ada@example.com", "src_people", "jwt")


def test_usage_is_pushed_with_a_token_too(admin: Any, issuer: FakeIssuer, tables: Tables, dynamodb: Any) -> None:
    people = _people(dynamodb, tables.catalog)
    assert people is not None
    authenticator = Authenticator(admin.keys, FakeClock().monotonic, people=people)
    headers = {"authorization": f"Bearer {issuer.token(admin.now.timestamp())}"}
    principal = authenticator.authenticate(headers, admin.now)
    assert (principal.source, principal.actor, principal.is_admin) == ("src_people", "ada@example.com", True)


def test_a_person_may_register_an_endpoint(world: World, issuer: FakeIssuer) -> None:
    admin = world.admin
    body = {"url": "https://hooks.example.com/people", "events": ["*"]}
    made = admin.post("/v1/endpoints", body, key=issuer.token(admin.now.timestamp()))
    assert made.status == 201
    assert admin.get(f"/v1/endpoints/{made.json['id']}").json["source"] == "src_people"


@pytest.mark.parametrize("claimed", [["42"], [], None, "", 5, ["\ud800"]])
def test_a_person_who_is_limited_to_subscriptions_sees_no_endpoint_of_all_people(
    world: World, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch, claimed: object
) -> None:
    admin, now = world.admin, world.admin.now.timestamp()
    body = {"url": "https://hooks.example.com/people", "events": ["*"]}
    made = admin.post("/v1/endpoints", body, key=issuer.token(now)).json["id"]
    monkeypatch.setenv("OIDC_SUBSCRIPTION_CLAIM", "subscriptions")
    forget()
    token = issuer.token(now, groups=["billing-admins"], subscriptions=claimed)
    for path in ("/v1/endpoints", f"/v1/endpoints/{made}", f"/v1/endpoints/{made}/deliveries", "/v1/events"):
        assert admin.get(path, key=token).code == "limited_source", path
    assert admin.post("/v1/endpoints", body, key=token).code == "limited_source"
    assert admin.post(f"/v1/endpoints/{made}/secret/rotate", key=token).code == "limited_source"


def test_an_empty_address_is_no_name_of_a_person(admin: Any, issuer: FakeIssuer) -> None:
    body = {"name": "API calls", "unit": "call", "aggregation": "sum"}
    assert admin.put("/v1/metrics/calls", body, key=issuer.token(admin.now.timestamp(), email=" ")).status == 201
    [entry] = admin.get("/v1/audit", query={"object": "metrics/calls"}).json["items"]
    assert (entry["actor"], entry["via"]) == ("u-1", "jwt")


def test_a_jwt_begins_no_session(admin: Any, issuer: FakeIssuer) -> None:
    token = issuer.token(admin.now.timestamp())
    begun = admin.post("/v1/sessions", {"key": token}, key="", headers={"fusion-session": "1"})
    assert (begun.status, begun.code) == (401, "malformed_key")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "billing-console"},
        {"aud": None},
        {"iss": "https://other.example.com"},
        {"sub": None},
        {"sub": "\ud800"},
        {"nbf": 4_000_000_000},
        {"exp": None},
    ],
)
def test_a_token_for_others_or_another_time_is_refused(
    admin: Any, issuer: FakeIssuer, claims: dict[str, object]
) -> None:
    assert sent(admin, issuer.token(admin.now.timestamp(), **claims)) == INVALID  # type: ignore[arg-type]


def test_an_expired_token_is_refused(admin: Any, issuer: FakeIssuer) -> None:
    token = issuer.token(admin.now.timestamp() - 700)
    assert sent(admin, token) == (401, "expired_jwt")


def test_no_signature_is_no_proof(admin: Any, issuer: FakeIssuer) -> None:
    header, payload, signature = issuer.token(admin.now.timestamp()).split(".")
    for algorithm in ("none", "None", "NONE", "", None, 1, ["RS256"]):
        for left in ("", signature):
            forged = f"{encoded({'alg': algorithm, 'kid': 'k1', 'typ': 'JWT'})}.{payload}.{left}"
            assert sent(admin, forged) == INVALID, algorithm
    assert sent(admin, f"{header}.{payload}.") == INVALID


def test_the_public_key_is_no_secret_of_an_hmac(admin: Any, issuer: FakeIssuer) -> None:
    _, payload, _ = issuer.token(admin.now.timestamp()).split(".")
    for algorithm in ("HS256", "HS512"):
        message = f"{encoded({'alg': algorithm, 'kid': 'k1', 'typ': 'JWT'})}.{payload}"
        for secret in (public_pem(rsa_key(1)), json.dumps(issuer.keys[0]).encode(), b""):
            digest = hmac.digest(secret, message.encode(), hashlib.sha256)
            signature = urlsafe_b64encode(digest).decode().rstrip("=")
            assert sent(admin, f"{message}.{signature}") == INVALID


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_algorithms_that_are_not_listed_are_refused(admin: Any, issuer: FakeIssuer, algorithm: str) -> None:
    issuer.keys = [jwk(rsa_key(1), "k1")]
    assert sent(admin, issuer.token(admin.now.timestamp(), algorithm=algorithm)) == INVALID


def test_a_key_of_another_kind_than_the_algorithm_is_refused(admin: Any, issuer: FakeIssuer) -> None:
    issuer.keys = [jwk(ec_key(1), "k1")]
    assert sent(admin, issuer.token(admin.now.timestamp())) == INVALID


def test_a_changed_token_is_refused(admin: Any, issuer: FakeIssuer) -> None:
    now = admin.now.timestamp()
    header, _, signature = issuer.token(now, groups=["billing-readers"]).split(".")
    payload = encoded(
        {"iss": issuer.url, "aud": "billing-api", "sub": "u", "exp": now + 60, "groups": ["billing-admins"]}
    )
    assert sent(admin, f"{header}.{payload}.{signature}") == INVALID
    assert sent(admin, issuer.token(now, key=rsa_key(2))) == INVALID


@pytest.mark.parametrize(
    "key_id", ["../k1", "k1' OR '1'='1", "/dev/null", "http://127.0.0.1/jwks", "k" * 5_000, "\x00"]
)
def test_a_key_id_is_compared_and_nothing_else(admin: Any, issuer: FakeIssuer, key_id: str) -> None:
    token = issuer.token(admin.now.timestamp(), key=rsa_key(2), key_id=key_id)
    assert sent(admin, token) == INVALID


def test_keys_and_addresses_of_keys_in_a_token_have_no_effect(admin: Any, issuer: FakeIssuer) -> None:
    forged_key = {name: value for name, value in jwk(rsa_key(2), "k1").items() if name != "kid"}
    claims = {"iss": issuer.url, "aud": "billing-api", "sub": "u", "exp": admin.now.timestamp() + 60}
    for more in ({"jku": f"{issuer.url}/evil"}, {"jwk": forged_key}, {"x5u": f"{issuer.url}/evil"}, {"x5c": ["MII="]}):
        token = jwt.encode(claims, rsa_key(2), "RS256", headers={"kid": "k1", **more})
        assert sent(admin, token) == INVALID
    assert not [path for path in issuer.requests if "evil" in path]


def test_an_extension_that_must_be_understood_is_refused(admin: Any, issuer: FakeIssuer) -> None:
    claims = {"iss": issuer.url, "aud": "billing-api", "sub": "u", "exp": admin.now.timestamp() + 60}
    token = jwt.encode(claims, rsa_key(1), "RS256", headers={"kid": "k1", "crit": ["exp"], "exp": 1})
    assert sent(admin, token) == INVALID


def test_a_huge_token_is_refused_unread(admin: Any, issuer: FakeIssuer) -> None:
    token = issuer.token(admin.now.timestamp(), padding="x" * 9_000)
    assert sent(admin, token) == INVALID
    deep = f"{encoded({'alg': 'RS256'})}.{'A' * 4}.{'B' * 100_000}"
    assert sent(admin, deep) == INVALID
    assert issuer.requests == []


@pytest.mark.parametrize("text", ["a.b.c", "..", "a.b.", "e30.e30.e30", "W10.e30.e30", "!.b.c", "a.b.c.d"])
def test_a_malformed_token_is_refused(admin: Any, issuer: FakeIssuer, text: str) -> None:
    assert sent(admin, text)[0] == 401
    assert issuer.requests == []


def test_short_keys_of_the_issuer_are_not_trusted(admin: Any, issuer: FakeIssuer) -> None:
    issuer.keys = [jwk(rsa_key(3, 1024), "k1")]
    header, payload, _ = issuer.token(admin.now.timestamp()).split(".")
    assert sent(admin, f"{header}.{payload}.{'A' * 171}") == INVALID


@pytest.mark.parametrize(
    "broken",
    [{"kty": "RSA", "kid": "k1"}, {"kty": "RSA", "kid": "k1", "n": 5, "e": []}, {"kty": "oct", "kid": "k1", "k": "AA"}],
)
def test_broken_keys_of_the_issuer_are_not_trusted(admin: Any, issuer: FakeIssuer, broken: dict[str, object]) -> None:
    issuer.keys = [broken]
    assert sent(admin, issuer.token(admin.now.timestamp())) == INVALID


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
@pytest.mark.parametrize(
    "answer", [(500, b""), (404, b"{}"), (302, b""), (200, b"<html>"), (200, b"[]"), (200, b"{" + b" " * 70_000 + b"}")]
)
def test_an_issuer_that_is_down_is_503(admin: Any, issuer: FakeIssuer, path: str, answer: tuple[int, bytes]) -> None:
    issuer.answers[path] = answer
    token = issuer.token(admin.now.timestamp())
    assert sent(admin, token) == (503, "issuer_unavailable")
    asked = len(issuer.requests)
    assert sent(admin, token) == (503, "issuer_unavailable")
    assert len(issuer.requests) == asked, "it is left alone for a while"
    assert admin.get("/v1/metrics").status == 200


def test_a_document_of_another_issuer_is_refused(admin: Any, issuer: FakeIssuer) -> None:
    issuer.answers["/.well-known/openid-configuration"] = (200, b'{"issuer": "https://evil.example.com"}')
    assert sent(admin, issuer.token(admin.now.timestamp())) == (503, "issuer_unavailable")


def test_keys_are_fetched_from_public_addresses_only(
    admin: Any, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSION_LOCAL_LOOPBACK_WEBHOOKS", "0")
    forget()
    assert sent(admin, issuer.token(admin.now.timestamp())) == (503, "issuer_unavailable")
    assert issuer.requests == []


def test_without_an_issuer_a_jwt_is_a_malformed_key(admin: Any) -> None:
    assert sent(admin, "e30.e30.e30") == (401, "malformed_key")


def test_a_malformed_mapping_lets_nobody_in_and_says_why(
    admin: Any, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_SCOPES", "billing-admins=root")
    forget()
    answer = admin.get("/v1/metrics", key=issuer.token(admin.now.timestamp()))
    assert (answer.status, answer.code) == (503, "oidc_not_configured")
    assert "root" in answer.json["detail"]
    assert admin.get("/v1/metrics").status == 200


class Counting:
    """Answers as an issuer does, and counts what it is asked for; `down` stands for no response."""

    def __init__(self, fake: FakeIssuer) -> None:
        self.fake = fake
        self.down = False
        self.calls = 0

    def get(self, url: str) -> dict[str, Any]:
        self.calls += 1
        if self.down:
            raise RequestFailed("down")
        found: dict[str, Any] = json.loads(self.fake.respond("GET", url.removeprefix(self.fake.url), "", 0)[1])
        return found

    def post(self, url: str, headers: Any, body: bytes) -> dict[str, Any]:
        raise AssertionError


def test_keys_are_cached_and_a_new_key_works_at_once_but_made_up_ids_cost_nothing() -> None:
    fake, clock = FakeIssuer("https://id.example.com"), FakeClock()
    client = Counting(fake)
    issuer = Issuer(fake.url, client, clock.monotonic)
    for _ in range(5):
        assert issuer.key("k1", "RS256")["kid"] == "k1"
    assert len(fake.requests) == 2
    fake.keys = [*fake.keys, jwk(rsa_key(2), "k2")]
    clock.monotonic_seconds += AGAIN_SECONDS
    assert issuer.key("k2", "RS256")["kid"] == "k2"
    assert len(fake.requests) == 4
    for number in range(50):
        with pytest.raises(Unauthenticated):
            issuer.key(f"made-up-{number}", "RS256")
    assert len(fake.requests) == 4
    client.down = True
    clock.monotonic_seconds += KEYS_SECONDS
    assert issuer.key("k1", "RS256")["kid"] == "k1", "known keys are used while the issuer is down"
    clock.monotonic_seconds += 24 * 3600
    with pytest.raises(Unavailable):
        issuer.key("k1", "RS256")
    client.down = False
    clock.monotonic_seconds += 10
    fake.keys = [jwk(rsa_key(2), "k2")]
    with pytest.raises(Unauthenticated):
        issuer.key("k1", "RS256")


def test_made_up_key_ids_do_not_keep_a_container_waiting_for_an_issuer_that_is_down() -> None:
    fake, clock = FakeIssuer("https://id.example.com"), FakeClock()
    client = Counting(fake)
    issuer = Issuer(fake.url, client, clock.monotonic)
    assert issuer.key("k1", "RS256")["kid"] == "k1"
    client.down, client.calls = True, 0
    for second in range(120):
        clock.monotonic_seconds += 1
        assert issuer.key("k1", "RS256")["kid"] == "k1"
        with pytest.raises((Unauthenticated, Unavailable)):
            issuer.key(f"made-up-{second}", "RS256")
    assert client.calls <= 120 / AGAIN_SECONDS


def test_who_is_signed_in_is_shown_for_a_jwt_too(admin: Any, issuer: FakeIssuer) -> None:
    now = admin.now.timestamp()
    assert admin.get("/v1/sessions", key=issuer.token(now)).json["source_name"] == "ada@example.com"
    assert admin.get("/v1/sessions", key=issuer.token(now - 700)).code == "expired_jwt"
    assert admin.get("/v1/sessions", key=issuer.token(now, aud="x")).code == "invalid_jwt"
    issuer.answers["/jwks"] = (500, b"")
    forget()
    assert admin.get("/v1/sessions", key=issuer.token(now)).code == "issuer_unavailable"


@pytest.mark.parametrize(
    "keys", [{}, {"keys": []}, {"keys": {"k": 1}}, {"keys": [1, None]}, {"error": "busy"}], ids=str
)
def test_known_keys_go_on_while_the_issuer_publishes_none(keys: dict[str, object]) -> None:
    fake, clock = FakeIssuer("https://id.example.com"), FakeClock()
    issuer = Issuer(fake.url, Counting(fake), clock.monotonic)
    assert issuer.key("k1", "RS256")["kid"] == "k1"
    fake.answers["/jwks"] = (200, json.dumps(keys).encode())
    clock.monotonic_seconds += KEYS_SECONDS
    assert issuer.key("k1", "RS256")["kid"] == "k1"
