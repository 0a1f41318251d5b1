"""`POST /v1/usage` responds to every request, and logs neither bodies nor secrets."""

import json

import pytest

from tests.unit.ingest.conftest import IngestWorld, record


@pytest.mark.parametrize(
    ("quantity", "status", "outcome"), [(1, 201, "created"), (2, 200, "updated"), ("x", 422, "invalid")]
)
def test_a_single_record(world: IngestWorld, quantity: object, status: int, outcome: str) -> None:
    if outcome == "updated":
        world.post(record())
    assert world.post(record(quantity=quantity))[0] == status
    assert world.post(record(quantity=quantity))[1]["idempotency_key"] == "k"


def test_a_conflict_shows_what_is_stored(world: IngestWorld) -> None:
    world.post(record())
    status, document = world.post(record(subscription="2"))
    assert (status, document["code"], document["outcome"], document["revision"]) == (409, "conflict", "conflict", 1)
    assert document["errors"] == [
        {"field": "subscription", "code": "conflict", "message": "the stored record has 1", "stored": "1"}
    ]


def test_an_unavailable_record_may_be_sent_again(world: IngestWorld) -> None:
    world.usage.unwritable = {"k"}
    status, document = world.post(record())
    assert (status, document["code"]) == (503, "unavailable")


def test_a_batch_has_a_result_for_each_record(world: IngestWorld) -> None:
    status, document = world.post({"records": [record("a"), record("b", metric="n")]})
    assert (status, document["summary"]) == (207, {"created": 1, "invalid": 1})
    results = document["results"]
    assert isinstance(results, list)
    assert [(result["index"], result["outcome"]) for result in results] == [(0, "created"), (1, "invalid")]
    assert results[1]["error"]["code"] == "unknown_metric"


def test_a_batch_whose_records_are_all_accepted_is_200(world: IngestWorld) -> None:
    assert world.post({"records": [record("a"), record("b")]})[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "malformed_json"),
        ("[]", 400, "not_an_object"),
        (" " * (4 * 1024 * 1024 + 1), 413, "too_large"),
        (json.dumps({"records": [{}] * 501}), 413, "too_many_records"),
        (json.dumps({"records": 1}), 422, "invalid"),
        (json.dumps({"records": []}), 422, "invalid"),
        (json.dumps({"records": [{}], "more": 1}), 422, "invalid"),
        ('{"records": [{}], "records": [{}]}', 422, "invalid"),
    ],
)
def test_a_bad_body_is_refused(world: IngestWorld, body: str, status: int, code: str) -> None:
    answered, document = world.post(body)
    assert (answered, document["code"]) == (status, code)
    assert world.log == []


def test_all_faults_of_a_batch_are_counted(world: IngestWorld) -> None:
    document = world.post({"records": [], **{f"x{number}": 1 for number in range(30)}})[1]
    assert document["errors_total"] == 31


def test_the_idempotency_key_header_names_a_single_record(world: IngestWorld) -> None:
    status, document = world.post(record(None), {"Idempotency-Key": "h"})
    assert (status, document["idempotency_key"]) == (201, "h")
    status, document = world.post({"records": [record(None)]}, {"Idempotency-Key": "h"})
    assert (status, document["code"]) == (400, "idempotency_key_on_batch")


def test_an_unknown_key_is_401(world: IngestWorld) -> None:
    assert world.post(record(), {"Authorization": "Bearer nobody"})[0] == 401


def test_an_unexpected_error_is_a_500_with_a_reference_in_the_log(
    world: IngestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(world.targets, "find", fail)
    status, document = world.post(record())
    [error, summary] = world.logged
    assert (status, document["code"], document["reference"]) == (500, "internal_error", error["reference"])
    assert "secret" not in json.dumps([document, error, summary], default=str)


def test_a_request_is_logged_with_its_outcomes(world: IngestWorld) -> None:
    world.post({"records": [record("a"), record("b")]})
    [entry] = world.logged
    assert (entry["message"], entry["source"], entry["outcomes"]) == ("usage received", "src_a", {"created": 2})
    assert world.key not in json.dumps(entry)
