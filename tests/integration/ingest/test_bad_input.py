"""Whatever is wrong with a push is said by field and code, with a 4xx, and nothing is stored."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.integration

Make = Callable[..., dict[str, Any]]


def raw(record: dict[str, Any], **literals: str) -> bytes:
    """Return the record as JSON, some fields as the literal text given."""
    body = json.dumps(record)
    for field, literal in literals.items():
        body = body.replace(json.dumps(field) + ": " + json.dumps(record[field]), f'"{field}": {literal}')
    return body.encode()


def stored(ingest: Any) -> int:
    return len(ingest.items(ingest.tables.usage)) + len(ingest.items(ingest.tables.markers))


@pytest.mark.parametrize(
    ("literal", "code"),
    [
        ("NaN", "not_finite"),
        ("Infinity", "not_finite"),
        ("-Infinity", "not_finite"),
        ('"NaN"', "not_finite"),
        ("1e999999999", "too_many_digits"),
        ("1e-999999999", "too_many_digits"),
        ("1" * 39, "too_many_digits"),
        ('"' + "1" * 39 + '"', "too_many_digits"),
        ("1" * 5000, "too_many_digits"),
        ("0." + "1" * 39, "too_many_digits"),
        ("-1", "negative"),
        ("-0.001", "negative"),
        ("true", "not_a_number"),
        ("null", "not_a_number"),
        ('""', "not_a_number"),
        ('"1,5"', "not_a_number"),
        ('"1_000"', "not_a_number"),
        ('" 1"', "not_a_number"),
        ('"٣"', "not_a_number"),
        ('"0x10"', "not_a_number"),
        ("[1]", "not_a_number"),
        ("{}", "not_a_number"),
    ],
)
def test_a_quantity_that_is_none_is_refused(ingest: Any, record: Make, literal: str, code: str) -> None:
    status, answer = ingest.push(raw(record(), quantity=literal))
    assert (status, answer["code"], answer["outcome"]) == (422, "invalid", "invalid")
    assert [(e["field"], e["code"]) for e in answer["errors"]] == [("quantity", code)]
    assert answer["idempotency_key"] == "k1"
    assert stored(ingest) == 0


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"quantity": None}, "quantity", "missing"),
        ({"subscription": None}, "subscription", "missing"),
        ({"metric": None}, "metric", "missing"),
        ({"period_start": None}, "period_start", "missing"),
        ({"period_end": None}, "period_end", "missing"),
        ({"period_end": "2026-11-03T00:00:00Z"}, "period_end", "invalid_window"),
        ({"period_end": "2026-11-03T00:30:00+01:00"}, "period_end", "invalid_window"),
        ({"period_start": "2026-11-03T00:00:00"}, "period_start", "missing_offset"),
        ({"period_start": "2026-11-03"}, "period_start", "not_an_instant"),
        ({"period_start": 1762128000}, "period_start", "not_an_instant"),
        ({"period_end": "2026-02-30T00:00:00Z"}, "period_end", "not_an_instant"),
        ({"period_start": "0001-01-01T00:00:00+14:00"}, "period_start", "not_an_instant"),
        ({"subscription": 42}, "subscription", "invalid_identifier"),
        ({"subscription": "a#b"}, "subscription", "invalid_identifier"),
        ({"subscription": "x" * 65}, "subscription", "invalid_identifier"),
        ({"metric": "API"}, "metric", "invalid_identifier"),
        ({"metric": ["api_calls"]}, "metric", "invalid_identifier"),
        ({"metric": "nothing"}, "metric", "unknown_metric"),
        ({"subscription": "nobody"}, "subscription", "unknown_subscription"),
        ({"idempotency_key": ""}, "idempotency_key", "empty"),
        ({"idempotency_key": "x" * 257}, "idempotency_key", "too_long"),
        ({"idempotency_key": "a\nb"}, "idempotency_key", "invalid_characters"),
        ({"idempotency_key": "\ud800"}, "idempotency_key", "invalid_characters"),
        ({"idempotency_key": 7}, "idempotency_key", "not_a_string"),
        ({"sequence": -1}, "sequence", "negative"),
        ({"sequence": 1.5}, "sequence", "not_an_integer"),
        ({"sequence": "x"}, "sequence", "not_an_integer"),
        ({"sequence": True}, "sequence", "not_an_integer"),
        ({"sequence": 10**38}, "sequence", "too_many_digits"),
        ({"member": ""}, "member", "empty"),
        ({"member": 7}, "member", "not_a_string"),
        ({"member": "x" * 257}, "member", "too_long"),
        ({"member": "\udfff"}, "member", "invalid_characters"),
        ({"properties": []}, "properties", "not_an_object"),
        ({"properties": {"region": 7}}, "properties.region", "not_a_string"),
        ({"properties": {"region": {"a": "b"}}}, "properties.region", "not_a_string"),
        ({"properties": {"": "x"}}, "properties.", "invalid_property_name"),
        ({"properties": {"region": "\ud800"}}, "properties.region", "invalid_characters"),
        ({"properties": {"region": "x" * 257}}, "properties.region", "too_long"),
        ({"properties": {f"p{n}": "x" for n in range(33)}}, "properties", "too_many"),
        ({"properties": {f"p{n}": "ä" * 256 for n in range(20)}}, "properties", "too_large"),
        ({"colour": "red"}, "colour", "unknown_field"),
        ({"Quantity": "1"}, "Quantity", "unknown_field"),
        ({"source": "src_other"}, "source", "source_not_allowed"),
        ({"source": "a#b"}, "source", "invalid_identifier"),
        ({"source": 7}, "source", "invalid_identifier"),
        ({"period_start": "1999-12-31T23:59:59Z"}, "period_start", "out_of_range"),
        ({"period_start": "2000-01-01T00:00:00+01:00"}, "period_start", "out_of_range"),
        ({"period_end": "2200-01-01T00:00:00Z"}, "period_end", "out_of_range"),
        ({"period_start": "0001-01-02T00:00:00Z"}, "period_start", "out_of_range"),
        ({"period_end": "9999-12-31T23:59:59.999999Z"}, "period_end", "out_of_range"),
    ],
)
def test_a_wrong_field_is_named(ingest: Any, record: Make, changes: dict[str, Any], field: str, code: str) -> None:
    status, answer = ingest.push(record(**changes))
    assert (status, answer["outcome"]) == (422, "invalid")
    assert [(e["field"], e["code"]) for e in answer["errors"]] == [(field, code)]
    assert stored(ingest) == 0


def test_every_fault_is_named_at_once(ingest: Any, record: Make) -> None:
    wrong = record(quantity="-1", metric="API", period_end="2026-11-02T00:00:00Z", colour="red")
    _, answer = ingest.push(wrong)
    assert {e["field"] for e in answer["errors"]} == {"quantity", "metric", "period_end", "colour"}


def test_a_key_named_twice_is_refused(ingest: Any, record: Make) -> None:
    body = json.dumps(record()).replace('"quantity": "10"', '"quantity": "10", "quantity": "11"')
    status, answer = ingest.push(body.encode())
    assert (status, answer["errors"][0]["field"], answer["errors"][0]["code"]) == (
        422,
        "quantity",
        "duplicate_key",
    )
    body = json.dumps(record(properties={"a": "1"})).replace('"a": "1"', '"a": "1", "a": "2"')
    status, answer = ingest.push(body.encode())
    assert (status, answer["errors"][0]["field"], answer["errors"][0]["code"]) == (
        422,
        "properties.a",
        "duplicate_key",
    )
    assert stored(ingest) == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b'{"a": 1,}', 400, "malformed_json"),
        (b"\xff\xfe", 400, "malformed_json"),
        (b"[" * 100_000, 400, "malformed_json"),
        (b'{"a":' * 100_000, 400, "malformed_json"),
        (b"null", 400, "not_an_object"),
        (b"[]", 400, "not_an_object"),
        (b'"text"', 400, "not_an_object"),
        (b"1", 400, "not_an_object"),
        (b'{"records": []}', 422, "invalid"),
        (b'{"records": {}}', 422, "invalid"),
        (b'{"records": null}', 422, "invalid"),
        (b'{"records": [1], "records": [2]}', 422, "invalid"),
        (b'{"records": [1], "source": "src_other"}', 422, "invalid"),
        (b'{"records": [' + b",".join([b"{}"] * 501) + b"]}", 413, "too_many_records"),
        (b'{"records": ["' + b"x" * (4 * 1024 * 1024) + b'"]}', 413, "too_large"),
        (b" " * (5 * 1024 * 1024), 413, "too_large"),
    ],
)
def test_a_body_that_is_no_push_is_refused_whole(ingest: Any, body: bytes, status: int, code: str) -> None:
    answered, answer = ingest.push(body)
    assert (answered, answer["code"]) == (status, code)
    assert answer["status"] == status
    assert stored(ingest) == 0


def test_a_batch_of_501_records_stores_nothing(ingest: Any, record: Make) -> None:
    batch = {"records": [record(idempotency_key=f"k{n}") for n in range(501)]}
    assert ingest.push(batch)[0] == 413
    assert stored(ingest) == 0


def test_a_batch_of_invalid_records_has_a_result_for_each(ingest: Any) -> None:
    records: list[Any] = [None, 1, "x", [], {}, {"records": []}]
    status, answer = ingest.push({"records": records})
    assert status == 207
    assert [r["outcome"] for r in answer["results"]] == ["invalid"] * 6
    assert [r["index"] for r in answer["results"]] == list(range(6))


def test_the_response_to_the_worst_batch_has_a_bounded_size(ingest: Any) -> None:
    def named(first: int) -> str:
        return ",".join(f'"{chr(0x1F600 + first + n) * 60}":1' for n in range(6))

    nonsense = f'{{{named(0)},{named(0)},{named(10)},"properties":{{{named(20)}}}}}'
    body = f'{{"records":[{",".join([nonsense] * 500)}]}}'
    status, answer = ingest.push(body.encode())
    assert status == 207
    assert len(json.dumps(answer)) < 5_000_000


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "missing_key"),
        ("", "missing_key"),
        ("nonsense", "malformed_key"),
        ("fb_abcdefgh12345678_" + "x" * 43, "unknown_key"),
        ("fb_äbcdefgh12345678_" + "x" * 43, "malformed_key"),
    ],
)
def test_an_invalid_key_is_rejected(ingest: Any, record: Make, key: str | None, code: str) -> None:
    status, answer = ingest.push(record(), key=key)
    assert (status, answer["code"]) == (401, code)
    assert stored(ingest) == 0


def test_a_good_id_with_another_secret_is_an_unknown_key(ingest: Any, record: Make) -> None:
    forged = ingest.keys["app"][:-1] + ("a" if ingest.keys["app"][-1] != "a" else "b")
    assert ingest.push(record(), key=forged)[1]["code"] == "unknown_key"


def test_a_key_without_the_scope_may_not_push(ingest: Any, record: Make) -> None:
    ingest.source("reader", scopes={"usage:read", "catalog:write"})
    status, answer = ingest.push(record(), key="reader")
    assert (status, answer["code"]) == (403, "missing_scope")
    assert stored(ingest) == 0


def test_an_admin_s_key_may_push(ingest: Any, record: Make) -> None:
    ingest.source("operator", scopes={"admin"})
    assert ingest.push(record(), key="operator")[0] == 201


def test_a_body_sent_as_base64_is_the_same_body(ingest: Any, record: Make) -> None:
    body = base64.b64encode(json.dumps(record(member="ä")).encode()).decode()
    event = {
        "headers": {"authorization": f"Bearer {ingest.keys['app']}"},
        "body": body,
        "isBase64Encoded": True,
    }
    assert ingest.app.respond(event, 20)["statusCode"] == 201
    assert ingest.item("k1")["mem"] == {"S": "ä"}
    event["body"] = "no base64!"
    answer = ingest.app.respond(event, 20)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "malformed_body")


def test_two_keys_that_differ_are_refused(ingest: Any, record: Make) -> None:
    status, answer = ingest.push(record(), headers={"Idempotency-Key": "another"})
    assert (status, answer["errors"][0]["code"]) == (422, "mismatch")
    status, answer = ingest.push(record(idempotency_key=None), headers={"Idempotency-Key": ""})
    assert (status, answer["errors"][0]["code"]) == (422, "empty")
    assert ingest.push(record(), headers={"Idempotency-Key": "k1"})[0] == 201


def test_neither_bodies_nor_secrets_reach_the_log(ingest: Any, record: Make) -> None:
    ingest.push(record(member="user-secret-9"))
    ingest.push(record(quantity="4711x"))
    ingest.push(b"{4712")
    ingest.push(record(), key="fb_abcdefgh12345678_" + "s" * 43)
    told = json.dumps(ingest.logged, default=str)
    for secret in ("user-secret-9", "4711x", "4712", "s" * 43, ingest.keys["app"].rsplit("_", 1)[1]):
        assert secret not in told
    assert [line["status"] for line in ingest.logged] == [201, 422, 400, 401]


@pytest.mark.parametrize("key", ["batch-1", ""])
def test_a_batch_with_one_key_for_all_is_refused_whole(ingest: Any, record: Make, key: str) -> None:
    batch = {"records": [record(idempotency_key=None), record(idempotency_key=None, quantity="3")]}
    for _ in range(2):
        status, answer = ingest.push(batch, headers={"Idempotency-Key": key})
        assert (status, answer["code"]) == (400, "idempotency_key_on_batch")
        assert answer["errors"][0]["field"] == "Idempotency-Key"
    assert ingest.items(ingest.tables.usage) == ingest.items(ingest.tables.markers) == []


def test_any_number_of_unknown_fields_is_counted_and_eight_are_listed(ingest: Any) -> None:
    for count in (200_000, 9):
        fields = ",".join(f'"f{n}":1' for n in range(count))
        status, answer = ingest.push(f"{{{fields}}}".encode())
        assert (status, answer["errors_total"]) == (422, count + 5)
        assert len(json.dumps(answer)) < 10_000
