"""The outbox on DynamoDB: one transaction with what it tells of, or nothing at all."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.application.outbox import DIRECT_DELIVERIES, Outbox
from fusion_billing.composition import build_outbox
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.dynamodb.webhooks.events import EventStore
from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.events.registry import EVENT_TYPES
from local.tables import Tables

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
RATED = {key: value for key, value in EVENT_TYPES["rating.updated"].example.items() if key != "sequence"}


class FakeQueue:
    """Remembers what was sent; the shape of `send_message_batch` alone."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl == "queue"
        assert len(Entries) <= 10
        self.sent += [(json.loads(one["MessageBody"])["endpoint"], one["DelaySeconds"]) for one in Entries]
        return {}


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def outbox(dynamodb: DynamoDBClient, tables: Tables, queue: FakeQueue, clock: Clock) -> Outbox:
    sqs: Any = queue
    return build_outbox(dynamodb, sqs, table=tables.webhooks, queue_url="queue", monotonic=clock)


@pytest.fixture
def register(dynamodb: DynamoDBClient, tables: Tables) -> Callable[..., Endpoint]:
    def add(name: str, **more: Any) -> Endpoint:
        made = Endpoint(
            id=f"ep_{name}", source="src_a", url="https://example.com/", events=("*",), created_at=NOW, **more
        )
        EndpointStore(dynamodb, tables.webhooks).create(made)
        return made

    return add


def rating(outbox: Outbox) -> Any:
    return outbox.prepare("rating.updated", subscription="42", plan="Pro", metric="api_calls", data=RATED, now=NOW)


def deliveries(dynamodb: DynamoDBClient, tables: Tables, endpoint: str) -> list[Any]:
    found: Any = dynamodb.query(
        TableName=tables.webhooks,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"W#{endpoint}"}},
    )
    return list(found["Items"])


def test_event_and_delivery_are_there_exactly_when_the_transaction_is(
    dynamodb: DynamoDBClient, tables: Tables, outbox: Outbox, register: Callable[..., Endpoint]
) -> None:
    register("a")
    events = EventStore(dynamodb, tables.webhooks)
    never, told = rating(outbox), rating(outbox)
    rating_item: Any = {"Put": {"TableName": tables.ratings, "Item": {"pk": {"S": "R#42"}, "sk": {"S": "x"}}}}
    refused: Any = {
        "Put": {**rating_item["Put"], "ConditionExpression": "attribute_exists(pk)"},
    }
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=[refused, *never.writes])
    assert deliveries(dynamodb, tables, "ep_a") == []
    assert events.get(never.event_id) is None

    dynamodb.transact_write_items(TransactItems=[rating_item, *told.writes])
    (stored,) = deliveries(dynamodb, tables, "ep_a")
    assert (stored["sk"]["S"], stored["state"]["S"], stored["due_pk"]["S"]) == (told.event_id, "due", "ep_a")
    event = events.get(told.event_id)
    assert event is not None
    assert json.loads(event.body)["data"]["sequence"] == 2


def test_an_endpoint_survives_being_stored(
    dynamodb: DynamoDBClient, tables: Tables, register: Callable[..., Endpoint]
) -> None:
    made = register(
        "a",
        metrics=frozenset({"seats"}),
        plans=frozenset(),
        description="x",
        state="disabled",
        failing_since=NOW,
        disabled_at=NOW,
        disabled_reason="gone",
    )
    assert EndpointStore(dynamodb, tables.webhooks).get("ep_a") == made


def test_endpoints_are_read_once_a_second_however_many_events_there_are(
    dynamodb: DynamoDBClient,
    tables: Tables,
    outbox: Outbox,
    clock: Clock,
    register: Callable[..., Endpoint],
) -> None:
    assert rating(outbox).writes == []
    register("a")
    assert rating(outbox).writes == []
    clock.seconds = 1.0
    assert len(rating(outbox).writes) == 2


def test_a_burst_of_events_sends_one_wake_up_at_once_and_one_for_the_rest(
    outbox: Outbox, queue: FakeQueue, clock: Clock, register: Callable[..., Endpoint]
) -> None:
    register("a")
    for tenth in range(15):
        clock.seconds = tenth / 10
        outbox.wake_up(rating(outbox))
    assert queue.sent == [("ep_a", 0), ("ep_a", 1), ("ep_a", 1)]


def test_an_event_with_many_listeners_is_fanned_out_once_by_the_relay(
    dynamodb: DynamoDBClient, tables: Tables, outbox: Outbox, register: Callable[..., Endpoint]
) -> None:
    made = [register(f"{index:03}") for index in range(DIRECT_DELIVERIES + 2)]
    prepared = rating(outbox)
    dynamodb.transact_write_items(TransactItems=prepared.writes)
    events = EventStore(dynamodb, tables.webhooks)
    assert events.to_fan_out(10) == [prepared.event_id]

    gone, there = made[0], made[1:]
    dynamodb.put_item(
        TableName=tables.webhooks,
        Item={"pk": {"S": f"W#{there[0].id}"}, "sk": {"S": prepared.event_id}, "state": {"S": "delivered"}},
    )
    assert events.fan_out(prepared.event_id, there) == [one.id for one in there]
    assert events.to_fan_out(10) == []
    assert events.fan_out(prepared.event_id, there) == []
    assert [one["state"]["S"] for one in deliveries(dynamodb, tables, there[0].id)] == ["delivered"]
    assert [one["state"]["S"] for one in deliveries(dynamodb, tables, there[-1].id)] == ["due"]
    assert deliveries(dynamodb, tables, gone.id) == []


def test_stored_events_and_deliveries_expire_and_events_expire_last(
    dynamodb: DynamoDBClient, tables: Tables, outbox: Outbox, register: Callable[..., Endpoint]
) -> None:
    register("a")
    dynamodb.transact_write_items(TransactItems=rating(outbox).writes)
    found: Any = dynamodb.scan(
        TableName=tables.webhooks,
        FilterExpression="attribute_exists(#ttl)",
        ExpressionAttributeNames={"#ttl": "ttl"},
    )
    kept = {item["pk"]["S"][0]: int(item["ttl"]["N"]) for item in found["Items"]}
    assert kept == {
        "W": int((NOW + timedelta(days=30)).timestamp()),
        "E": int((NOW + timedelta(days=90)).timestamp()),
    }
