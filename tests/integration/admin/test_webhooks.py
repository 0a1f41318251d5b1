"""Webhook endpoints and deliveries as their owners, and others, see them over HTTP."""

import base64
import csv
import io
import json
import socket
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.admin import dependencies, webhook_dependencies
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.outbound.ssrf_guard import SsrfGuard
from fusion_billing.webhooks import signing
from fusion_billing.webhooks.events.registry import EVENT_TYPES
from local.tables import Tables

pytestmark = pytest.mark.integration

URL = "https://hooks.example.com/billing"
RATED = {key: value for key, value in EVENT_TYPES["rating.updated"].example.items() if key != "sequence"}


class FakeKms:
    def encrypt(self, *, KeyId: str, Plaintext: bytes, EncryptionContext: dict[str, str]) -> dict[str, bytes]:  # noqa: N803
        assert KeyId == "key"
        return {"CiphertextBlob": json.dumps([EncryptionContext, Plaintext.decode()[::-1]]).encode()}

    def decrypt(
        self,
        *,
        KeyId: str,  # noqa: N803
        CiphertextBlob: bytes,  # noqa: N803
        EncryptionContext: dict[str, str],  # noqa: N803
    ) -> dict[str, bytes]:
        context, backwards = json.loads(CiphertextBlob)
        assert (KeyId, context) == ("key", EncryptionContext)
        return {"Plaintext": backwards[::-1].encode()}


def resolve(host: str, port: int, *_: Any) -> Iterable[Any]:
    known = {"hooks.example.com": "93.184.216.34", "inside.example.com": "10.0.0.7"}
    if host not in known:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (known[host], port))]


