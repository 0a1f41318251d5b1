"""A key that sends more than it may is told to wait; counting costs a push nothing until it sends a lot."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.access.rate_limit import SLOT_SECONDS, RateLimiter
from fusion_billing.dynamodb.catalog.api_keys import KeyStore
from fusion_billing.dynamodb.state.request_counts import RequestCounts
from fusion_billing.http.authentication import Authenticator
from local.capacity import Consumed

pytestmark = pytest.mark.integration

Make = Callable[..., dict[str, Any]]


def limited(ingest: Any, requests_per_second: int) -> Any:
    """Limit the keys of an ingest function, as `functions.ingest.handler` does."""

    def clock() -> float:
        return float(ingest.ticks)

    counts = RequestCounts(ingest.client, ingest.tables.state, clock, slot_seconds=SLOT_SECONDS)
    limiter = RateLimiter(counts, clock, requests_per_second)
    ingest.app = replace(
        ingest.app, authenticator=Authenticator(KeyStore(ingest.client, ingest.tables.catalog), clock, limiter)
    )
    return ingest


def test_a_key_over_its_limit_gets_a_retry_after(ingest: Any, record: Make) -> None:
    limited(ingest, 3)
    answers = [ingest.push(record(idempotency_key=f"k{number}")) for number in range(8)]
    assert [status for status, _ in answers] == [201] * 6 + [429] * 2
    assert (answers[-1][1]["code"], answers[-1][1]["status"]) == ("rate_limited", 429)
    assert ingest.item("k7") is None
    ingest.ticks += 1
    assert ingest.push(record(idempotency_key="k7"))[0] == 201


def test_the_response_has_a_retry_after_header(ingest: Any, record: Make) -> None:
    limited(ingest, 1)
    event = {
        "headers": {"authorization": f"Bearer {ingest.keys['app']}"},
        "requestContext": {},
        "body": "{}",
        "isBase64Encoded": False,
    }
    for _ in range(2):
        ingest.app.respond(event, 20.0)
    answer = ingest.app.respond(event, 20.0)
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (429, "1")
    assert answer["headers"]["content-type"] == "application/problem+json"


def test_a_runaway_key_leaves_the_others_alone(ingest: Any, record: Make) -> None:
    ingest.source("calm")
    limited(ingest, 2)
    for number in range(20):
        ingest.push(record(idempotency_key=f"k{number}"))
    assert ingest.push(record(), key="calm")[0] == 201


def test_an_unknown_key_is_not_counted(ingest: Any, record: Make) -> None:
    limited(ingest, 1)
    for _ in range(20):
        assert ingest.push(record(), key="fb_abcdefgh12345678_" + "s" * 43)[0] == 401
    assert ingest.items(ingest.tables.state) == []


def test_containers_count_together(ingest: Any, record: Make) -> None:
    limited(ingest, 100)
    for number in range(30):
        ingest.push(record(idempotency_key=f"k{number}"))
    ingest.restart()
    limited(ingest, 100)
    for number in range(30):
        ingest.push(record(idempotency_key=f"k{number}"))
    (counter,) = ingest.items(ingest.tables.state)
    assert counter["n"] == {"N": "20"}
    assert counter["pk"]["S"].startswith("RATE#")
    assert int(counter["ttl"]["N"]) > ingest.now.timestamp()


def test_counting_costs_a_push_no_call_until_ten_a_second_and_then_one_write_a_second(
    ingest: Any, metered: tuple[DynamoDBClient, Consumed], record: Make
) -> None:
    ingest.client, consumed = metered
    ingest.restart()
    limited(ingest, 1_000)
    ingest.push(record())
    consumed.clear()
    for number in range(8):
        ingest.push(record(idempotency_key=f"k{number}"))
    assert consumed.operations == ["UpdateItem"] * 8  # the records themselves
    assert consumed.units(ingest.tables.state) == 0
    for number in range(100, 200):
        ingest.push(record(idempotency_key=f"k{number}"))
    assert consumed.units(ingest.tables.state) == 1
    assert consumed.units(ingest.tables.catalog) == 0
    ingest.ticks += 1
    ingest.push(record(idempotency_key="later"))
    assert consumed.units(ingest.tables.state) == 2
