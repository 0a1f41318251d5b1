"""Lists of usage and comparisons with an app's books: cursors, aliases, voided records, bounded answers."""

import base64
import json
import time
import zlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from fusion_billing.dynamodb.usage.single_write import UsageStore
from fusion_billing.instants import sortable
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline
from local.tables import Tables
from tests.window_records import Keyed, keyed_by_window, name_of, note_by_window

pytestmark = pytest.mark.integration

START = datetime(2026, 11, 3, tzinfo=UTC)
RECEIVED_AT = "2026-11-03T12:00:00Z"
PAIR = {"subscription": "42", "metric": "api_calls"}


class Book:
    """Pushes usage as ingest does."""

    def __init__(self, client: Any, tables: Tables, keyed: Keyed) -> None:
        self.client = client
        self.tables = tables
        self.keyed = keyed
        if keyed == "window":
            note_by_window(client, tables.catalog, "api_calls")
        self._store = UsageStore(client, tables.usage, tables.window_usage)

    def push(self, key: str, *, hours: int = 0, source: str = "src_test", **more: Any) -> None:
        start = START + timedelta(hours=hours)
        push = UsageRecord(
            key=key,
            key_made=False,
            subscription="42",
            metric="api_calls",
            start=sortable(start),
            end=sortable(start + timedelta(hours=1)),
            quantity=Decimal(1),
            number="1",
            **more,
        )
        if self.keyed == "window":
            push = keyed_by_window(push)
        self._store.push(source, push, RECEIVED_AT, Deadline(5, time.monotonic, time.sleep))

    def key_of(self, name: str) -> str:
        """Return the key of the record that was pushed first under a name."""
        return name if self.keyed == "key" else f"window~42~api_calls~20261103T000000Z~20261103T010000Z~{name}"

    def compared(self, *records: str) -> dict[str, Any]:
        """Return an app's books of names and quantities."""
        names = [self.key_of(text) if place % 2 == 0 else text for place, text in enumerate(records)]
        return books(*names)

    def alias(self, alias: str) -> None:
        for name, attributes in {"42": {}, alias: {"alias_of": {"S": "42"}}}.items():
            item: Any = {"pk": {"S": f"S#{name}"}, "sk": {"S": "SUB"}, "plan": {"S": "Pro"}, **attributes}
            self.client.put_item(TableName=self.tables.catalog, Item=item)


@pytest.fixture(params=["key", "window"])
def book(dynamodb: Any, tables: Tables, request: pytest.FixtureRequest) -> Book:
    return Book(dynamodb, tables, request.param)


@pytest.fixture
def key(admin: Any) -> str:
    made: str = admin.key("usage:write", "usage:read")
    return made


