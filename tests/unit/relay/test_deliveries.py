"""Due deliveries are attempted once a run, retried on a schedule, and failed for good when nothing helps."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from functions.relay import deliveries
from functions.relay.deliveries import DeliveryCounts, Dependencies
from functions.relay.delivery_attempt import BEYOND_LIMITS, EXPIRED, LEASE
from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.delivery_result import EndpointResponse
from fusion_billing.webhooks.endpoint import Endpoint, SealedSecret
from fusion_billing.webhooks.publishing import Event
from fusion_billing.webhooks.signing import new_secret
from tests.fakes.clock import FakeClock
from tests.fakes.outbox import FakeOutbox
from tests.fakes.webhooks import (
    FakeDeliveries,
    FakeEndpointLeases,
    FakeEndpoints,
    FakeEndpointSecrets,
    FakeEvents,
    FakeSender,
    FakeWakeUps,
)

FAILURE = EndpointResponse(500, milliseconds=30)
GONE = EndpointResponse(410)


class World:
    """The relay's deliveries on fakes, with one endpoint."""

    def __init__(self) -> None:
        self.clock, self.sender, self.secrets = FakeClock(), FakeSender(), FakeEndpointSecrets()
        self.endpoints, self.deliveries = FakeEndpoints(), FakeDeliveries()
        self.events, self.leases = FakeEvents(self.deliveries), FakeEndpointLeases()
        self.outbox, self.wake_ups = FakeOutbox(), FakeWakeUps()
        self.seconds_left = 60.0
        self.most_a_run = 200
        self.register("ep_1")

    def register(self, id_: str, events: tuple[str, ...] = ("*",)) -> None:
        secret = SealedSecret(self.secrets.seal(id_, new_secret(bytes(24))), self.clock.now)
        url = f"https://{id_}.example/"
        self.endpoints.create(Endpoint(id_, "src_1", url, events, self.clock.now, secrets=(secret,)))

    def publish(self, id_: str = "msg_1", endpoint: str = "ep_1") -> Event:
        event = Event(id_, "rating.updated", "42", json.dumps({"id": id_}).encode(), self.clock.now)
        self.events.items[id_] = event
        self.deliveries.put(endpoint, event)
        return event

    def respond(self, *responses: EndpointResponse, endpoint: str = "ep_1") -> None:
        self.sender.responses[f"https://{endpoint}.example/"] = list(responses)

    def run(self, endpoint: str | None = None) -> DeliveryCounts:
        dependencies = Dependencies(
            endpoints=self.endpoints,
            deliveries=self.deliveries,
            events=self.events,
            secrets=self.secrets,
            sender=self.sender,
            outbox=self.outbox,
            wake_ups=self.wake_ups,
            endpoint_leases=self.leases,
            random=lambda: 0.0,
            threads=2,
            most_a_run=self.most_a_run,
        )
        return deliveries.run(dependencies, self.clock, lambda: self.seconds_left, endpoint)

    def delivery(self, event: str = "msg_1", endpoint: str = "ep_1") -> Delivery:
        return self.deliveries.items[endpoint, event]

    def failing_since(self) -> datetime | None:
        return self.endpoints.items["ep_1"].failing_since


@pytest.fixture
def world() -> World:
    return World()


def test_a_due_delivery_is_signed_and_delivered_once(world: World) -> None:
    event = world.publish()
    assert world.run().delivered == 1
    [message] = world.sender.messages
    assert (message.url, message.body, message.headers["webhook-id"]) == ("https://ep_1.example/", event.body, "msg_1")
    assert message.headers["webhook-signature"].startswith("v1,")
    delivery = world.delivery()
    assert (delivery.state, delivery.attempt_count, delivery.due_at) == ("delivered", 1, None)
    assert world.run().delivered == 0


def test_a_failed_attempt_is_retried_when_it_is_due(world: World) -> None:
    world.publish()
    world.respond(FAILURE)
    assert world.run().retried == 1
    due = world.delivery().due_at
    assert due is not None
    assert due > world.clock.now
    assert world.failing_since() == world.clock.now
    [[(endpoint, delay)]] = world.wake_ups.sent
    assert (endpoint, delay) == ("ep_1", round((due - world.clock.now).total_seconds()))
    assert world.run().delivered == 0
    world.clock.sleep(delay)
    assert world.run().delivered == 1
    assert (world.delivery().attempt_count, world.failing_since()) == (2, None)


def test_a_delivery_fails_after_its_last_attempt(world: World) -> None:
    world.publish()
    world.respond(*[FAILURE] * 20)
    failed = 0
    for _ in range(20):
        failed += world.run().failed
        if failed:
            break
        due = world.delivery().due_at
        assert due is not None
        world.clock.now = due
        world.endpoints.note_success("ep_1")
    assert failed == 1
    assert (world.delivery().state, world.delivery().due_at) == ("failed", None)


def test_a_response_of_410_disables_the_endpoint_and_fails_what_is_due(world: World) -> None:
    world.register("ep_2", ("endpoint.disabled",))
    world.publish("msg_1")
    world.most_a_run = 1
    world.publish("msg_2")
    world.respond(GONE)
    assert world.run().failed == 2
    endpoint = world.endpoints.items["ep_1"]
    assert (endpoint.state, endpoint.disabled_reason, endpoint.disabled_at) == ("disabled", "gone", world.clock.now)
    assert {world.delivery("msg_1").state, world.delivery("msg_2").state} == {"failed"}
    [event] = world.outbox.data_of("endpoint.disabled")
    assert (event["endpoint"], event["reason"]) == ("ep_1", "gone")
    assert len(world.endpoints.events) == 1
    assert len(world.sender.messages) == 1


