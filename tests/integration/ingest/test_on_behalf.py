"""An operator pushes for a source: its record is corrected, and never becomes a second one."""

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fusion_billing.errors import Unavailable

pytestmark = pytest.mark.integration

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def operator(ingest: Any) -> str:
    """A key with the scope `admin`, kept as `operator`; its id."""
    made: str = ingest.source("operator", scopes={"admin"})
    return made


def test_a_correction_is_the_source_s_own_record(ingest: Any, record: Make, operator: str) -> None:
    ingest.push(record())
    status, answer = ingest.push(record(quantity="8", source="src_app"), key="operator")
    assert (status, answer["outcome"], answer["revision"]) == (200, "updated", 2)
    assert len(ingest.items(ingest.tables.usage)) == 1
    item = ingest.item("k1")
    assert item["q"] == {"N": "8"}
    first, second = (entry["M"] for entry in item["hist"]["L"])
    assert "by" not in first
    assert second["by"] == {"S": operator}
    assert ingest.push(record(quantity="8"))[1]["outcome"] == "unchanged"


def test_a_correction_keeps_its_reason(ingest: Any, record: Make, operator: str) -> None:
    ingest.push(record())
    ingest.push(record(quantity="8", source="src_app", reason="counted twice"), key="operator")
    ingest.push({"records": [record(quantity="9", reason="=recounted"), record(idempotency_key="k2", reason="late")]})
    reasons = [entry["M"].get("why", {}).get("S") for entry in ingest.item("k1")["hist"]["L"]]
    assert (reasons, ingest.item("k2")["hist"]["L"][0]["M"]["why"]) == (
        [None, "counted twice", "=recounted"],
        {"S": "late"},
    )


@pytest.mark.parametrize("reason", ["", "x" * 257, "a\nb", 5])
def test_an_invalid_reason_is_rejected(ingest: Any, record: Make, reason: object) -> None:
    status, answer = ingest.push(record(reason=reason))
    assert (status, [fault["field"] for fault in answer["errors"]]) == (422, ["reason"])


def test_a_batch_may_name_a_source_for_each_record(ingest: Any, record: Make, operator: str) -> None:
    ingest.source("other")
    ingest.push(record())
    batch = [
        record(source="src_app", quantity="1"),
        record(source="src_other", quantity="2"),
        record(quantity="3"),
        record(source="src_app", quantity="4"),
        record(source="src_operator", quantity="3"),
        record(idempotency_key="k2", source="src_app"),
        record(idempotency_key="k3", source="src_nobody"),
    ]
    status, answer = ingest.push({"records": batch}, key="operator")
    assert status == 207
    outcomes = [(r["outcome"], r["revision"]) for r in answer["results"]]
    assert outcomes == [
        ("updated", 2),
        ("created", 1),
        ("created", 1),
        ("updated", 3),
        ("unchanged", 1),
        ("created", 1),
        ("invalid", None),
    ]
    assert answer["results"][6]["error"]["code"] == "unknown_source"
    quantities = {name: ingest.item("k1", f"src_{name}")["q"]["N"] for name in ("app", "other", "operator")}
    assert quantities == {"app": "4", "other": "2", "operator": "3"}
    assert "by" not in ingest.item("k1", "src_operator")["hist"]["L"][0]["M"]
    assert ingest.item("k2", "src_app")["hist"]["L"][0]["M"]["by"] == {"S": operator}


def test_without_a_source_an_operator_s_record_is_its_own(ingest: Any, record: Make, operator: str) -> None:
    ingest.push(record())
    assert ingest.push(record(quantity="8"), key="operator")[1]["outcome"] == "created"
    assert ingest.push(record(idempotency_key="k2", source=None), key="operator")[1]["outcome"] == "created"


def test_only_an_operator_may_name_another_source(ingest: Any, record: Make) -> None:
    ingest.source("other")
    for name in ("src_other", "src_nobody"):
        status, answer = ingest.push(record(source=name))
        assert (status, answer["code"]) == (422, "source_not_allowed")
    assert ingest.push(record(source="src_app"))[0] == 201
    assert [item["pk"]["S"] for item in ingest.items(ingest.tables.usage)] == ["U#src_app#k1"]


def test_a_source_that_is_made_is_known_at_once(ingest: Any, record: Make, operator: str) -> None:
    status, answer = ingest.push(record(source="src_later"), key="operator")
    assert (status, answer["code"], answer["errors"][0]["field"]) == (422, "unknown_source", "source")
    ingest.source("later")
    assert ingest.push(record(source="src_later"), key="operator")[0] == 201