def pages(admin: Any, key: str | None = None, **query: str) -> list[list[str]]:
    """Return the keys of each page of a list."""
    found, cursor = [], None
    while True:
        given = PAIR | query | ({"cursor": cursor} if cursor else {})
        answer = admin.get("/v1/usage", query=given, key=key)
        assert answer.status == 200, answer.json
        found.append([name_of(each["idempotency_key"]) for each in answer.json["items"]])
        cursor = answer.json["cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_contain_each_record_once_among_records_of_other_sources(
    admin: Any, book: Book, key: str, limit: int
) -> None:
    for n in range(24):
        book.push(f"own-{n:02d}" if n % 5 == 2 else "theirs", hours=n // 3, source=_source(n))
        book.push(f"x-{n:02d}", hours=n // 3, source="src_other")
    found = pages(admin, key, limit=str(limit))
    assert sorted(chain(*found)) == [f"own-{n:02d}" for n in range(24) if n % 5 == 2]
    assert all(len(page) <= limit for page in found)
    assert len([*chain(*pages(admin, limit=str(limit)))]) == 48


def _source(n: int) -> str:
    return "src_test" if n % 5 == 2 else f"src_o{n}"


def test_no_cursor_reveals_another_sources_record(
    admin: Any, book: Book, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("reading", "window_reading"):
        monkeypatch.setattr(f"fusion_billing.dynamodb.usage.{module}.LEAST_RECORDS", 2)
        monkeypatch.setattr(f"fusion_billing.dynamodb.usage.{module}.MAX_QUERIES", 2)
    for n in range(40):
        book.push(f"secret-{n}", hours=n // 6, source=f"src_other{n % 3}")
    book.push("own-1", hours=0)
    book.push("own-2", hours=3)
    book.push("own-3", hours=6)
    found, cursor = [], None
    while True:
        given = PAIR | {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        answer = admin.get("/v1/usage", query=given, key=key).json
        found += [name_of(each["idempotency_key"]) for each in answer["items"]]
        cursor = answer["cursor"]
        if cursor is None:
            break
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        assert "secret" not in plain
        assert "src_other" not in plain
    assert found == ["own-1", "own-2", "own-3"]


def forged(after: str, query: dict[str, str]) -> str:
    """Return a cursor whose stamp is right, as anyone can make one who reads our code."""
    of = f"/v1/usage?{json.dumps(sorted(query.items()))}"
    stamp = zlib.crc32(f"{of} {after}".encode("utf-8", "surrogatepass"))
    text = f"{stamp:08x}{after}".encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


@pytest.mark.parametrize(
    "after",
    [
        "x",
        "2026-11-03",
        "2026-11-03T00:00:00.000000Z",
        "2026-11-03T00:00:00.000000ZU#src_test#",
        "2026-11-03T00:00:00.000000ZU#src_other#k",
        "2026-11-03T00:00:00.000000ZU#src_test#" + "x" * 3000,
        "2026-11-03T00:00:00.000000ZU#src_test#\udc80",
        "2026-11-03T00:00:00.000000Znonsense",
        "2027-11-03T00:00:00.000000ZU#src_test#k",
        "0000-00-00T00:00:00.000000ZU#src_test#k",
        "9999-99-99T99:99:99.999999ZU#src_test#k",
        "nonsense, but long enough!!U#src_test#k",
        "2026-11-03T00:00:00.000000Z\x00",
        "20261103T000000",
        "20261103T000000#3600#src_test",
        "20261103T000000#3600#src_other",
        "20261103T000000#3600#src_test~" + "x" * 3000,
        "20261103T000000#3600#src_test~\udc80",
        "20261103T000000#nonsense#src_test~k",
        "20271103T000000#3600#src_test~k",
        "99999999T999999#3600#src_test~k",
    ],
)
def test_a_forged_cursor_is_never_a_server_error(admin: Any, book: Book, key: str, after: str) -> None:
    book.push("k")
    query = PAIR | {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
    for voided in ({}, {"voided": "true"}):
        asked = query | voided
        answer = admin.get("/v1/usage", query=asked | {"cursor": forged(after, asked)}, key=key)
        assert answer.status in {200, 400}
        if answer.status == 400:
            assert answer.code == "bad_cursor"


@pytest.mark.parametrize(
    "moved",
    [
        {"from": "2026-11-03T01:00:00Z"},
        {"from": "2026-11-05T00:00:00Z"},
        {"to": "2026-11-03T00:00:00.000001Z"},
        {"metric": "seats"},
        {"subscription": "43"},
        {"voided": "true"},
        {"source": "src_test"},
    ],
)
def test_a_cursor_is_valid_only_for_its_own_list(admin: Any, book: Book, key: str, moved: dict[str, str]) -> None:
    for n in range(3):
        book.push(f"k{n}", hours=n)
    cursor = admin.get("/v1/usage", query=PAIR | {"limit": "1"}, key=key).json["cursor"]
    for limit in ({}, {"limit": "2"}):
        assert admin.get("/v1/usage", query=PAIR | limit | {"cursor": cursor}, key=key).status == 200
    answer = admin.get("/v1/usage", query=PAIR | moved | {"cursor": cursor}, key=key)
    assert (answer.status, answer.code) == (400, "bad_cursor")


def test_a_page_of_the_largest_records_stays_below_the_response_limit(admin: Any, book: Book, key: str) -> None:
    wide = "\U0001f600"
    properties = json.dumps({f"{n:02d}": wide * 240 for n in range(4)}, ensure_ascii=False)
    for n in range(400):
        book.push(f"{n:03d}" + (wide * 253 if book.keyed == "key" else ""), member=wide * 256, properties=properties)
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        given = PAIR | {"limit": "500"} | ({"cursor": cursor} if cursor else {})
        answer = admin.get("/v1/usage", query=given, key=key)
        assert len(json.dumps(answer.json)) < 5_500_000
        found += [each["idempotency_key"] for each in answer.json["items"]]
        cursor = answer.json["cursor"]
    assert len(set(found)) == len(found) == 400


def test_an_alias_lists_and_compares_its_subscription(admin: Any, book: Book, key: str) -> None:
    book.alias("4711")
    book.push("k")
    assert pages(admin, key, subscription="4711") == [["k"]]
    body = book.compared("k", "1") | {"subscription": "4711"}
    assert admin.post("/v1/usage/reconcile", body, key=key).json["equal"] == 1


def books(*records: str) -> dict[str, Any]:
    pairs = zip(records[::2], records[1::2], strict=True)
    listed = [{"idempotency_key": name, "quantity": quantity} for name, quantity in pairs]
    return PAIR | {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z", "records": listed}


def test_a_voided_record_is_reported_as_missing_in_service_and_voided(admin: Any, book: Book, key: str) -> None:
    for name in ("kept", "voided", "forgotten"):
        book.push(name)
    for name in ("voided", "forgotten"):
        admin.delete(f"/v1/usage/{book.key_of(name)}", key=key)
    body = book.compared("kept", "1", "voided", "1", "never", "2")
    answer = admin.post("/v1/usage/reconcile", body, key=key)
    assert answer.json == {
        "missing_in_service": [
            {"idempotency_key": book.key_of("never"), "quantity": "2"},
            {"idempotency_key": book.key_of("voided"), "quantity": "1", "voided": True},
        ],
        "missing_in_app": [],
        "differing": [],
        "equal": 1,
        "totals": {"missing_in_service": 2, "missing_in_app": 0, "differing": 0},
    }


def test_an_operator_reconciles_a_sources_records(admin: Any, book: Book, key: str) -> None:
    book.push("k")
    admin.key("usage:read", source="src_other")
    for source, equal in (("src_test", 1), ("src_other", 0)):
        answer = admin.post("/v1/usage/reconcile", book.compared("k", "1"), query={"source": source})
        assert (answer.status, answer.json["equal"]) == (200, equal)
    for call in (
        admin.post("/v1/usage/reconcile", books(), query={"source": "src_nobody"}),
        admin.get("/v1/usage", query=PAIR | {"source": "src_nobody"}),
        admin.get("/v1/usage", query=PAIR | {"source": "x" * 2000}),
    ):
        assert (call.status, call.faults) == (400, {"source": "unknown_source"})
    answer = admin.post("/v1/usage/reconcile", books(), query={"source": "src_other"}, key=key)
    assert (answer.status, answer.code) == (403, "source_not_allowed")


def test_sixty_thousand_bad_records_are_one_fault(admin: Any, key: str) -> None:
    body = books() | {"records": [{} for _ in range(60_000)]}
    answer = admin.post("/v1/usage/reconcile", body, key=key)
    assert (answer.status, answer.faults) == (422, {"records": "too_many"})
    body["records"] = [{} for _ in range(10_000)]
    answer = admin.post("/v1/usage/reconcile", body, key=key)
    assert (answer.status, len(answer.json["errors"])) == (422, 100)
    assert answer.json["errors_total"] == 20_000
    assert len(json.dumps(answer.json)) < 50_000


def test_200_000_unknown_fields_are_counted(admin: Any, key: str) -> None:
    raw = json.dumps(books() | {f"field_{n}": 1 for n in range(200_000)})
    answer = admin.post("/v1/usage/reconcile", raw=raw, key=key)
    assert (answer.status, len(answer.json["errors"]), answer.json["errors_total"]) == (422, 100, 200_000)


def test_findings_beyond_the_response_limit_are_counted(admin: Any, key: str) -> None:
    wide = "\U0001f600"
    records = [{"idempotency_key": f"{n:05d}{wide * 200}", "quantity": "1"} for n in range(4_000)]
    raw = json.dumps(books() | {"records": records}, ensure_ascii=False)
    answer = admin.post("/v1/usage/reconcile", raw=raw, key=key)
    assert answer.status == 200
    assert answer.json["totals"]["missing_in_service"] == 4_000
    assert 1_000 < len(answer.json["missing_in_service"]) < 4_000
    assert len(json.dumps(answer.json)) < 5_500_000


@pytest.mark.parametrize("operation", ["query", "batch_get_item", "get_item"])
def test_a_database_failure_is_a_503(
    admin: Any, book: Book, key: str, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    monkeypatch.setattr("functions.admin.usage_dependencies._SECONDS_OF_A_WRITE", 0.05)
    book.push("k")
    path = f"/v1/usage/{book.key_of('k')}"
    assert admin.get(path, key=key).status == 200  # the key is remembered for a second
    real = getattr(book.client, operation)

    def lost(**arguments: Any) -> Any:
        if "KEY#" in str(arguments):
            return real(**arguments)
        raise EndpointConnectionError(endpoint_url="http://database")

    with monkeypatch.context() as broken:
        broken.setattr(book.client, operation, lost)
        answers = [
            admin.get("/v1/usage", query=PAIR, key=key),
            admin.post("/v1/usage/reconcile", book.compared("k", "1"), key=key),
            admin.get(path, key=key),
            admin.delete(path, key=key),
        ]
    touched = answers[2:] if operation == "get_item" else answers[:2]
    assert {(answer.status, answer.code) for answer in touched} == {(503, "unavailable")}
