"""Looking at usage: a record with its revisions, a pair's records, reconciliation."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from fusion_billing.dynamodb.usage.single_write import UsageStore
from fusion_billing.instants import sortable
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline
from local.tables import Tables

pytestmark = pytest.mark.integration

START = datetime(2026, 11, 3, tzinfo=UTC)


class Book:
    """Pushes usage as ingest does."""

    def __init__(self, store: UsageStore) -> None:
        self._store = store

    def push(
        self, key: str, quantity: str, *, day: int = 0, source: str = "src_test", at: str = "t", **more: Any
    ) -> None:
        start = START + timedelta(days=day)
        push = UsageRecord(
            key=key,
            key_made=False,
            subscription="42",
            metric="api_calls",
            start=sortable(start),
            end=sortable(start + timedelta(days=1)),
            quantity=Decimal(quantity),
            number=quantity,
            **more,
        )
        self._store.push(source, push, at, Deadline(5, time.monotonic, time.sleep))


@pytest.fixture
def book(dynamodb: Any, tables: Tables) -> Book:
    return Book(UsageStore(dynamodb, tables.usage, tables.window_usage))


def test_a_record_is_shown_with_each_revision(admin: Any, book: Book) -> None:
    book.push("k", "10", sequence=1, at="2026-11-03T00:00:01Z")
    book.push("k", "12.50", sequence=2, member="user-1", at="2026-11-03T00:00:02Z")
    answer = admin.get("/v1/usage/k", key=admin.key("usage:read"))
    assert answer.status == 200
    assert answer.json == {
        "idempotency_key": "k",
        "source": "src_test",
        "subscription": "42",
        "metric": "api_calls",
        "period_start": "2026-11-03T00:00:00Z",
        "period_end": "2026-11-04T00:00:00Z",
        "quantity": "12.5",
        "revision": 2,
        "member": "user-1",
        "sequence": 2,
        "received_at": "2026-11-03T00:00:02Z",
        "history": [
            {"revision": 1, "quantity": "10", "sequence": 1, "received_at": "2026-11-03T00:00:01Z"},
            {
                "revision": 2,
                "quantity": "12.5",
                "sequence": 2,
                "member": "user-1",
                "received_at": "2026-11-03T00:00:02Z",
            },
        ],
    }


@pytest.mark.parametrize("key", ["nexa:42:api_calls:2026-11-03", "a/b/c", "a b", "ä#€", "?x=1&y", "reconcile"])
def test_any_idempotency_key_can_be_read(admin: Any, book: Book, key: str) -> None:
    book.push(key, "1")
    answer = admin.get(f"/v1/usage/{quote(key, safe='')}", key=admin.key("usage:read"))
    assert (answer.status, answer.json["idempotency_key"]) == (200, key)


def test_another_sources_record_is_not_found(admin: Any, book: Book) -> None:
    book.push("k", "1", source="src_other")
    key = admin.key("usage:read")
    assert admin.get("/v1/usage/k", key=key).status == 404
    answer = admin.get("/v1/usage/k", key=key, query={"source": "src_other"})
    assert (answer.status, answer.code) == (403, "source_not_allowed")
    assert admin.get("/v1/usage/k", query={"source": "src_other"}).status == 200
    assert admin.get("/v1/usage/k").status == 404


def test_a_pair_s_records_page_by_the_start_of_their_windows(admin: Any, book: Book) -> None:
    for day in (2, 0, 4, 1, 3):
        book.push(f"day-{day}", str(day), day=day)
    book.push("theirs", "9", source="src_other")
    key = admin.key("usage:read")
    query = {"subscription": "42", "metric": "api_calls", "from": "2026-11-04T00:00:00Z"}
    query |= {"to": "2026-11-07T00:00:00+00:00", "limit": "2"}
    first = admin.get("/v1/usage", query=query, key=key).json
    assert [each["idempotency_key"] for each in first["items"]] == ["day-1", "day-2"]
    second = admin.get("/v1/usage", query={**query, "cursor": first["cursor"]}, key=key).json
    assert [each["idempotency_key"] for each in second["items"]] == ["day-3"]
    pair = {"subscription": "42", "metric": "api_calls"}
    assert len(admin.get("/v1/usage", query=pair, key=key).json["items"]) == 5
    assert len(admin.get("/v1/usage", query=pair).json["items"]) == 6


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"metric": "api_calls"}, "subscription"),
        ({"subscription": "42"}, "metric"),
        ({"subscription": "a#b", "metric": "m"}, "subscription"),
        ({"subscription": "42", "metric": "m", "from": "yesterday"}, "from"),
        ({"subscription": "42", "metric": "m", "from": "2026-11-04T00:00:00"}, "from"),
        (
            {
                "subscription": "42",
                "metric": "m",
                "from": "2026-11-04T00:00:00Z",
                "to": "2026-11-03T00:00:00Z",
            },
            "to",
        ),
        ({"subscription": "42", "metric": "m", "colour": "red"}, "colour"),
    ],
)
def test_an_invalid_parameter_is_refused_by_name(admin: Any, query: dict[str, str], field: str) -> None:
    answer = admin.get("/v1/usage", query=query)
    assert (answer.status, answer.code) == (400, "invalid_parameter")
    assert list(answer.faults) == [field]


def test_reconciling_reports_missing_and_differing_records(admin: Any, book: Book) -> None:
    book.push("same", "1.50")
    book.push("differs", "2")
    book.push("only-in-service", "3")
    book.push("later", "4", day=9)
    book.push("theirs", "5", source="src_other")
    body = {
        "subscription": "42",
        "metric": "api_calls",
        "from": "2026-11-03T00:00:00Z",
        "to": "2026-11-04T00:00:00Z",
        "records": [
            {"idempotency_key": "same", "quantity": 1.5},
            {"idempotency_key": "differs", "quantity": "2.5"},
            {"idempotency_key": "only-in-app", "quantity": "6"},
        ],
    }
    answer = admin.post("/v1/usage/reconcile", body, key=admin.key("usage:read"))
    assert answer.status == 200
    assert answer.json == {
        "missing_in_service": [{"idempotency_key": "only-in-app", "quantity": "6"}],
        "missing_in_app": [{"idempotency_key": "only-in-service", "quantity": "3"}],
        "differing": [{"idempotency_key": "differs", "in_service": "2", "in_app": "2.5"}],
        "equal": 1,
        "totals": {"missing_in_service": 1, "missing_in_app": 1, "differing": 1},
    }


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"from": None}, {"from": "missing"}),
        ({"to": "2026-11-03T00:00:00Z"}, {"to": "invalid_window"}),
        ({"records": [{"idempotency_key": "", "quantity": 1}]}, {"records.0.idempotency_key": "empty"}),
        ({"records": [{"idempotency_key": "a", "quantity": -1}]}, {"records.0.quantity": "negative"}),
        (
            {"records": [{"idempotency_key": "a", "quantity": 1}] * 2},
            {"records.1.idempotency_key": "duplicate"},
        ),
        ({"colour": "red"}, {"colour": "unknown_field"}),
    ],
)
def test_an_invalid_reconciliation_is_refused_by_field(
    admin: Any, changes: dict[str, Any], faults: dict[str, str]
) -> None:
    body = {
        "subscription": "42",
        "metric": "api_calls",
        "from": "2026-11-03T00:00:00Z",
        "to": "2026-11-04T00:00:00Z",
        "records": [],
        **changes,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    answer = admin.post("/v1/usage/reconcile", sent)
    assert (answer.status, answer.faults) == (422, faults)


def test_reading_needs_its_scope(admin: Any) -> None:
    key = admin.key("usage:write")
    for method, path in [("GET", "/v1/usage/k"), ("GET", "/v1/usage"), ("POST", "/v1/usage/reconcile")]:
        assert admin.call(method, path, key=key).status == 403