def test_a_generated_key_is_returned_with_the_record(ingest: Any, record: Make, operator: str) -> None:
    _, answer = ingest.push(record(idempotency_key=None, source="src_app"), key="operator")
    assert ingest.item(answer["idempotency_key"], "src_app") is not None


def test_the_limits_are_those_of_the_key_that_pushes(ingest: Any, record: Make) -> None:
    ingest.source("narrow", metrics={"seats"})
    ingest.source("operator", scopes={"admin"}, metrics={"api_calls"})
    assert ingest.push(record(source="src_narrow"), key="operator")[0] == 201
    seats = record(source="src_narrow", metric="seats", idempotency_key="k2")
    assert ingest.push(seats, key="operator")[1]["code"] == "metric_not_allowed"


def logged(ingest: Any) -> list[tuple[str, str, str, Any]]:
    """Return the entries of the audit log: actor, object, stage, and what they say."""
    items = ingest.items(ingest.tables.audit)
    return sorted(
        (item["actor"]["S"], item["object"]["S"], item["stage"]["S"], json.loads(zlib.decompress(item["doc"]["B"])))
        for item in items
    )


def test_a_correction_is_in_the_audit_log_and_what_apps_push_is_not(ingest: Any, record: Make, operator: str) -> None:
    ingest.push(record())
    ingest.push({"records": [record(idempotency_key="k2"), record(source="src_app")]})
    ingest.push(record(source="src_operator"), key="operator")
    assert logged(ingest) == []
    ingest.push(record(quantity="8", source="src_app"), key="operator")
    done, requested = logged(ingest)
    assert done[:3] == (operator, "usage/src_app/k1", "done")
    assert done[3]["after"] == {"records": [{"idempotency_key": "k1", "outcome": "updated", "revision": 2}]}
    assert requested[:3] == (operator, "usage/src_app/k1", "requested")
    assert requested[3]["after"]["records"][0]["quantity"] == "8"


def test_a_batch_has_entries_for_each_source(ingest: Any, record: Make, operator: str) -> None:
    ingest.source("other")
    batch = [
        record(source="src_app"),
        record(source="src_app", idempotency_key="k2"),
        record(source="src_other"),
        record(source=["x"]),
        record(),
    ]
    ingest.push({"records": batch}, key="operator")
    assert [(entry[1], entry[2]) for entry in logged(ingest)] == [
        ("usage/src_app", "done"),
        ("usage/src_app", "requested"),
        ("usage/src_other/k1", "done"),
        ("usage/src_other/k1", "requested"),
    ]


def test_nothing_is_corrected_that_cannot_be_logged(ingest: Any, record: Make, operator: str) -> None:
    ingest.push(record())

    def unavailable() -> Any:
        raise Unavailable("The audit log is throttled")

    ingest.app = replace(ingest.app, audit_log=unavailable)
    status, _ = ingest.push(record(quantity="8", source="src_app"), key="operator")
    assert status == 503
    assert ingest.item("k1")["q"] == {"N": record()["quantity"]}


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "s" * 500_000},
        {"source": "src app\u0000"},
        {"idempotency_key": "k" * 500_000},
        {"idempotency_key": "\ud800"},
        {"reason": "\ud800" * 300},
    ],
    ids=["long source", "no source", "long key", "half of a pair as key", "halves of pairs as reason"],
)
def test_a_record_that_is_invalid_is_no_error_for_the_audit_log(
    ingest: Any, record: Make, operator: str, changes: dict[str, Any]
) -> None:
    status, answer = ingest.push(record(**{"source": "src_app", **changes}), key="operator")
    assert (status, answer["code"]) == (422, "invalid")
    assert {entry[1] for entry in logged(ingest)} <= {"usage/src_app", "usage/src_app/k1"}


@pytest.mark.parametrize("field", ["idempotency_key", "quantity", "reason", "sequence"])
def test_a_record_of_nested_values_is_no_error_for_the_audit_log(
    ingest: Any, record: Make, operator: str, field: str
) -> None:
    body = json.dumps(record(source="src_app", **{field: "deep"})).replace('"deep"', '{"a":' * 900 + "1" + "}" * 900)
    assert ingest.push(body.encode(), key="operator")[0] == 422
    assert logged(ingest)[-1][3]["after"]["records"][0][field] == "[invalid]"


def test_numbers_of_a_correction_are_logged_as_they_were_pushed(ingest: Any, record: Make, operator: str) -> None:
    ingest.push(record(source="src_app", quantity=1250.5, sequence=7), key="operator")
    shown = logged(ingest)[-1][3]["after"]["records"][0]
    assert (shown["quantity"], shown["sequence"]) == ("1250.5", 7)
