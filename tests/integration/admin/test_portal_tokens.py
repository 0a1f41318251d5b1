"""A portal token reads the current usage, ratings and statements of its one subscription, and nothing else."""

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.admin import portal_dependencies
from functions.admin.route_table import ROUTES
from fusion_billing.access.portal_tokens import LONGEST
from tests.integration.admin.isolated_world import LIMITS, TwoParties, two_parties
from tests.integration.admin.world import name_of

__all__ = ["two_parties"]

PORTAL = [route for route in ROUTES if route.portal]
OPEN = {"GET /v1/health", "GET /openapi.json", "POST /v1/sessions", "GET /v1/sessions", "DELETE /v1/sessions"}
OPEN |= {"GET /v1/sessions/oidc", "GET /v1/sessions/oidc/callback"}


def token_of(world: TwoParties, subscription: str, **body: Any) -> str:
    made = world.admin.post("/v1/portal-tokens", {"subscription": subscription, **body})
    assert made.status == 201, made.json
    return str(made.json["token"])


def test_the_portal_has_these_routes() -> None:
    prefix = "GET /v1/subscriptions/{subscription}"
    names = ("usage", "ratings", "ratings/{charge}", "statements", "statements/{period_start}")
    assert {name_of(route) for route in PORTAL} == {f"{prefix}/{name}" for name in names}


def test_a_token_opens_no_other_route_and_no_other_subscription(two_parties: TwoParties) -> None:
    token = token_of(two_parties, "ours-alias")
    before = two_parties.items_of(LIMITS[0])
    for route in ROUTES:
        for request in two_parties.requests(LIMITS[0])[name_of(route)]:
            answer = two_parties.call(route, request, token)
            sent = json.dumps(request)
            shown = [mark for mark in LIMITS[0].marks if mark in json.dumps(answer.json) and mark not in sent]
            assert shown == [], (name_of(route), request, answer.json)
            if route.portal:
                is_own = request["path"]["subscription"] == "ours"
                assert answer.status in ({200, 404} if is_own else {404}), (name_of(route), request)
            elif name_of(route) not in OPEN:
                assert (answer.status, answer.json["code"]) in {
                    (403, "portal_token_not_allowed"),
                    (401, "malformed_key"),
                }, name_of(route)
    assert two_parties.items_of(LIMITS[0]) == before


def test_a_token_reads_its_own_subscription(two_parties: TwoParties) -> None:
    token = token_of(two_parties, "ours")
    for path in ("ours/usage", "ours-alias/ratings", "ours/ratings/shared_plans", "ours/statements"):
        answer = two_parties.admin.get(f"/v1/subscriptions/{path}", key=token)
        assert answer.status == 200, answer.json
    statement = two_parties.admin.get("/v1/subscriptions/ours/statements/2026-09-01T00:00:00Z", key=token)
    assert statement.status == 200


def test_a_portal_shows_the_steps_and_neither_order_lines_nor_records(two_parties: TwoParties) -> None:
    path = "/v1/subscriptions/ours/ratings/shared_plans"
    rating = two_parties.admin.get(path, key=token_of(two_parties, "ours")).json
    assert rating["steps"]
    assert (rating["line"], rating["records"], rating["records_cursor"]) == (None, [], None)
    assert "Gold" not in json.dumps(rating["price"]["versions"][0]["applies_to"].get("subscriptions", []))
    assert two_parties.admin.get(path).json["line"] is not None


def test_a_token_expires(two_parties: TwoParties) -> None:
    token = token_of(two_parties, "ours", expires_in=60)
    path = "/v1/subscriptions/ours/usage"
    two_parties.admin.now += timedelta(seconds=59)
    assert two_parties.admin.get(path, key=token).status == 200
    two_parties.admin.now += timedelta(seconds=2)
    answer = two_parties.admin.get(path, key=token)
    assert (answer.status, answer.code) == (401, "expired_token")


def test_replacing_the_secret_revokes_tokens_within_a_minute(
    two_parties: TwoParties, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, token = "/v1/subscriptions/ours/usage", token_of(two_parties, "ours")
    secrets: Any = portal_dependencies.secrets()
    secrets._client.text = json.dumps({"current": "n" * 64})
    assert two_parties.admin.get(path, key=token).status == 200
    monkeypatch.setattr(secrets, "_read_at", secrets._read_at - 61)
    answer = two_parties.admin.get(path, key=token)
    assert (answer.status, answer.code) == (401, "invalid_token")
    secrets._client.text = json.dumps({"current": "n" * 64, "previous": "c" * 64})
    monkeypatch.setattr(secrets, "_read_at", secrets._read_at - 6)
    assert two_parties.admin.get(path, key=token).status == 200


def test_a_forged_token_is_rejected(two_parties: TwoParties) -> None:
    token = token_of(two_parties, "ours")
    version, secret_id, expiry, subscription, signature = token.split(".")
    forged = [
        f"{version}.{secret_id}.{int(expiry) + 1}.{subscription}.{signature}",
        f"{version}.{secret_id}.{expiry}.dGhlaXJz.{signature}",
        f"{version}.00000000.{expiry}.{subscription}.{signature}",
        f"{version}.{secret_id}.{expiry}.{subscription}.{'A' * 43}",
        f"{version}.{secret_id}.{expiry}.{subscription}",
        f"{version}.",
        f"{token}x",
    ]
    for each in forged:
        answer = two_parties.admin.get("/v1/subscriptions/theirs/usage", key=each)
        assert (answer.status, answer.code) == (401, "invalid_token"), each


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"subscription": "missing"}),
        ({"subscription": "ours", "expires_in": 59}, {"expires_in": "out_of_range"}),
        ({"subscription": "ours", "expires_in": int(LONGEST.total_seconds()) + 1}, {"expires_in": "out_of_range"}),
        ({"subscription": "ours", "expires_in": "soon"}, {"expires_in": "not_an_integer"}),
        ({"subscription": "ours", "scope": "x"}, {"scope": "unknown_field"}),
    ],
)
def test_an_invalid_request_is_refused_by_field(
    two_parties: TwoParties, body: dict[str, Any], faults: dict[str, str]
) -> None:
    answer = two_parties.admin.post("/v1/portal-tokens", body)
    assert (answer.status, answer.faults) == (422, faults)


def test_an_unknown_subscription_has_no_token(two_parties: TwoParties) -> None:
    assert two_parties.admin.post("/v1/portal-tokens", {"subscription": "nobody"}).status == 404
