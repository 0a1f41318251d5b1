"""The ports that publish events: the outbox on `FakeOutboxGateway` and on the webhooks table, and `FakeOutbox`."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest

from fusion_billing.application.outbox import DIRECT_DELIVERIES, Outbox
from fusion_billing.dynamodb.webhooks.deliveries import DeliveryStore
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.dynamodb.webhooks.events import EventStore
from fusion_billing.dynamodb.webhooks.outbox import TableGateway
from fusion_billing.messaging.wakeups import WakeUps
from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.events.registry import EVENT_TYPES
from fusion_billing.webhooks.publishing import EventPublisher, Prepared
from local.tables import Tables
from tests.fakes.outbox import FakeOutbox, FakeOutboxGateway

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
RATED: Mapping[str, object] = {
    key: value for key, value in EVENT_TYPES["rating.updated"].example.items() if key != "sequence"
}


def endpoint(name: str, *events: str, state: str = "enabled", failing_since: datetime | None = None) -> Endpoint:
    return Endpoint(
        id=f"ep_{name}",
        source="src_a",
        url="https://example.com/",
        events=events or ("*",),
        created_at=NOW,
        state="enabled" if state == "enabled" else "disabled",
        failing_since=failing_since,
    )


@dataclass
class SentWakeUps:
    """An SQS client that only sends messages in batches."""

    endpoints: list[str] = field(default_factory=list)

    def send_message_batch(self, **request: Sequence[Mapping[str, str]]) -> dict[str, object]:
        self.endpoints += [json.loads(entry["MessageBody"])["endpoint"] for entry in request["Entries"]]
        return {}


@dataclass(frozen=True)
class Published:
    """What an outbox stored and sent.

    Attributes:
        events: By ID, the sequence number of each.
        deliveries: By event, the endpoints with a delivery.
        to_fan_out: Events whose deliveries the relay writes.
    """

    events: Mapping[str, int]
    deliveries: Mapping[str, set[str]]
    to_fan_out: Sequence[str]
    woken_up: Sequence[str]


@dataclass
class FakeWorld:
    """An outbox on the fake gateway."""

    gateway: FakeOutboxGateway = field(default_factory=FakeOutboxGateway)

    def register(self, *endpoints: Endpoint) -> None:
        self.gateway.known = endpoints

    def outbox(self) -> Outbox:
        return Outbox(self.gateway)

    def commit(self, *prepared: Prepared) -> None:
        """Do nothing: the fake stores an event when it is prepared."""

    def published(self) -> Published:
        stored = self.gateway.stored
        return Published(
            {event.id: json.loads(event.body)["data"]["sequence"] for event, _, _ in stored},
            {event.id: set(endpoints) if direct else set() for event, endpoints, direct in stored},
            [event.id for event, _, direct in stored if not direct],
            self.gateway.woken_up,
        )


@dataclass
class TableWorld:
    """An outbox on the webhooks table."""

    client: "DynamoDBClient"
    table: str
    sent: SentWakeUps = field(default_factory=SentWakeUps)
    endpoints: Sequence[Endpoint] = ()
    event_ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        seconds = itertools.count(0, 10)
        wake_ups = WakeUps(cast("SQSClient", self.sent), "queue", monotonic=lambda: float(next(seconds)))
        self.gateway = TableGateway(self.client, wake_ups, self.table, lambda: float(next(seconds)))

    def register(self, *endpoints: Endpoint) -> None:
        self.endpoints = endpoints
        for each in endpoints:
            EndpointStore(self.client, self.table).create(each)

    def outbox(self) -> Outbox:
        return Outbox(self.gateway)

    def commit(self, *prepared: Prepared) -> None:
        for each in prepared:
            EventStore(self.client, self.table).write(each.writes)
            self.event_ids.append(each.event_id or "")

    def published(self) -> Published:
        events, deliveries = EventStore(self.client, self.table), DeliveryStore(self.client, self.table)
        bodies = {id_: event.body for id_ in self.event_ids if (event := events.get(id_)) is not None}
        return Published(
            {id_: json.loads(body)["data"]["sequence"] for id_, body in bodies.items()},
            {id_: {each.id for each in self.endpoints if deliveries.get(each.id, id_) is not None} for id_ in bodies},
            events.to_fan_out(10),
            self.sent.endpoints,
        )


World = FakeWorld | TableWorld


@pytest.fixture
def world(adapter: str, request: pytest.FixtureRequest) -> World:
    if adapter == "fake":
        return FakeWorld()
    tables: Tables = request.getfixturevalue("tables")
    return TableWorld(request.getfixturevalue("dynamodb"), tables.webhooks)


def rating_event(outbox: EventPublisher, subscription: str = "42") -> Prepared:
    return outbox.prepare(
        "rating.updated",
        subscription=subscription,
        plan="Pro",
        metric="api_calls",
        data={**RATED, "subscription": subscription},
        now=NOW,
    )


def test_an_event_has_a_delivery_for_each_listening_endpoint(world: World) -> None:
    world.register(endpoint("a"), endpoint("b", "rating.*"), endpoint("c", "line.*"))
    outbox = world.outbox()

    prepared = rating_event(outbox)
    world.commit(prepared)
    outbox.wake_up(prepared)

    published = world.published()
    assert prepared.event_id is not None
    assert published.events == {prepared.event_id: 1}
    assert published.deliveries == {prepared.event_id: {"ep_a", "ep_b"}}
    assert published.to_fan_out == []
    assert sorted(published.woken_up) == ["ep_a", "ep_b"]


def test_the_events_of_a_subscription_are_numbered(world: World) -> None:
    world.register(endpoint("a"))
    outbox = world.outbox()

    prepared = [rating_event(outbox, subscription) for subscription in ("42", "43", "42")]
    world.commit(*prepared)

    events = world.published().events
    assert [events[each.event_id or ""] for each in prepared] == [1, 1, 2]


def test_an_event_with_many_listeners_is_left_to_the_relay(world: World) -> None:
    world.register(*(endpoint(f"{number:03}") for number in range(DIRECT_DELIVERIES + 1)))
    outbox = world.outbox()

    prepared = rating_event(outbox)
    world.commit(prepared)
    outbox.wake_up(prepared)

    published = world.published()
    assert prepared.event_id is not None
    assert published.deliveries == {prepared.event_id: set()}
    assert published.to_fan_out == [prepared.event_id]
    assert len(published.woken_up) == 1


def test_no_relay_run_is_started_for_an_endpoint_that_is_disabled_or_only_fails(world: World) -> None:
    world.register(endpoint("disabled", state="disabled"), endpoint("failing", failing_since=NOW - timedelta(days=4)))
    outbox = world.outbox()

    prepared = rating_event(outbox)
    world.commit(prepared)
    outbox.wake_up(prepared)

    published = world.published()
    assert prepared.event_id is not None
    assert published.deliveries == {prepared.event_id: {"ep_disabled", "ep_failing"}}
    assert published.woken_up == []


PublisherOf = Callable[[bool], EventPublisher]


@pytest.fixture(params=["fake", "on a fake gateway", "dynamodb"])
def publisher_of(request: pytest.FixtureRequest) -> PublisherOf:
    """Return what makes a publisher, with or without an endpoint that listens."""

    def make(has_listeners: bool) -> EventPublisher:
        if request.param == "fake":
            return FakeOutbox(has_listeners)
        world: World = FakeWorld()
        if request.param == "dynamodb":
            tables: Tables = request.getfixturevalue("tables")
            world = TableWorld(request.getfixturevalue("dynamodb"), tables.webhooks)
        world.register(*([endpoint("a")] if has_listeners else []))
        return world.outbox()

    return make


def test_an_event_that_an_endpoint_receives_comes_with_writes(publisher_of: PublisherOf) -> None:
    publisher = publisher_of(True)

    prepared = rating_event(publisher)
    publisher.wake_up(prepared)

    assert prepared.writes
    assert len(prepared.endpoints) == 1
    assert prepared.event_id is not None


def test_an_event_that_nobody_receives_has_no_writes(publisher_of: PublisherOf) -> None:
    publisher = publisher_of(False)

    prepared = rating_event(publisher)
    publisher.wake_up(prepared)

    assert (prepared.writes, prepared.endpoints, prepared.event_id) == ([], (), None)


@pytest.mark.parametrize("has_listeners", [True, False])
def test_data_that_does_not_match_the_event_type_is_an_error(publisher_of: PublisherOf, has_listeners: bool) -> None:
    publisher = publisher_of(has_listeners)

    with pytest.raises(ValueError, match=r"rating\.updated"):
        publisher.prepare(
            "rating.updated", subscription="42", plan="Pro", metric="api_calls", data={"amount": "1"}, now=NOW
        )
