"""Statements over HTTP: listed, shown, proven; a tampered one is refused."""

import json
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.dynamodb.ratings.statements import AlreadyClosed, StatementStore
from fusion_billing.statements import verify
from fusion_billing.statements.statement import Period, StatementJson, StatementLine, statement_document
from local.tables import Tables
from tests.rating_definitions import subscription_body

if TYPE_CHECKING:
    from tests.integration.admin.conftest import Admin

pytestmark = pytest.mark.integration

PATH = "/v1/subscriptions/42/statements"
SUBSCRIPTION = subscription_body(customer_name="A customer")


def document(month: int, previous: str | None) -> StatementJson:
    start = datetime(2026, month, 1, tzinfo=UTC)
    end = datetime(2026, month + 1, 1, tzinfo=UTC)
    period = Period("42", "A customer", "Pro", "USD", "UTC", 42, start, end, end)
    rated = Decimal("99.50")
    line = StatementLine(f"42~{month}~api", "api", "API calls", "calls", "1250", rated, rated, invoiced_from="invoice")
    return statement_document(period, [line], previous_hash=previous, closed_at=end)


@pytest.fixture
def store(admin: "Admin", dynamodb: DynamoDBClient, tables: Tables) -> StatementStore:
    """Three closed months of a subscription."""
    assert admin.put("/v1/subscriptions/42", SUBSCRIPTION).status == 201
    made = StatementStore(dynamodb, tables.ratings)
    previous = None
    for month in (8, 9, 10):
        statement = document(month, previous)
        made.put(statement)
        previous = statement["hash"]
    return made


def test_statements_are_listed_newest_first_with_valid_hashes(
    admin: "Admin", store: StatementStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = admin.get(PATH, query=query).json
        items, cursor = items + page["items"], page["cursor"]
    assert [item["period_start"][:7] for item in items] == ["2026-10", "2026-09", "2026-08"]
    file = tmp_path / "statements.json"
    file.write_text(json.dumps({"items": items}))
    assert verify.main([str(file)]) == 0
    assert capsys.readouterr().out == "3 statements are valid\n"


def test_a_statement_is_shown_by_its_period(admin: "Admin", store: StatementStore) -> None:
    shown = admin.get(f"{PATH}/2026-09-01T00:00:00Z").json
    assert shown == store.get("42", datetime(2026, 9, 1, tzinfo=UTC))
    assert admin.get(f"{PATH}/2026-11-01T00:00:00Z").status == 404
    assert admin.get(f"{PATH}/yesterday").status == 404
    assert admin.get("/v1/subscriptions/43/statements").status == 404


@pytest.mark.parametrize("cursor", ["nonsense", "AAAA", "Zm9yZ2Vk"])
def test_a_forged_cursor_is_refused(admin: "Admin", store: StatementStore, cursor: str) -> None:
    refused = admin.get(PATH, query={"cursor": cursor})
    assert (refused.status, refused.code) == (400, "bad_cursor")


def test_a_period_is_closed_once(store: StatementStore) -> None:
    with pytest.raises(AlreadyClosed):
        store.put(document(9, None))
    latest = store.latest("42")
    assert latest is not None
    assert latest["period_start"] == "2026-10-01T00:00:00Z"


@pytest.mark.parametrize("changed", ["amount", "hash", "place", "rubbish"])
def test_a_tampered_statement_is_refused(
    admin: "Admin", store: StatementStore, dynamodb: DynamoDBClient, tables: Tables, changed: str
) -> None:
    september: Any = {"pk": {"S": "T#42"}, "sk": {"S": "2026-09-01T00:00:00.000000Z"}}
    item: Any = dynamodb.get_item(TableName=tables.ratings, Key=september)["Item"]
    text = zlib.decompress(item["doc"]["B"])
    if changed == "amount":
        item["doc"] = {"B": zlib.compress(text.replace(b"99.50", b"98.50"))}
    elif changed == "hash":
        item["hash"] = {"S": "0" * 64}
    elif changed == "place":
        other = store.get("42", datetime(2026, 10, 1, tzinfo=UTC))
        assert other is not None
        item |= {"doc": {"B": zlib.compress(json.dumps(other).encode())}, "hash": {"S": other["hash"]}}
    else:
        item["doc"] = {"B": b"rubbish"}
    dynamodb.put_item(TableName=tables.ratings, Item=item)

    for path in (PATH, f"{PATH}/2026-09-01T00:00:00Z"):
        refused = admin.get(path)
        assert (refused.status, refused.code) == (409, "statement_tampered")


def test_a_limited_source_sees_only_statements_within_its_limits(admin: "Admin", store: StatementStore) -> None:
    plans = admin.key("ratings:read", source="src_plan", plans=frozenset({"Basic"}))
    assert admin.get(PATH, key=plans).status == 404
    metrics = admin.key("ratings:read", source="src_metric", metrics=frozenset({"calls"}))
    assert admin.get(PATH, key=metrics).status == 403
    assert admin.get(PATH, key=admin.key("usage:read")).status == 403
