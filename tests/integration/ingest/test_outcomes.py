"""Every row of the outcome table, single and in a batch, on the engine."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

SAMPLE = Path(__file__).parents[3] / "events" / "ingest.json"

Make = Callable[..., dict[str, Any]]

NEXT_DAY = {"period_start": "2026-11-04T00:00:00Z", "period_end": "2026-11-05T00:00:00Z"}

# first push, second push, outcome of the second, its revision, the quantity stored in the end
SECOND_PUSHES = [
    ({}, {}, "unchanged", 1, "10"),
    ({}, {"quantity": "10.0"}, "unchanged", 1, "10"),
    ({}, {"quantity": 1e1}, "unchanged", 1, "10"),
    ({}, {"quantity": "12.5"}, "updated", 2, "12.5"),
    ({}, {"quantity": "12.5", "sequence": 1}, "updated", 2, "12.5"),
    ({"sequence": 3}, {"quantity": "12.5"}, "updated", 2, "12.5"),
    ({"sequence": 3}, {"quantity": "12.5", "sequence": 4}, "updated", 2, "12.5"),
    ({"sequence": 3}, {"quantity": "12.5", "sequence": 2}, "stale", 1, "10"),
    ({"sequence": 3}, {"quantity": "12.5", "sequence": 3}, "stale", 1, "10"),
    ({"sequence": 3}, {"sequence": 2}, "unchanged", 1, "10"),
    ({"sequence": 3}, {"sequence": 4}, "unchanged", 1, "10"),
    ({"sequence": 9}, {"quantity": "12.5", "sequence": 10**37}, "updated", 2, "12.5"),
    ({}, {"member": "user-1"}, "updated", 2, "10"),
    ({"member": "user-1"}, {}, "updated", 2, "10"),
    ({"member": "user-1"}, {"member": "user-1"}, "unchanged", 1, "10"),
    ({}, {"subscription": "43"}, "conflict", 1, "10"),
    ({}, {"metric": "seats"}, "conflict", 1, "10"),
    ({}, NEXT_DAY, "conflict", 1, "10"),
    ({}, {"properties": {"region": "eu"}}, "conflict", 1, "10"),
    ({}, {"period_start": "2026-11-03T01:00:00+01:00"}, "unchanged", 1, "10"),
    (
        {"properties": {"a": "1", "b": "2"}},
        {"properties": {"b": "2", "a": "1"}},
        "unchanged",
        1,
        "10",
    ),
]


@pytest.mark.parametrize("case", SECOND_PUSHES)
def test_a_single_push_has_the_outcome_of_the_table(ingest: Any, record: Make, case: Any) -> None:
    first, second, outcome, revision, quantity = case
    status, answer = ingest.push(record(**first))
    assert (status, answer) == (
        201,
        {"index": 0, "idempotency_key": "k1", "outcome": "created", "revision": 1},
    )
    status, answer = ingest.push(record(**second))
    assert (answer["outcome"], answer["revision"]) == (outcome, revision)
    assert status == (409 if outcome == "conflict" else 200)
    assert ingest.item("k1")["q"] == {"N": quantity}
    assert ingest.item("k1")["pair"] == {"S": "42#api_calls"}


@pytest.mark.parametrize("case", SECOND_PUSHES)
def test_a_batch_has_the_same_outcomes(ingest: Any, record: Make, case: Any) -> None:
    first, second, outcome, revision, quantity = case
    beside = record(idempotency_key="k0")
    assert ingest.push({"records": [beside, record(**first)]})[0] == 200
    status, answer = ingest.push({"records": [beside, record(**second)]})
    assert status == (207 if outcome == "conflict" else 200)
    assert answer["results"][0] == {
        "index": 0,
        "idempotency_key": "k0",
        "outcome": "unchanged",
        "revision": 1,
    }
    told = answer["results"][1]
    assert (told["index"], told["outcome"], told["revision"]) == (1, outcome, revision)
    assert ("error" in told) == (outcome == "conflict")
    assert ingest.item("k1")["q"] == {"N": quantity}
    assert sum(answer["summary"].values()) == 2


def test_a_late_push_between_two_sequences_of_one_quantity_stays_out(ingest: Any, record: Make) -> None:
    ingest.push(record(sequence=1))
    ingest.push(record(sequence=5))  # the same quantity again: unchanged, yet newer
    status, answer = ingest.push(record(sequence=3, quantity="7"))
    assert (status, answer["outcome"]) == (200, "stale")
    assert ingest.item("k1")["q"] == {"N": "10"}


def test_the_history_keeps_each_revision_as_it_was_pushed(ingest: Any, record: Make) -> None:
    ingest.push(record(sequence=1))
    ingest.push(record(sequence=2, quantity="11", member="user-1"))
    ingest.push(record(quantity="12"))
    at = {"S": "2026-11-22T15:40:07.123456Z"}
    assert ingest.item("k1")["hist"]["L"] == [
        {"M": {"q": {"N": "10"}, "seq": {"N": "1"}, "at": at}},
        {"M": {"q": {"N": "11"}, "seq": {"N": "2"}, "mem": {"S": "user-1"}, "at": at}},
        {"M": {"q": {"N": "12"}, "at": at}},
    ]
    assert "mem" not in ingest.item("k1")


def test_the_same_key_many_times_in_a_batch_takes_effect_in_order(ingest: Any, record: Make) -> None:
    quantities = ["1", "2", "2", "3"]
    batch = [record(quantity=quantity) for quantity in quantities] + [record(metric="seats")]
    status, answer = ingest.push({"records": batch})
    assert status == 207
    outcomes = [(r["outcome"], r["revision"]) for r in answer["results"]]
    assert outcomes == [("created", 1), ("updated", 2), ("unchanged", 2), ("updated", 3), ("conflict", 3)]
    assert answer["summary"] == {"created": 1, "updated": 2, "unchanged": 1, "conflict": 1}
    assert ingest.item("k1")["q"] == {"N": "3"}


def test_one_bad_record_never_costs_the_others(ingest: Any, record: Make) -> None:
    batch = [
        record(idempotency_key="a"),
        record(idempotency_key="b", quantity="-1"),
        record(idempotency_key="c", metric="nothing"),
        record(idempotency_key="d", subscription="nobody"),
        "no record",
        record(idempotency_key="e"),
    ]
    status, answer = ingest.push({"records": batch})
    assert status == 207
    assert [r["outcome"] for r in answer["results"]] == [
        "created",
        "invalid",
        "invalid",
        "invalid",
        "invalid",
        "created",
    ]
    assert [r["idempotency_key"] for r in answer["results"]] == ["a", "b", "c", "d", None, "e"]
    assert [r["error"]["code"] for r in answer["results"][1:5]] == [
        "invalid",
        "unknown_metric",
        "unknown_subscription",
        "invalid",
    ]
    assert answer["results"][1]["error"]["errors"][0]["code"] == "negative"
    assert answer["summary"] == {"created": 2, "invalid": 4}
    assert len(ingest.items(ingest.tables.usage)) == 2


def test_every_push_without_a_key_is_a_new_record(ingest: Any, record: Make) -> None:
    batch = {"records": [record(idempotency_key=None), record(idempotency_key=None)]}
    _, answer = ingest.push(batch)
    _, single = ingest.push(record(idempotency_key=None))
    keys = {r["idempotency_key"] for r in [*answer["results"], single]}
    assert len(keys) == len(ingest.items(ingest.tables.usage)) == 3


def test_the_header_gives_a_single_record_its_key(ingest: Any, record: Make) -> None:
    headers = {"Idempotency-Key": "from/the header"}
    assert ingest.push(record(idempotency_key=None), headers=headers)[0] == 201
    status, answer = ingest.push(record(idempotency_key=None), headers=headers)
    assert (status, answer["outcome"], answer["idempotency_key"]) == (200, "unchanged", "from/the header")


def test_a_batch_of_500_with_every_outcome_in_it_is_right_throughout(ingest: Any, record: Make) -> None:
    first = [record(idempotency_key=f"k{i}", sequence=5) for i in range(0, 500, 2)]
    assert ingest.push({"records": first})[1]["summary"] == {"created": 250}
    second, expected = [], []
    for i in range(500):
        if i % 2:
            second.append(record(idempotency_key=f"k{i}"))
            expected.append("created")
        elif i % 10 == 0:
            second.append(record(idempotency_key=f"k{i}", sequence=6, quantity="11"))
            expected.append("updated")
        elif i % 10 == 2:
            second.append(record(idempotency_key=f"k{i}", sequence=4, quantity="11"))
            expected.append("stale")
        elif i % 10 == 4:
            second.append(record(idempotency_key=f"k{i}", metric="seats"))
            expected.append("conflict")
        else:
            second.append(record(idempotency_key=f"k{i}", sequence=5))
            expected.append("unchanged")
    status, answer = ingest.push({"records": second})
    assert status == 207
    assert [r["outcome"] for r in answer["results"]] == expected
    assert len(ingest.items(ingest.tables.usage)) == 500


def test_keys_are_a_source_s_own(ingest: Any, record: Make) -> None:
    ingest.source("other")
    assert ingest.push(record())[0] == 201
    assert ingest.push(record(metric="seats"), key="other")[0] == 201
    assert ingest.item("k1", "src_app")["pair"] == {"S": "42#api_calls"}
    assert ingest.item("k1", "src_other")["pair"] == {"S": "42#seats"}


def test_a_source_is_limited_to_its_metrics_and_plans(ingest: Any, record: Make) -> None:
    ingest.source("narrow", metrics={"seats"}, plans={"Basic"})
    status, answer = ingest.push(record(), key="narrow")
    assert (status, answer["outcome"], answer["code"]) == (422, "invalid", "metric_not_allowed")
    assert [e["code"] for e in answer["errors"]] == ["metric_not_allowed", "unknown_subscription"]
    assert ingest.push(record(metric="seats", subscription="43"), key="narrow")[0] == 201


def test_the_sample_event_is_accepted(ingest: Any) -> None:
    sample = json.loads(SAMPLE.read_text())
    sample["headers"]["authorization"] = f"Bearer {ingest.keys['app']}"
    sample["body"] = sample["body"].replace('"4101"', '"42"')
    assert ingest.app.respond(sample, 20.0)["statusCode"] == 201