@pytest.fixture(autouse=True)
def _webhooks(admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENDPOINT_KEY_ARN", "key")
    for name in vars(webhook_dependencies).values():
        clear = getattr(name, "cache_clear", None)
        if clear is not None:
            clear()
    monkeypatch.setattr(webhook_dependencies, "kms", FakeKms)
    monkeypatch.setattr(webhook_dependencies, "guard", lambda: SsrfGuard(resolver=resolve))


@pytest.fixture
def app(admin: Any) -> str:
    """An app's own key."""
    return str(admin.key("webhooks:write", source="src_app"))


def registered(admin: Any, key: str, **more: Any) -> Any:
    answer = admin.post("/v1/endpoints", {"url": URL, "events": ["rating.*"], **more}, key=key)
    assert answer.status == 201, answer.json
    return answer.json


def rated(admin: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Store an event for whoever listens, and return its id."""
    monkeypatch.setattr("fusion_billing.dynamodb.webhooks.endpoints.EndpointDirectory.endpoints", fresh)
    outbox = dependencies.outbox()
    prepared = outbox.prepare(
        "rating.updated", subscription="42", plan="Pro", metric="api_calls", data=RATED, now=admin.now
    )
    webhook_dependencies.webhooks().events.write(prepared.writes)
    assert prepared.event_id is not None
    return prepared.event_id


def fresh(self: Any) -> Any:
    return self._store.all()


def test_an_endpoints_secret_is_shown_once_and_is_encrypted_at_rest(
    admin: Any, app: str, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    made = registered(admin, app, description="Nexa's")
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert signing.sign(secret, "msg_1", 1, b"{}").startswith("v1,")
    assert made == {
        "id": made["id"],
        "source": "src_app",
        "url": URL,
        "events": ["rating.*"],
        "description": "Nexa's",
        "state": "enabled",
        "created_at": "2026-11-15T12:00:00Z",
    }
    assert admin.get(f"/v1/endpoints/{made['id']}", key=app).json == made
    assert admin.get("/v1/endpoints", key=app).json == {"items": [made], "cursor": None}
    stored = EndpointStore(dynamodb, tables.webhooks).get(made["id"])
    assert stored is not None
    assert secret.encode() not in stored.secrets[0].sealed
    assert "sealed" not in repr(stored.secrets[0])


def test_every_fault_of_a_bad_endpoint_is_named_and_nothing_is_stored(admin: Any, app: str) -> None:
    answer = admin.post(
        "/v1/endpoints",
        {"url": "http://example.com/", "events": ["rating.imagined"], "description": 7, "secret": "x"},
        key=app,
    )
    assert answer.status == 422
    assert answer.faults == {
        "url": "unsupported_scheme",
        "events.0": "unknown_event",
        "description": "not_a_string",
        "secret": "unknown_field",
    }
    assert admin.post("/v1/endpoints", {}, key=app).faults == {"url": "missing", "events": "missing"}
    assert admin.get("/v1/endpoints", key=app).json["items"] == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (None, "invalid_url"),
        (7, "invalid_url"),
        ("hooks.example.com", "unsupported_scheme"),
        ("https://hooks.example.com:22/", "port_not_allowed"),
        ("https://me:secret@hooks.example.com/", "credentials_in_url"),
        ("https://localhost/", "invalid_host"),
        ("https://169.254.169.254/", "address_not_allowed"),
        ("https://[::ffff:10.0.0.1]/", "address_not_allowed"),
        ("https://inside.example.com/", "address_not_allowed"),
        ("https://nowhere.example.com/", "unresolvable_host"),
    ],
)
def test_a_url_is_refused_with_the_reason_at_registration_and_at_change(
    admin: Any, app: str, url: Any, code: str
) -> None:
    made = registered(admin, app)
    for answer in (
        admin.post("/v1/endpoints", {"url": url, "events": ["*"]}, key=app),
        admin.patch(f"/v1/endpoints/{made['id']}", {"url": url}, key=app),
    ):
        assert (answer.status, answer.faults) == (422, {"url": code})
        assert "secret" not in json.dumps(answer.json)


@pytest.mark.parametrize("raw", ["", "nonsense", "[]", '"x"', '{"url": "a", "url": "b"}'])
def test_a_body_that_is_not_an_object_is_refused(admin: Any, app: str, raw: str) -> None:
    made = registered(admin, app)
    for method, path in (
        ("POST", "/v1/endpoints"),
        ("PATCH", f"/v1/endpoints/{made['id']}"),
        ("POST", f"/v1/endpoints/{made['id']}/replay"),
    ):
        answer = admin.call(method, path, raw=raw, key=app)
        assert answer.status in {400, 422}


def test_another_sources_endpoint_is_not_found(admin: Any, app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = registered(admin, app)
    event = rated(admin, monkeypatch)
    other = admin.key("webhooks:write", source="src_other")
    path = f"/v1/endpoints/{made['id']}"
    for method, there, body in (
        ("GET", path, None),
        ("PATCH", path, {"description": "mine now"}),
        ("DELETE", path, None),
        ("POST", f"{path}/secret/rotate", None),
        ("POST", f"{path}/test", None),
        ("POST", f"{path}/replay", {"since": "2026-11-01T00:00:00Z"}),
        ("GET", f"{path}/deliveries", None),
        ("POST", f"/v1/deliveries/{made['id']}~{event}/replay", None),
    ):
        answer = admin.call(method, there, body, key=other)
        assert (answer.status, answer.code) == (404, "not_found"), there
    assert admin.get("/v1/endpoints", key=other).json["items"] == []
    assert admin.get(path).json["source"] == "src_app"
    assert [one["id"] for one in admin.get("/v1/endpoints").json["items"]] == [made["id"]]


def test_without_the_scope_nothing_is_shown_or_done(admin: Any) -> None:
    for key, status in ((admin.key("usage:write", source="src_w"), 403), ("", 401)):
        assert admin.post("/v1/endpoints", {"url": URL, "events": ["*"]}, key=key).status == status
        assert admin.get("/v1/endpoints", key=key).status == status
        assert admin.post("/v1/deliveries/ep_1~msg_1/replay", key=key).status == status


def test_an_endpoint_gets_no_events_that_its_source_may_not_see(admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seats = frozenset({"seats"})
    limited = admin.key("webhooks:write", source="src_limited", metrics=seats)
    all_ = registered(admin, admin.key("webhooks:write", source="src_all"), events=["*"])
    some = registered(admin, limited, events=["*"])
    rated(admin, monkeypatch)
    assert len(admin.get(f"/v1/endpoints/{all_['id']}/deliveries").json["items"]) == 1
    assert admin.get(f"/v1/endpoints/{some['id']}/deliveries").json["items"] == []


def test_an_endpoint_is_changed_disabled_enabled_and_deleted(admin: Any, app: str) -> None:
    made = registered(admin, app)
    path = f"/v1/endpoints/{made['id']}"
    changed = admin.patch(path, {"events": ["*", "line.failed", "*"], "description": "d"}, key=app).json
    assert (changed["events"], changed["description"], changed["url"]) == (["*", "line.failed"], "d", URL)
    off = admin.patch(path, {"state": "disabled"}, key=app).json
    assert (off["state"], off["disabled_reason"], off["disabled_at"]) == (
        "disabled",
        "requested",
        "2026-11-15T12:00:00Z",
    )
    for answer in (
        admin.post(f"{path}/test", key=app),
        admin.post(f"{path}/replay", {"since": made["created_at"]}),
    ):
        assert (answer.status, answer.code) == (409, "endpoint_disabled")
    assert "disabled_reason" not in admin.patch(path, {"state": "enabled"}, key=app).json
    bad = admin.patch(path, {"state": "asleep", "id": "x", "source": "y"}, key=app)
    assert bad.faults == {"state": "unknown_value", "id": "unknown_field", "source": "unknown_field"}
    assert admin.delete(path, key=app).status == 204
    assert admin.get(path, key=app).status == 404
    assert admin.delete(path, key=app).status == 404


def test_a_rotation_keeps_the_old_secret_for_a_day(
    admin: Any, app: str, dynamodb: DynamoDBClient, tables: Tables
) -> None:
    made = registered(admin, app)
    admin.now += timedelta(hours=1)
    turned = admin.post(f"/v1/endpoints/{made['id']}/secret/rotate", key=app)
    assert turned.status == 200
    assert turned.json["secret"] != made["secret"]
    assert turned.json["previous_secret_expires_at"] == "2026-11-16T13:00:00Z"
    stored = EndpointStore(dynamodb, tables.webhooks).get(made["id"])
    assert stored is not None
    opened = webhook_dependencies.webhooks().secrets
    live = [opened.open(stored.id, one.sealed) for one in stored.secrets if one.is_active(admin.now)]
    assert live == [turned.json["secret"], made["secret"]]
    later = [one for one in stored.secrets if one.is_active(admin.now + timedelta(hours=24))]
    assert len(later) == 1
    admin.now += timedelta(hours=25)
    admin.post(f"/v1/endpoints/{made['id']}/secret/rotate", key=app)
    again = EndpointStore(dynamodb, tables.webhooks).get(made["id"])
    assert again is not None
    assert len(again.secrets) == 2


def test_too_many_rotations_in_a_day_are_refused(admin: Any, app: str) -> None:
    made = registered(admin, app)
    statuses = [admin.post(f"/v1/endpoints/{made['id']}/secret/rotate", key=app).status for _ in range(5)]
    assert statuses == [200, 200, 200, 200, 409]


def test_a_test_sends_a_real_event_whatever_the_filters(admin: Any, app: str) -> None:
    made = registered(admin, app, events=["line.*"])
    answer = admin.post(f"/v1/endpoints/{made['id']}/test", key=app)
    assert answer.status == 202
    (delivery,) = admin.get(f"/v1/endpoints/{made['id']}/deliveries", key=app).json["items"]
    assert json.loads(delivery.pop("body"))["data"]["endpoint"] == made["id"]
    assert delivery == {
        "id": answer.json["delivery"],
        "endpoint": made["id"],
        "event": answer.json["event"],
        "type": "endpoint.test",
        "state": "due",
        "attempt_count": 0,
        "created_at": "2026-11-15T12:00:00Z",
        "due_at": "2026-11-15T12:00:00Z",
        "attempts": [],
    }
    assert admin.messages == [("relay", {"job": "deliveries", "endpoint": made["id"]})]


def test_deliveries_are_listed_as_csv(admin: Any, app: str) -> None:
    made = registered(admin, app, events=["line.*"])
    delivery = admin.post(f"/v1/endpoints/{made['id']}/test", key=app).json["delivery"]
    answer = admin.get(f"/v1/endpoints/{made['id']}/deliveries", key=app, headers={"accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    [row] = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (row["id"], row["type"], row["state"], row["error"]) == (delivery, "endpoint.test", "due", "")


def test_deliveries_are_filtered_by_state_type_and_time_and_paged(
    admin: Any, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = registered(admin, app, events=["*"])
    path = f"/v1/endpoints/{made['id']}/deliveries"
    events = []
    for _ in range(3):
        events.append(rated(admin, monkeypatch))
        admin.now += timedelta(minutes=1)
    first = admin.get(path, query={"limit": "2"}, key=app).json
    rest = admin.get(path, query={"limit": "2", "cursor": first["cursor"]}, key=app).json
    assert [one["event"] for one in first["items"] + rest["items"]] == list(reversed(events))
    assert rest["cursor"] is None

    def events_of(**query: str) -> list[str]:
        answer = admin.get(path, query=query, key=app)
        assert answer.status == 200, answer.json
        return [one["event"] for one in answer.json["items"]]

    assert events_of(since="2026-11-15T12:01:00Z") == [events[2], events[1]]
    assert events_of(state="due", type="rating.*") == list(reversed(events))
    assert events_of(state="failed") == []
    assert events_of(type="line.failed") == []
    for query, field in (
        ({"state": "lost"}, "state"),
        ({"type": "rating.imagined"}, "type"),
        ({"since": "yesterday"}, "since"),
        ({"status": "due"}, "status"),
        ({"limit": "0"}, "limit"),
    ):
        answer = admin.get(path, query=query, key=app)
        assert answer.status == 400
        assert set(answer.faults) == {field}


def test_one_delivery_or_all_since_a_time_are_replayed(admin: Any, app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = registered(admin, app)
    old, new = rated(admin, monkeypatch), ""
    admin.now += timedelta(hours=1)
    new = rated(admin, monkeypatch)
    store = webhook_dependencies.deliveries()
    for due in store.due(made["id"], admin.now, limit=10):
        assert store.fail(due, reason="for the test")
    admin.now += timedelta(hours=1)

    one = admin.post(f"/v1/deliveries/{made['id']}~{old}/replay", key=app)
    assert one.status == 202
    assert (one.json["state"], one.json["due_at"], one.json["event"]) == ("due", "2026-11-15T14:00:00Z", old)
    assert admin.messages[-1] == ("relay", {"job": "deliveries", "endpoint": made["id"]})

    path = f"/v1/endpoints/{made['id']}/replay"
    for wanted, replayed in (
        ({"since": "2026-11-15T13:30:00Z"}, 0),
        ({"since": "2026-11-15T13:00:00Z", "states": ["delivered"]}, 0),
        ({"since": "2026-11-15T13:00:00Z"}, 1),
        ({"since": "2026-11-15T12:00:00Z"}, 0),
    ):
        answer = admin.post(path, wanted, key=app)
        assert (answer.status, answer.json) == (202, {"replayed": replayed})
    stored = store.get(made["id"], new)
    assert stored is not None
    assert stored.state == "due"


def test_an_invalid_replay_is_refused(admin: Any, app: str) -> None:
    made = registered(admin, app)
    path = f"/v1/endpoints/{made['id']}/replay"
    for wanted, faults in (
        ({}, {"since": "missing"}),
        ({"since": "yesterday"}, {"since": "not_an_instant"}),
        ({"since": "2026-11-15T13:00:00"}, {"since": "missing_offset"}),
        ({"since": "2026-11-15T13:00:00Z", "states": ["due"]}, {"states": "unknown_value"}),
        ({"since": "2026-11-15T13:00:00Z", "states": []}, {"states": "unknown_value"}),
        ({"since": "2026-11-15T13:00:00Z", "until": 1}, {"until": "unknown_field"}),
    ):
        answer = admin.post(path, wanted, key=app)
        assert (answer.status, answer.faults) == (422, faults)
    for delivery in ("nonsense", f"{made['id']}~msg_0", "ep_0~msg_0"):
        assert admin.post(f"/v1/deliveries/{delivery}/replay", key=app).status == 404


@pytest.mark.parametrize("type_", EVENT_TYPES)
def test_an_endpoint_can_be_sent_a_sample_of_each_event_type(
    admin: Any, app: str, dynamodb: DynamoDBClient, tables: Tables, type_: str
) -> None:
    endpoint = registered(admin, app)["id"]
    answer = admin.post(f"/v1/endpoints/{endpoint}/test", {"type": type_}, key=app)
    assert answer.status == 202, answer.json
    (sent,) = admin.get(f"/v1/endpoints/{endpoint}/deliveries", key=app).json["items"]
    assert (sent["event"], sent["type"]) == (answer.json["event"], type_)


@pytest.mark.parametrize("body", [{"type": "rating.gone"}, {"type": None}, {"type": 1}, {"kind": "rating.updated"}])
def test_a_sample_of_an_unknown_event_type_is_refused(admin: Any, app: str, body: dict[str, Any]) -> None:
    endpoint = registered(admin, app)["id"]
    answer = admin.post(f"/v1/endpoints/{endpoint}/test", body, key=app)
    assert (answer.status, list(answer.faults)) == (422, list(body))
    assert admin.get(f"/v1/endpoints/{endpoint}/deliveries", key=app).json["items"] == []