def test_an_endpoint_that_only_fails_for_days_is_disabled(world: World) -> None:
    world.publish()
    world.respond(FAILURE)
    world.endpoints.note_failure("ep_1", world.clock.now - timedelta(days=30))
    world.run()
    assert world.endpoints.items["ep_1"].disabled_reason == "failing"


def test_deliveries_to_a_disabled_endpoint_fail_without_an_attempt(world: World) -> None:
    world.publish()
    world.endpoints.items["ep_1"] = replace(world.endpoints.items["ep_1"], state="disabled")
    assert world.run().failed == 1
    assert (world.sender.messages, world.delivery().error) == ([], "the endpoint is disabled")


def test_a_delivery_of_an_event_that_expired_fails(world: World) -> None:
    world.publish()
    del world.events.items["msg_1"]
    assert world.run().failed == 1
    assert (world.delivery().error, world.delivery().attempt_count) == (EXPIRED, 0)


def test_a_delivery_that_another_run_claimed_is_left_to_it(world: World) -> None:
    world.publish()
    [due] = world.deliveries.due("ep_1", world.clock.now, limit=1)
    world.deliveries.claim(due, token="other", until=world.clock.now + LEASE)
    assert world.run().delivered == 0
    world.clock.sleep(LEASE.total_seconds())
    assert world.run().delivered == 1


def test_an_error_of_the_service_leaves_the_delivery_to_a_later_run(world: World) -> None:
    world.publish()
    world.secrets.is_down = True
    assert world.run().errors == 1
    world.secrets.is_down = False
    world.clock.sleep(LEASE.total_seconds())
    assert world.run().delivered == 1
    assert world.failing_since() is None


def test_nothing_starts_when_the_run_is_nearly_over(world: World) -> None:
    world.publish()
    world.seconds_left = 24.0
    assert world.run().delivered == 0
    assert (world.sender.messages, world.delivery().state) == ([], "due")


def test_a_run_that_is_woken_for_an_endpoint_serves_it_alone(world: World) -> None:
    world.register("ep_2")
    world.publish("msg_1")
    world.publish("msg_2", "ep_2")
    assert world.run("ep_1").delivered == 1
    assert world.delivery("msg_2", "ep_2").state == "due"
    assert world.leases.held == set()


def test_an_endpoint_that_another_run_serves_is_served_once_more_by_it(world: World) -> None:
    world.publish()
    world.leases.taken = {"ep_1"}
    assert world.run("ep_1").delivered == 0
    world.leases.taken = set()
    assert world.run("ep_1").delivered == 1
    assert world.wake_ups.sent == [[("ep_1", 0)]]


def test_more_than_a_run_takes_wakes_the_next_run(world: World) -> None:
    world.most_a_run = 2
    for number in range(3):
        world.publish(f"msg_{number}")
    assert world.run().delivered == 2
    assert world.wake_ups.sent == [[("ep_1", 0)]]
    assert world.run().delivered == 1


def test_an_event_with_many_endpoints_is_fanned_out_first(world: World) -> None:
    world.register("ep_2")
    event = world.publish()
    world.deliveries.items.clear()
    world.events.fans = {event.id: ["ep_1", "ep_2", "ep_gone"]}
    assert world.run().delivered == 2
    assert world.events.fans == {}


def test_the_oldest_due_delivery_is_measured_for_endpoints_that_work(world: World) -> None:
    world.publish()
    world.clock.sleep(90)
    assert world.run().oldest_due_seconds == 90


@pytest.mark.parametrize(
    ("limits", "is_sent"),
    [
        ({"subscriptions": frozenset({"42"})}, True),
        ({"subscriptions": frozenset({"43"})}, False),
        ({"plans": frozenset({"Pro"}), "metrics": frozenset({"calls"})}, True),
        ({"plans": frozenset({"Basic"})}, False),
        ({"metrics": frozenset({"seats"})}, False),
    ],
    ids=str,
)
def test_an_event_beyond_the_limits_that_a_source_was_given_since_is_not_sent(
    world: World, limits: dict[str, frozenset[str]], *, is_sent: bool
) -> None:
    world.publish()
    stored = world.deliveries.items["ep_1", "msg_1"]
    world.deliveries.items["ep_1", "msg_1"] = replace(stored, plan="Pro", metric="calls")
    world.endpoints.items["ep_1"] = replace(world.endpoints.items["ep_1"], **limits)  # type: ignore[arg-type]
    counts = world.run()
    assert (counts.delivered, counts.failed) == ((1, 0) if is_sent else (0, 1))
    assert len(world.sender.messages) == is_sent
    assert world.delivery().error == (None if is_sent else BEYOND_LIMITS)


def test_a_delivery_of_an_earlier_release_is_judged_by_its_subscription(world: World) -> None:
    world.publish()
    limits = {"plans": frozenset({"Basic"}), "metrics": frozenset({"seats"})}
    world.endpoints.items["ep_1"] = replace(world.endpoints.items["ep_1"], **limits)  # type: ignore[arg-type]
    assert world.run().delivered == 1
