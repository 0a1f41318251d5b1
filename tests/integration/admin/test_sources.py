"""Sources and their API keys."""

import time
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError

from fusion_billing import bootstrap
from fusion_billing.errors import Unauthenticated, Unavailable
from fusion_billing.http.authentication import Authenticator
from local.tables import Tables

pytestmark = pytest.mark.integration


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What a revocation waited, instead of waiting."""
    waited: list[float] = []
    monkeypatch.setattr("functions.admin.routes.sources.time.sleep", waited.append)
    return waited


def test_a_source_is_created_with_its_limits_and_shown(admin: Any) -> None:
    body = {"name": "Nexa", "metrics": ["seats", "api_calls"], "plans": ["Pro"]}
    made = admin.post("/v1/sources", body)
    assert made.status == 201
    assert made.json["id"].startswith("src_")
    assert (made.json["metrics"], made.json["plans"]) == (["api_calls", "seats"], ["Pro"])
    shown = admin.get(f"/v1/sources/{made.json['id']}")
    assert shown.json == {**made.json, "keys": []}
    assert made.json["id"] in [each["id"] for each in admin.get("/v1/sources").json["items"]]


def test_sources_page(admin: Any) -> None:
    made = {admin.post("/v1/sources", {"name": f"app {n}"}).json["id"] for n in range(3)}
    seen, cursor = set(), None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        answer = admin.get("/v1/sources", query=query).json
        seen |= {each["id"] for each in answer["items"]}
        cursor = answer["cursor"]
        if cursor is None:
            break
    assert made <= seen


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"name": "missing"}),
        ({"name": ""}, {"name": "empty"}),
        ({"name": "x", "metrics": ["UPPER"]}, {"metrics.0": "invalid_identifier"}),
        ({"name": "x", "metrics": []}, {"metrics": "empty"}),
        ({"name": "x", "colour": 1}, {"colour": "unknown_field"}),
    ],
)
def test_an_invalid_source_is_refused_by_field(admin: Any, body: Any, faults: dict[str, str]) -> None:
    answer = admin.post("/v1/sources", body)
    assert answer.status == 422
    assert answer.faults == faults


def test_a_key_is_shown_once_and_works_at_once(admin: Any) -> None:
    source = admin.post("/v1/sources", {"name": "Nexa"}).json["id"]
    made = admin.post(f"/v1/sources/{source}/keys", {"scopes": ["admin"]})
    assert made.status == 201
    assert made.json["key"].startswith(f"fb_{made.json['id']}_")
    assert made.json["scopes"] == ["admin"]
    assert admin.get("/v1/sources", key=made.json["key"]).status == 200
    shown = admin.get(f"/v1/sources/{source}").json
    assert [each["id"] for each in shown["keys"]] == [made.json["id"]]
    assert made.json["key"] not in str(shown)


def test_a_key_is_shown_with_the_day_of_its_last_use(admin: Any) -> None:
    source = admin.post("/v1/sources", {"name": "Nexa"}).json["id"]
    key = admin.post(f"/v1/sources/{source}/keys", {"scopes": ["catalog:read"]}).json["key"]

    def last_used() -> Any:
        [shown] = admin.get(f"/v1/sources/{source}").json["keys"]
        return shown["last_used_on"]

    assert last_used() is None
    assert admin.get("/v1/metrics", key=key).status == 200
    assert last_used() == "2026-11-15"
    admin.now += timedelta(days=3)
    assert last_used() == "2026-11-15"
    assert admin.get("/v1/metrics", key=key).status == 200
    assert last_used() == "2026-11-18"


def test_the_table_holds_no_secret(admin: Any, dynamodb: Any, tables: Tables) -> None:
    source = admin.post("/v1/sources", {"name": "Nexa"}).json["id"]
    key = admin.post(f"/v1/sources/{source}/keys", {"scopes": ["usage:write"]}).json["key"]
    secret = key.rsplit("_", 1)[1]
    assert secret not in str(dynamodb.scan(TableName=tables.catalog)["Items"])


def test_a_third_live_key_waits_until_one_is_revoked(admin: Any, waits: list[float]) -> None:
    source = admin.post("/v1/sources", {"name": "Nexa"}).json["id"]
    path = f"/v1/sources/{source}/keys"
    first = admin.post(path, {"scopes": ["usage:write"]}).json
    assert admin.post(path, {"scopes": ["usage:write"]}).status == 201
    third = admin.post(path, {"scopes": ["usage:write"]})
    assert (third.status, third.code) == (409, "too_many_keys")
    assert admin.delete(f"/v1/keys/{first['id']}").status == 204
    assert waits == [1.0]
    assert admin.post(path, {"scopes": ["usage:write"]}).status == 201


def test_a_revoked_key_is_rejected_everywhere_once_the_response_arrives(admin: Any) -> None:
    source = admin.post("/v1/sources", {"name": "Nexa"}).json["id"]
    made = admin.post(f"/v1/sources/{source}/keys", {"scopes": ["usage:write"]}).json
    headers = {"authorization": f"Bearer {made['key']}"}
    elsewhere = Authenticator(admin.keys, time.monotonic)
    assert elsewhere.authenticate(headers, admin.now).source == source
    assert admin.delete(f"/v1/keys/{made['id']}").status == 204
    with pytest.raises(Unauthenticated) as refused:
        elsewhere.authenticate(headers, admin.now)
    assert refused.value.code == "revoked_key"


def test_revoking_a_key_again_changes_nothing(admin: Any, waits: list[float]) -> None:
    source = admin.post("/v1/sources", {"name": "Nexa"}).json["id"]
    made = admin.post(f"/v1/sources/{source}/keys", {"scopes": ["usage:write"]}).json
    assert [admin.delete(f"/v1/keys/{made['id']}").status for _ in range(2)] == [204, 204]


@pytest.mark.parametrize("key_id", ["abcdefgh12345678", "x", "KEY", "a%23b"])
def test_an_unknown_key_cannot_be_revoked(admin: Any, key_id: str) -> None:
    assert admin.delete(f"/v1/keys/{key_id}").status == 404


def test_a_key_of_an_unknown_source_is_not_created(admin: Any) -> None:
    assert admin.post("/v1/sources/src_nobody/keys", {"scopes": ["usage:write"]}).status == 404


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"scopes": "missing"}),
        ({"scopes": []}, {"scopes": "empty"}),
        ({"scopes": ["usage:write", "root"]}, {"scopes.1": "unknown_scope"}),
        ({"scopes": [1]}, {"scopes.0": "unknown_scope"}),
    ],
)
def test_invalid_scopes_are_refused(admin: Any, body: Any, faults: dict[str, str]) -> None:
    source = admin.post("/v1/sources", {"name": "Nexa"}).json["id"]
    answer = admin.post(f"/v1/sources/{source}/keys", body)
    assert (answer.status, answer.faults) == (422, faults)


def test_only_an_admin_manages_sources_and_keys(admin: Any) -> None:
    key = admin.key("usage:write", "usage:read", "catalog:write")
    for method, path in [
        ("POST", "/v1/sources"),
        ("GET", "/v1/sources"),
        ("GET", "/v1/sources/src_test"),
        ("POST", "/v1/sources/src_test/keys"),
        ("DELETE", "/v1/keys/abcdefgh12345678"),
    ]:
        answer = admin.call(method, path, {} if method == "POST" else None, key=key)
        assert (answer.status, answer.code) == (403, "missing_scope")


def test_the_first_key_is_created_with_access_to_the_table(admin: Any, dynamodb: Any, tables: Tables) -> None:
    keys = {bootstrap.first_key(dynamodb, tables.catalog, admin.now) for _ in range(3)}
    assert len(keys) == 3
    assert all(admin.get("/v1/sources", key=key).status == 200 for key in keys)


def test_creating_the_first_key_reports_a_missing_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CATALOG_TABLE", raising=False)
    assert bootstrap.main() == 1
    assert "CATALOG_TABLE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoRegionError(), "AWS_DEFAULT_REGION is not set"),
        (NoCredentialsError(), "No AWS credentials"),
        (Unavailable("DynamoDB did not respond in time"), "did not respond in time"),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutItem"), "AccessDeniedException"),
    ],
)
def test_a_failure_to_create_the_first_key_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, words: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setenv("CATALOG_TABLE", "catalog")
    monkeypatch.setattr("fusion_billing.dynamodb.client.dynamodb", fail)
    assert bootstrap.main() == 1
    printed = capsys.readouterr()
    assert words in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)
