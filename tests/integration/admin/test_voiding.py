"""Taking records back: `DELETE /v1/usage/{key}`, and an operator that does it for a source."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import EndpointConnectionError

from fusion_billing.dynamodb.usage.batch_write import UsageBatch
from fusion_billing.dynamodb.usage.metric_keying import MetricKeying
from fusion_billing.dynamodb.usage.pair_records import UsageRecords
from fusion_billing.dynamodb.usage.single_write import UsageStore
from fusion_billing.instants import sortable
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline
from local.tables import Tables

pytestmark = pytest.mark.integration

START = datetime(2026, 11, 3, tzinfo=UTC)
MONTH = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
PAIR = {"subscription": "42", "metric": "api_calls"}


class Usage:
    """The usage table, as ingest writes it and rating reads it."""

    def __init__(self, client: Any, tables: Tables) -> None:
        self.client = client
        self.tables = tables

    def push(self, quantity: str = "10", *, key: str = "k", source: str = "src_test", **more: Any) -> str:
        push = UsageRecord(
            key=key,
            key_made=False,
            subscription="42",
            metric="api_calls",
            start=sortable(START),
            end=sortable(START + timedelta(days=1)),
            quantity=Decimal(quantity),
            number=quantity,
            **more,
        )
        deadline = Deadline(5, time.monotonic, time.sleep)
        single = UsageStore(self.client, self.tables.usage, self.tables.window_usage).push(source, push, "t", deadline)
        other = UsageRecord(**{name: getattr(push, name) for name in UsageRecord.__slots__} | {"key": f"beside-{key}"})
        batch = UsageBatch(self.client, self.tables.usage, self.tables.window_usage).push(
            source, [push, other], "t", deadline
        )
        assert batch[0].outcome == ("unchanged" if single.outcome in {"created", "updated"} else single.outcome)
        return single.outcome

    def counted(self) -> dict[str, str]:
        """Return what rating sees, but for the records pushed beside."""
        records = UsageRecords(
            self.client, self.tables.usage, self.tables.window_usage, MetricKeying(self.client, self.tables.catalog)
        ).between("42", "api_calls", *MONTH)
        return {r.key: str(r.quantity) for r in records if "beside" not in r.key}

    def item(self, key: str = "k", source: str = "src_test") -> dict[str, Any]:
        pk = {"pk": {"S": f"U#{source}#{key}"}}
        found: dict[str, Any] = self.client.get_item(TableName=self.tables.usage, Key=pk)["Item"]
        return found

    def markers(self) -> list[str]:
        return [item["sk"]["S"] for item in self.client.scan(TableName=self.tables.markers)["Items"]]


@pytest.fixture
def usage(dynamodb: Any, tables: Tables) -> Usage:
    return Usage(dynamodb, tables)


@pytest.fixture
def key(admin: Any) -> str:
    made: str = admin.key("usage:write", "usage:read")
    return made


def test_a_voided_record_counts_no_more_and_is_still_there(admin: Any, usage: Usage, key: str) -> None:
    usage.push(sequence=3, member="user-1")
    answer = admin.delete("/v1/usage/k", body={"reason": "pushed by a test"}, key=key)
    assert (answer.status, answer.json) == (200, {"outcome": "voided", "revision": 2})
    assert usage.counted() == {}
    assert usage.markers() == ["!42#api_calls#2026-11"]
    shown = admin.get("/v1/usage/k", key=key).json
    assert (shown["voided"], shown["quantity"], shown["revision"]) == (True, "10", 2)
    actor = key.split("_")[1]
    assert shown["history"][1] == {
        "revision": 2,
        "voided": True,
        "reason": "pushed by a test",
        "actor": actor,
        "received_at": "2026-11-15T12:00:00Z",
    }
    assert shown["history"][0] == {
        "revision": 1,
        "quantity": "10",
        "sequence": 3,
        "member": "user-1",
        "received_at": "t",
    }


def test_voiding_again_changes_nothing(admin: Any, usage: Usage, key: str) -> None:
    usage.push()
    admin.delete("/v1/usage/k", key=key)
    for body in (None, {"reason": "again"}):
        answer = admin.delete("/v1/usage/k", body=body, key=key)
        assert (answer.status, answer.json) == (200, {"outcome": "unchanged", "revision": 2})
    assert len(usage.item()["hist"]["L"]) == 2


@pytest.mark.parametrize(
    "case",
    [
        ({}, {}, "updated"),
        ({}, {"quantity": "12"}, "updated"),
        ({}, {"sequence": 1}, "updated"),
        ({"sequence": 3}, {}, "updated"),
        ({"sequence": 3}, {"sequence": 4}, "updated"),
        ({"sequence": 3}, {"sequence": 3}, "stale"),
        ({"sequence": 3}, {"sequence": 2, "quantity": "12"}, "stale"),
        ({}, {"properties": '{"region":"eu"}'}, "conflict"),
    ],
)
def test_a_push_after_the_voiding_counts_where_it_is_newer(
    admin: Any, usage: Usage, key: str, case: tuple[Any, Any, str]
) -> None:
    stored, pushed, outcome = case
    usage.push(**stored)
    admin.delete("/v1/usage/k", key=key)
    assert usage.push(**pushed) == outcome
    if outcome == "updated":
        assert usage.counted() == {"src_test#k": pushed.get("quantity", "10")}
        assert "voided" not in usage.item()
        assert admin.get("/v1/usage/k", key=key).json["revision"] == 3
        assert admin.delete("/v1/usage/k", key=key).json == {"outcome": "voided", "revision": 4}
    else:
        assert usage.counted() == {}
        assert "voided" in usage.item()


def test_voided_records_are_listed_apart(admin: Any, usage: Usage, key: str) -> None:
    for name in ("a", "b", "c"):
        usage.push(key=name)
        admin.delete(f"/v1/usage/beside-{name}", key=key)
    admin.delete("/v1/usage/b", key=key)

    def listed(**more: str) -> list[str]:
        answer = admin.get("/v1/usage", query={**PAIR, **more}, key=key)
        assert answer.status == 200
        assert {each.get("voided", False) for each in answer.json["items"]} == {more.get("voided") == "true"}
        return sorted(each["idempotency_key"] for each in answer.json["items"])

    assert listed() == listed(voided="false") == ["a", "c"]
    assert listed(voided="true") == ["b", "beside-a", "beside-b", "beside-c"]
    answer = admin.get("/v1/usage", query={**PAIR, "voided": "yes"}, key=key)
    assert (answer.status, answer.faults) == (400, {"voided": "invalid_parameter"})


def test_an_operator_voids_and_reads_a_source_s_record(admin: Any, usage: Usage, key: str) -> None:
    usage.push()
    answer = admin.delete("/v1/usage/k", query={"source": "src_test"})
    assert answer.json == {"outcome": "voided", "revision": 2}
    assert usage.counted() == {}
    assert admin.get("/v1/usage/k", key=key).json["history"][1]["actor"] == admin.default_key.split("_")[1]


def test_another_sources_record_is_not_found_and_not_voided(admin: Any, usage: Usage, key: str) -> None:
    usage.push(source="src_other")
    answer = admin.delete("/v1/usage/k", query={"source": "src_other"}, key=key)
    assert (answer.status, answer.code) == (403, "source_not_allowed")
    for answer in (admin.delete("/v1/usage/k", key=key), admin.delete("/v1/usage/k")):
        assert (answer.status, answer.code) == (404, "not_found")
    for method in ("GET", "DELETE"):
        answer = admin.call(method, "/v1/usage/k", query={"source": "src_nobody"})
        assert (answer.status, answer.code) == (404, "unknown_source")
    assert usage.counted() == {"src_other#k": "10"}
    assert usage.markers() == []


@pytest.mark.parametrize("path", ["x" * 2000, "x" * 257, "ä" * 2000, "a%0Ab", "%00", "%FF"])
def test_an_odd_idempotency_key_never_causes_a_server_error(admin: Any, key: str, path: str) -> None:
    path = quote(path, safe="%")
    for method in ("GET", "DELETE"):
        assert admin.call(method, f"/v1/usage/{path}", key=key).status == 404
        answer = admin.call(method, "/v1/usage/k", query={"source": path[:2000]})
        assert (answer.status, answer.code) == (404, "unknown_source")


@pytest.mark.parametrize(
    "case",
    [
        ({"reason": ""}, "reason", "empty"),
        ({"reason": 7}, "reason", "not_a_string"),
        ({"reason": "x" * 257}, "reason", "too_long"),
        ({"reason": "a\nb"}, "reason", "invalid_characters"),
        ({"why": "x"}, "why", "unknown_field"),
    ],
)
def test_an_invalid_reason_voids_nothing(admin: Any, usage: Usage, key: str, case: tuple[Any, str, str]) -> None:
    body, field, code = case
    usage.push()
    answer = admin.delete("/v1/usage/k", body=body, key=key)
    assert (answer.status, answer.faults) == (422, {field: code})
    assert usage.counted() == {"src_test#k": "10"}


def test_voiding_needs_the_scope_of_pushing(admin: Any, usage: Usage) -> None:
    usage.push()
    answer = admin.delete("/v1/usage/k", key=admin.key("usage:read"))
    assert (answer.status, answer.code) == (403, "missing_scope")


def test_a_full_history_is_cut_and_the_voiding_is_stored(admin: Any, usage: Usage, key: str) -> None:
    store = UsageStore(usage.client, usage.tables.usage, usage.tables.window_usage)
    for n in range(100):
        usage_push = UsageRecord("k", False, "42", "api_calls", sortable(START), sortable(START), Decimal(n), str(n))
        store.push("src_test", usage_push, "t", Deadline(5, time.monotonic, time.sleep))
    assert admin.delete("/v1/usage/k", key=key).json == {"outcome": "voided", "revision": 101}
    history = admin.get("/v1/usage/k", key=key).json["history"]
    assert (len(history), history[-1]["voided"], history[-2]["quantity"]) == (51, True, "99")


def test_a_record_of_an_earlier_format_can_be_voided_and_corrected(admin: Any, usage: Usage, key: str) -> None:
    start, end = sortable(START), sortable(START + timedelta(days=1))
    entry = {"M": {"q": {"N": "10"}, "at": {"S": "2026-11-03T00:00:01Z"}}}
    usage.client.put_item(
        TableName=usage.tables.usage,
        Item={
            "pk": {"S": "U#src_test#k"},
            "tgt": {"S": f"42#api_calls#{start}#{end}#"},
            "pair": {"S": "42#api_calls"},
            "ws": {"S": start},
            "we": {"S": end},
            "q": {"N": "10"},
            "rev": {"N": "1"},
            "at": {"S": "2026-11-03T00:00:01Z"},
            "hist": {"L": [entry]},
        },
    )
    assert usage.counted() == {"src_test#k": "10"}
    assert admin.get("/v1/usage/k", key=key).json["history"][0]["quantity"] == "10"
    assert usage.push("10") == "unchanged"
    assert usage.push("11") == "updated"
    assert admin.delete("/v1/usage/k", key=key).json == {"outcome": "voided", "revision": 3}
    assert usage.push("12") == "updated"
    assert usage.counted() == {"src_test#k": "12"}


def test_a_record_is_not_voided_if_its_change_marker_cannot_be_written(
    admin: Any, usage: Usage, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage.push()
    monkeypatch.setattr("functions.admin.usage_dependencies._SECONDS_OF_A_WRITE", 0.05)

    def lost(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://database")

    for operation in ("put_item", "update_item"):
        with monkeypatch.context() as broken:
            broken.setattr(usage.client, operation, lost)
            answer = admin.delete("/v1/usage/k", key=key)
        assert (answer.status, answer.code) == (503, "unavailable")
        assert usage.counted() == {"src_test#k": "10"}
    assert admin.delete("/v1/usage/k", key=key).json["outcome"] == "voided"


def test_a_lost_response_is_unchanged_on_retry(
    admin: Any, usage: Usage, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage.push()
    real = usage.client.update_item

    def lost(**arguments: Any) -> None:
        real(**arguments)
        raise EndpointConnectionError(endpoint_url="http://database")

    with monkeypatch.context() as broken:
        broken.setattr(usage.client, "update_item", lost)
        answer = admin.delete("/v1/usage/k", key=key)
    assert answer.json == {"outcome": "unchanged", "revision": 2}
    assert usage.counted() == {}
