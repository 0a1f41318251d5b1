"""Webhook endpoints are registered, changed, tested and deleted by their source; a secret is shown once."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from functions.admin.services import deliveries, endpoints
from functions.admin.services.endpoints import Webhooks
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import Source
from fusion_billing.catalog.identifiers import MAX_ENDPOINTS
from fusion_billing.errors import Conflict, NotFound, Refused
from fusion_billing.outbound.ssrf_guard import SsrfGuard
from fusion_billing.webhooks.publishing import Event
from tests.fakes.api_keys import FakeSources
from tests.fakes.clock import FakeClock
from tests.fakes.outbox import FakeOutbox
from tests.fakes.webhooks import FakeDeliveries, FakeEndpoints, FakeEndpointSecrets, FakeEvents, FakeWakeUps

APP = Principal("key", "src_1", frozenset({"webhooks"}))
OTHER = Principal("other", "src_2", frozenset({"webhooks"}))
ADMIN = Principal("admin", "src_admin", frozenset({"admin"}))
BODY = {"url": "https://hooks.example/", "events": ["rating.*", "rating.*"]}
PUBLIC = str(ip_address("8.8.8.8"))


def resolve(*_: object, **__: object) -> list[tuple[int, int, int, str, tuple[object, ...]]]:
    return [(2, 1, 6, "", (PUBLIC, 443))]


class World:
    """The webhooks of the API on fakes."""

    def __init__(self) -> None:
        self.clock, self.outbox, self.wake_ups = FakeClock(), FakeOutbox(), FakeWakeUps()
        self.endpoints, self.deliveries = FakeEndpoints(), FakeDeliveries()
        self.events = FakeEvents(self.deliveries)
        self.webhooks = Webhooks(
            endpoints=self.endpoints,
            sources=FakeSources({APP.source: Source(APP.source, "app"), OTHER.source: Source(OTHER.source, "other")}),
            events=self.events,
            secrets=FakeEndpointSecrets(),
            guard=SsrfGuard(resolver=resolve),
            outbox=self.outbox,
        )

    def create(self, principal: Principal = APP) -> str:
        return str(endpoints.create(self.webhooks, principal, dict(BODY), self.clock.now)["id"])


@pytest.fixture
def world() -> World:
    return World()


def test_a_secret_is_shown_when_an_endpoint_is_registered_and_never_again(world: World) -> None:
    created = endpoints.create(world.webhooks, APP, dict(BODY), world.clock.now)
    shown = {name: value for name, value in created.items() if name != "secret"}
    assert created["secret"].startswith("whsec_")
    assert (created["events"], created["state"]) == (["rating.*"], "enabled")
    assert endpoints.get(world.webhooks, APP, created["id"]) == shown
    assert endpoints.listing(world.webhooks, APP, limit=10, after=None) == ([shown], None)


def test_an_endpoint_belongs_to_its_source(world: World) -> None:
    id_ = world.create()
    assert endpoints.listing(world.webhooks, OTHER, limit=10, after=None) == ([], None)
    assert endpoints.get(world.webhooks, ADMIN, id_)["source"] == "src_1"
    with pytest.raises(NotFound):
        endpoints.delete(world.webhooks, OTHER, id_)
    endpoints.delete(world.webhooks, APP, id_)
    assert world.endpoints.items == {}


def test_every_fault_of_a_request_is_reported(world: World) -> None:
    body = {"url": "https://10.0.0.1/", "events": ["nothing.happened"], "colour": "red", "description": 7}
    with pytest.raises(Refused) as refused:
        endpoints.create(world.webhooks, APP, body, world.clock.now)
    assert {fault.field.partition(".")[0] for fault in refused.value.faults} == set(body)


def test_an_endpoint_that_is_enabled_again_begins_anew(world: World) -> None:
    id_ = world.create()
    world.endpoints.note_failure(id_, world.clock.now)
    shown = endpoints.change(world.webhooks, APP, id_, {"state": "disabled"}, world.clock.now)
    assert (shown["disabled_reason"], "failing_since" in shown) == ("requested", True)
    shown = endpoints.change(world.webhooks, APP, id_, {"state": "enabled"}, world.clock.now)
    assert {"disabled_reason", "disabled_at", "failing_since"}.isdisjoint(shown)


def test_messages_are_signed_with_both_secrets_for_a_day_after_a_rotation(world: World) -> None:
    id_ = world.create()
    endpoints.rotate(world.webhooks, APP, id_, world.clock.now)
    new, old = world.endpoints.items[id_].secrets
    assert new.expires_at is None
    assert old.expires_at == world.clock.now + timedelta(hours=24)
    for _ in range(3):
        endpoints.rotate(world.webhooks, APP, id_, world.clock.now)
    with pytest.raises(Conflict) as refused:
        endpoints.rotate(world.webhooks, APP, id_, world.clock.now)
    assert refused.value.code == "rotated_too_often"


def test_a_test_event_is_stored_and_wakes_the_relay(world: World) -> None:
    id_ = world.create()
    shown = endpoints.test(world.webhooks, APP, id_, "rating.updated", world.clock.now)
    [data] = world.outbox.data_of("rating.updated")
    assert data["sample"] is True
    assert len(world.events.written) == len(world.outbox.woken_up_for) == 1
    assert shown["event"] == world.outbox.woken_up_for[0]
    with pytest.raises(Refused):
        endpoints.test(world.webhooks, APP, id_, "nothing.happened", world.clock.now)
    endpoints.change(world.webhooks, APP, id_, {"state": "disabled"}, world.clock.now)
    with pytest.raises(Conflict):
        endpoints.test(world.webhooks, APP, id_, "endpoint.test", world.clock.now)


def test_a_source_has_a_limited_number_of_endpoints(world: World) -> None:
    for _ in range(MAX_ENDPOINTS):
        world.create()
    with pytest.raises(Conflict) as refused:
        world.create()
    assert refused.value.code == "too_many_endpoints"


def test_a_delivery_is_listed_and_replayed(world: World) -> None:
    id_ = world.create()
    event_id = "msg_" + "0" * 26
    event = Event(event_id, "rating.updated", "42", b"{}", world.clock.now)
    world.deliveries.put(id_, event)
    stores = world.endpoints, world.deliveries, FakeEvents(world.deliveries, {event_id: event})
    page, after = deliveries.listing(*stores, APP, id_, state="due", type_=None, since=None, limit=10, after=None)
    assert ([(shown["event"], shown["body"]) for shown in page], after) == ([(event_id, "{}")], None)
    [due] = world.deliveries.due(id_, world.clock.now, limit=1)
    world.deliveries.fail(due, reason="the endpoint is disabled")
    shown = deliveries.replay(
        world.endpoints, world.deliveries, world.wake_ups, APP, str(page[0]["id"]), now=world.clock.now
    )
    assert (shown["state"], world.wake_ups.sent) == ("due", [[(id_, 0)]])


def test_every_failed_delivery_since_a_time_is_replayed(world: World) -> None:
    id_ = world.create()
    for number in range(3):
        world.deliveries.put(id_, Event(f"msg_{number:026d}", "rating.updated", "42", b"{}", world.clock.now))
    for due in world.deliveries.due(id_, world.clock.now, limit=2):
        world.deliveries.fail(due, reason="the endpoint is disabled")
    report = deliveries.replay_since(
        world.endpoints,
        world.deliveries,
        world.wake_ups,
        APP,
        id_,
        since=datetime(1970, 1, 1, tzinfo=UTC),
        states=frozenset({"failed"}),
        now=world.clock.now,
    )
    assert (report, world.wake_ups.sent) == ({"replayed": 2}, [[(id_, 0)]])
