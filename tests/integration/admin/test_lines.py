"""`/v1/lines` and `/v1/subscriptions/sync` over HTTP."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.admin import odoo_dependencies
from fusion_billing.billing.decisions import NewVersion
from fusion_billing.billing.rating import RatingKey, computed_rating
from fusion_billing.dynamodb.ratings.guarded_lines import GuardedLines
from fusion_billing.dynamodb.ratings.order_line_items import Put
from fusion_billing.dynamodb.ratings.order_lines import LineStore
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.instants import rfc3339
from fusion_billing.odoo_lines.line_guard import ITSELF, Note, notes_text
from local.odoo.server import Server, serve
from local.tables import Tables
from tests.rating_documents import document

pytestmark = pytest.mark.integration

START = datetime(2026, 11, 1, tzinfo=UTC)


class Secrets:
    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803
        return {"SecretString": "relay-key"}


@pytest.fixture
def odoo(tmp_path: Path, admin: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A stand-in Odoo with one subscription, known to the function."""
    with serve(tmp_path / "odoo.sqlite3") as server:
        server.admin.seed(
            {
                "sale.subscription.plan": [{"id": 1, "name": "Pro"}],
                "res.partner": [{"id": 6, "name": "A customer"}],
                "sale.order": [
                    {
                        "id": 41,
                        "partner_id": 6,
                        "state": "sale",
                        "is_subscription": True,
                        "subscription_state": "3_progress",
                        "plan_id": 1,
                        "start_date": "2026-10-01",
                        "next_invoice_date": "2026-12-01",
                    }
                ],
            }
        )
        server.admin.add_user("relay", "all_documents")
        server.admin.add_key("relay", "relay-key")
        monkeypatch.setenv("ODOO_URL", server.url)
        monkeypatch.setenv("ODOO_DATABASE", "demo")
        monkeypatch.setenv("ODOO_API_KEY_SECRET_ARN", "arn:secret")
        monkeypatch.setattr("fusion_billing.odoo.configuration.client.make", lambda *_: Secrets())
        odoo_dependencies.odoo.cache_clear()
        yield server
        odoo_dependencies.odoo.cache_clear()


@pytest.fixture
def failed(dynamodb: DynamoDBClient, tables: Tables, admin: Any) -> list[str]:
    """Three failed lines; their public ids, the longest failed first."""
    ratings = RatingsStore(dynamodb, tables.ratings, line_partitions=8)
    store = LineStore(dynamodb, tables.ratings)
    made = []
    for number, charge in enumerate(("api_calls", "seats", "storage")):
        key = RatingKey("41", START, charge)
        ratings.save(
            NewVersion(computed_rating(key, document(charge=charge, odoo_order_id=41)), 1, "due", frozenset()),
            stored=None,
            odoo_order_id=41,
            now=admin.now,
        )
        store.fail(store.get(key), "order_locked", "the order S00041 is locked", admin.now.replace(hour=number))
        made.append(key.line)
    return made


def test_failed_lines_are_shown_with_the_reason(admin: Any, failed: list[str]) -> None:
    answer = admin.get("/v1/lines", query={"state": "failed"})
    assert [line["id"] for line in answer.json["items"]] == failed
    first = answer.json["items"][0]
    assert first["error"] == {"code": "order_locked", "message": "the order S00041 is locked"}
    assert (first["state"], first["amount"], first["odoo_order_id"]) == ("failed", "1.00", 41)
    assert admin.get("/v1/lines", query={"state": "due"}).json["items"] == []


def test_lines_come_in_pages(admin: Any, failed: list[str]) -> None:
    first = admin.get("/v1/lines", query={"state": "failed", "limit": "2"}).json
    rest = admin.get("/v1/lines", query={"state": "failed", "limit": "2", "cursor": first["cursor"]}).json
    assert [line["id"] for line in first["items"] + rest["items"]] == failed
    assert rest["cursor"] is None


@pytest.fixture
def sent(dynamodb: DynamoDBClient, tables: Tables, failed: list[str], admin: Any) -> list[str]:
    """Two lines of other subscriptions that Odoo holds, one of them invoiced; their public ids."""
    del failed
    ratings = RatingsStore(dynamodb, tables.ratings, line_partitions=8)
    store = LineStore(dynamodb, tables.ratings)
    made = []
    for subscription in ("42", "43"):
        key = RatingKey(subscription, START, "api_calls")
        new = NewVersion(computed_rating(key, document(odoo_order_id=int(subscription))), 1, "due", frozenset())
        ratings.save(new, stored=None, odoo_order_id=int(subscription), now=admin.now)
        assert store.sent(store.get(key), Put(7, int(subscription), "1.00", "d"), admin.now) == "sent"
        made.append(key.line)
    [frozen] = ratings.in_period("43", START)
    ratings.freeze(frozen)
    return made


