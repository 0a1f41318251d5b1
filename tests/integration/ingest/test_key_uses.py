"""The day on which a key was last used: stored once per key, container and day, and never at a request's expense."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.dynamodb.state.key_uses import KeyUses
from local.capacity import Consumed

pytestmark = pytest.mark.integration

Make = Callable[..., dict[str, Any]]
NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)


def used_on(ingest: Any) -> list[str]:
    return [item["used_on"]["S"] for item in ingest.items(ingest.tables.state) if "used_on" in item]


@pytest.fixture
def costed(ingest: Any, metered: tuple[DynamoDBClient, Consumed]) -> tuple[Any, Consumed]:
    """Ingest whose calls are counted."""
    ingest.client, consumed = metered
    ingest.restart()
    return ingest, consumed


def test_a_push_stores_the_day_of_its_key(ingest: Any, record: Make) -> None:
    assert ingest.push(record())[0] == 201
    assert used_on(ingest) == ["2026-11-22"]


def test_a_container_writes_once_per_key_and_day(costed: tuple[Any, Consumed], record: Make) -> None:
    ingest, consumed = costed
    for number in range(5):
        ingest.push(record(idempotency_key=f"k{number}"))
    assert consumed.units(ingest.tables.state) == 1
    ingest.now += timedelta(days=1)
    for number in range(5):
        ingest.push(record(idempotency_key=f"k{number}"))
    assert consumed.units(ingest.tables.state) == 2
    assert used_on(ingest) == ["2026-11-23"]


def test_a_request_that_is_refused_is_no_use(ingest: Any, record: Make) -> None:
    key = ingest.keys["app"]
    ingest.keys["app"] = f"{key[:-1]}{'a' if key[-1] != 'a' else 'b'}"
    assert ingest.push(record())[0] == 401
    assert used_on(ingest) == []


def test_a_container_whose_clock_is_behind_does_not_set_the_day_back(ingest: Any) -> None:
    first, second = (KeyUses(ingest.client, ingest.tables.state, lambda: 0.0) for _ in range(2))
    first.note("k", NOW)
    second.note("k", NOW - timedelta(days=1))
    day = first.last_day("k")
    assert day is not None
    assert day.isoformat() == "2026-11-22"


class Failing:
    """DynamoDB that fails with `error`; counts the calls."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def update_item(self, **_: Any) -> None:
        self.calls += 1
        raise self.error


THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "UpdateItem")
DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "UpdateItem")


@pytest.mark.parametrize("error", [THROTTLED, DENIED, EndpointConnectionError(endpoint_url="http://x")])
def test_a_failed_write_fails_no_request_and_is_repeated_later(error: Exception) -> None:
    clock = [0.0]
    client: Any = Failing(error)
    uses = KeyUses(client, "state", lambda: clock[0])
    for _ in range(3):
        uses.note("k", NOW)
    assert client.calls == 1
    clock[0] += 30
    uses.note("k", NOW)
    assert client.calls == 2


def test_what_a_container_remembers_is_bounded() -> None:
    class Accepting:
        def update_item(self, **_: Any) -> None:
            pass

    client: Any = Accepting()
    uses = KeyUses(client, "state", lambda: 0.0)
    for number in range(1_100):
        uses.note(f"k{number}", NOW)
    assert len(uses._stored) <= 1_000