def test_sent_lines_are_found_without_an_index_of_their_own(admin: Any, sent: list[str]) -> None:
    found = admin.get("/v1/lines", query={"state": "sent"}).json["items"]
    assert sorted(line["id"] for line in found) == sent
    assert {line["state"] for line in found} == {"sent"}
    assert {(line["odoo_line_id"], line["sent_amount"], line["sent_at"]) for line in found} == {
        (7, "1.00", rfc3339(admin.now))
    }
    assert [line.get("due_at") for line in found] == [None, None]


def test_sent_lines_come_in_pages(admin: Any, sent: list[str]) -> None:
    found: list[str] = []
    query = {"state": "sent", "limit": "1"}
    while True:
        page = admin.get("/v1/lines", query=query).json
        found += [line["id"] for line in page["items"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert sorted(found) == sent


def test_sent_lines_are_those_of_periods_that_end_within_a_time(admin: Any, sent: list[str]) -> None:
    query = {"state": "sent", "period_end_from": "2026-12-01", "period_end_to": "2026-12-02"}
    assert len(admin.get("/v1/lines", query=query).json["items"]) == len(sent)
    query = {"state": "sent", "period_end_from": "2026-11-01", "period_end_to": "2026-12-01"}
    assert admin.get("/v1/lines", query=query).json["items"] == []
    answer = admin.get("/v1/lines", query={**query, "period_end_to": "2026-11-01"})
    assert (answer.status, answer.faults) == (400, {"period_end_to": "out_of_range"})


def test_other_states_take_no_period(admin: Any) -> None:
    answer = admin.get("/v1/lines", query={"state": "due", "period_end_from": "2026-12-01"})
    assert (answer.status, answer.faults) == (400, {"period_end_from": "invalid_parameter"})


@pytest.mark.parametrize("cursor", ["nonsense", "[1]"])
def test_a_cursor_of_sent_lines_is_checked(admin: Any, cursor: str) -> None:
    answer = admin.get("/v1/lines", query={"state": "sent", "cursor": cursor})
    assert (answer.status, answer.code) == (400, "bad_cursor")


def test_lines_are_listed_as_csv(admin: Any, failed: list[str]) -> None:
    answer = admin.get("/v1/lines", query={"state": "failed", "bom": "true"}, headers={"accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert answer.text.startswith("\ufeff")
    assert [row["id"] for row in rows] == failed
    assert {(row["error.code"], row["amount"]) for row in rows} == {("order_locked", "1.00")}


def test_a_failed_line_is_tried_again_at_once(admin: Any, failed: list[str]) -> None:
    answer = admin.post(f"/v1/lines/{failed[1]}/retry")
    assert (answer.status, answer.json["state"], answer.json.get("error")) == (202, "due", None)
    assert [body for _, body in admin.messages] == [{"job": "lines"}]
    assert [line["id"] for line in admin.get("/v1/lines", query={"state": "due"}).json["items"]] == [failed[1]]


@pytest.mark.parametrize(
    "line",
    ["41~20261101T000000Z~nothing", "nonsense", "41~20261341T000000Z~api_calls", "41~20261101T000000Z"],
)
def test_an_unknown_line_is_a_404(admin: Any, line: str) -> None:
    assert admin.post(f"/v1/lines/{line}/retry").status == 404


def test_an_unknown_state_is_refused_by_name(admin: Any) -> None:
    assert admin.get("/v1/lines", query={"state": "lost"}).faults == {"state": "invalid_parameter"}


def test_lines_need_the_scope_admin(admin: Any, failed: list[str]) -> None:
    key = admin.key("catalog:write", source="src_other")
    for answer in (
        admin.get("/v1/lines", key=key),
        admin.post(f"/v1/lines/{failed[0]}/retry", key=key),
        admin.post("/v1/lines/reconcile", {}, key=key),
        admin.post("/v1/subscriptions/sync", key=key),
    ):
        assert answer.status == 403


def test_subscriptions_are_read_on_demand(admin: Any, odoo: Server) -> None:
    answer = admin.post("/v1/subscriptions/sync")
    assert (answer.status, answer.json["created"], answer.json["complete"]) == (200, 1, True)
    assert admin.get("/v1/subscriptions/41").json["plan"] == "Pro"
    assert admin.post("/v1/subscriptions/sync", {"full": True}).json["unchanged"] == 1


def test_a_key_that_odoo_refuses_is_reported(admin: Any, odoo: Server) -> None:
    odoo.admin.revoke_key("relay-key")
    answer = admin.post("/v1/subscriptions/sync")
    assert (answer.status, answer.code) == (503, "odoo_key_rejected")


def test_a_missing_odoo_configuration_is_reported(admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODOO_URL", "")
    odoo_dependencies.odoo.cache_clear()
    answer = admin.post("/v1/subscriptions/sync")
    assert (answer.status, answer.code) == (503, "odoo_not_configured")


def test_lines_are_compared_on_demand(admin: Any, odoo: Server) -> None:
    admin.post("/v1/subscriptions/sync")
    answer = admin.post("/v1/lines/reconcile", {"subscription": "41", "repair": False})
    assert (answer.status, answer.json["compared"], answer.json["complete"]) == (200, 0, True)
    assert admin.post("/v1/lines/reconcile").json["findings"] == []


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"repair": "yes"}, {"repair": "not_a_boolean"}),
        ({"subscription": 41}, {"subscription": "not_a_string"}),
        ({"period_start": "2026-11-01"}, {"period_start": "not_an_instant"}),
        ({"cursor": "there"}, {"cursor": "bad_cursor"}),
        ({"sub": "41"}, {"sub": "unknown_field"}),
    ],
)
def test_an_invalid_comparison_is_refused(
    admin: Any, odoo: Server, body: dict[str, Any], faults: dict[str, str]
) -> None:
    assert admin.post("/v1/lines/reconcile", body).faults == faults


def test_lines_that_need_a_final_invoice_are_listed(
    admin: Any, dynamodb: DynamoDBClient, tables: Tables, failed: list[str]
) -> None:
    dynamodb.update_item(
        TableName=tables.ratings,
        Key={"pk": {"S": "R#41#2026-11-01T00:00:00Z"}, "sk": {"S": "seats"}},
        UpdateExpression="SET line_state = :final, line_pk = :final, line_at = :at REMOVE line_error",
        ExpressionAttributeValues={
            ":final": {"S": "final_invoice"},
            ":at": {"S": "2026-11-20T10:00:00.000000Z"},
        },
    )
    items = admin.get("/v1/lines", query={"state": "final_invoice"}).json["items"]
    assert [(line["id"], line["state"], line["sent_at"]) for line in items] == [
        (failed[1], "final_invoice", "2026-11-20T10:00:00Z")
    ]


def test_lines_that_were_changed_in_odoo_are_listed_with_both_amounts(
    admin: Any, dynamodb: DynamoDBClient, tables: Tables, failed: list[str]
) -> None:
    store = GuardedLines(dynamodb, tables.ratings)
    found = Note(("subtotal", "price"), "1.00", "2497.50", 41, "reported", admin.now, "LINE_GUARD is report")
    for charge in ("seats", "storage"):
        key = RatingKey("41", START, charge)
        store.sent(store.get(key), Put(981, 41, "1.00", "digest"), admin.now)
        assert store.note(store.get(key), notes_text({ITSELF: found}), admin.now)
    key = RatingKey("41", START, "storage")
    assert store.clear(store.get(key), None)
    [line] = admin.get("/v1/lines", query={"state": "changed"}).json["items"]
    assert (line["id"], line["state"], "due_at" in line) == (failed[1], "sent", False)
    assert line["changes_in_odoo"] == [
        {
            "odoo_line_id": 981,
            "odoo_order_id": 41,
            "found": ["subtotal", "price"],
            "amount": "1.00",
            "odoo_amount": "2497.50",
            "action": "reported",
            "reason": "LINE_GUARD is report",
            "detected_at": "2026-11-15T12:00:00Z",
            "repaired_at": [],
        }
    ]
    assert admin.get(f"/v1/lines/{failed[1]}").json["changes_in_odoo"] == line["changes_in_odoo"]
    assert "changes_in_odoo" not in admin.get(f"/v1/lines/{failed[2]}").json
