"""Runs of the relay over deliveries on DynamoDB, to receivers on loopback."""

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient
from standardwebhooks.webhooks import Webhook

from functions.relay import deliveries
from functions.relay.deliveries import DeliveryCounts, Dependencies
from fusion_billing import signing
from fusion_billing.outbound.guard import Guard
from fusion_billing.outbound.sender import Limits, Sender
from fusion_billing.store.deliveries import DeliveryStore, Due
from fusion_billing.store.endpoints import EndpointStore
from fusion_billing.store.events import EventStore
from fusion_billing.store.outbox import Nudges, build_outbox
from fusion_billing.store.secrets import EndpointSecrets
from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.endpoint import Endpoint, SealedSecret
from fusion_billing.webhooks.events import CATALOGUE
from fusion_billing.webhooks.outcome import Answer, Verdict
from local.tables import Tables

pytestmark = pytest.mark.integration

RATED = {key: value for key, value in CATALOGUE["rating.updated"].example.items() if key != "sequence"}
SECRET = signing.new_secret(bytes(range(32)))
OLD_SECRET = signing.new_secret(bytes(range(1, 33)))


class Relay:
    """The relay's part under test, with what it works with."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, *, kms: Any, queue: Any, clock: Any) -> None:
        self.dynamodb, self.clock, self.queue = dynamodb, clock, queue
        self.endpoints = EndpointStore(dynamodb, table)
        self.deliveries = DeliveryStore(dynamodb, table)
        self.events = EventStore(dynamodb, table)
        self.secrets = EndpointSecrets(kms, "key")
        self.outbox = build_outbox(dynamodb, queue, table=table, queue_url="queue", monotonic=clock.monotonic)
        self.guard = Guard(loopback=True)
        self.limits = Limits(connect=2.0, read=2.0, body=0.5, total=2.0)

    def register(self, name: str, url: str, **more: Any) -> Endpoint:
        secret = SealedSecret(self.secrets.seal(f"ep_{name}", SECRET), self.clock())
        made = Endpoint(
            **{
                "id": f"ep_{name}",
                "source": "src_a",
                "url": url,
                "events": ("*",),
                "created": self.clock(),
                "secrets": (secret,),
                **more,
            }
        )
        self.endpoints.create(made)
        self.clock.forward(seconds=1)  # past what the outbox remembers
        return made

    def tell(self, count: int = 1) -> list[str]:
        """Store `count` events, and return their ids."""
        told = []
        for _ in range(count):
            prepared = self.outbox.prepare(
                "rating.updated",
                subscription="42",
                plan="Pro",
                metric="api_calls",
                data=RATED,
                now=self.clock(),
            )
            self.dynamodb.transact_write_items(TransactItems=prepared.writes)
            assert prepared.event_id is not None
            told.append(prepared.event_id)
            self.clock.forward(milliseconds=1)
        return told

    def run(
        self, *, endpoint: str | None = None, left: Callable[[], float] = lambda: 300.0, **more: Any
    ) -> DeliveryCounts:
        dependencies = Dependencies(
            **{
                "endpoints": self.endpoints,
                "deliveries": self.deliveries,
                "events": self.events,
                "secrets": self.secrets,
                "sender": Sender(self.guard, limits=self.limits),
                "outbox": self.outbox,
                "nudges": Nudges(self.queue, "queue", monotonic=self.clock.monotonic),
                "random": lambda: 0.0,
                **more,
            }
        )
        return deliveries.run(dependencies, self.clock, left, endpoint)

    def delivery(self, endpoint: str, event: str) -> Delivery:
        found = self.deliveries.get(f"ep_{endpoint}", event)
        assert found is not None
        return found


@pytest.fixture
def relay(dynamodb: DynamoDBClient, tables: Tables, kms: Any, queue: Any, clock: Any) -> Relay:
    return Relay(dynamodb, tables.webhooks, kms=kms, queue=queue, clock=clock)


def test_a_due_delivery_is_sent_signed_and_kept_with_its_attempt(relay: Relay, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    (event,) = relay.tell()
    counts = relay.run()
    assert (counts.delivered, counts.retried, counts.parked) == (1, 0, 0)
    ((_, headers, body),) = receiver.messages
    assert headers["webhook-id"] == event
    assert headers["content-type"] == "application/json"
    assert int(headers["webhook-timestamp"]) == int(relay.clock().timestamp())
    signing.verify(SECRET, headers, body, now=relay.clock().timestamp())
    assert json.loads(body)["data"]["sequence"] == 1
    stored = relay.delivery("a", event)
    assert (stored.state, stored.tries, stored.due) == ("delivered", 1, None)
    (attempt,) = stored.attempts
    assert (attempt.status, attempt.error, attempt.excerpt) == (200, None, "thank you")
    assert relay.run().delivered == 0


def test_during_a_rotation_both_secrets_verify_and_afterwards_the_new_one_alone(
    relay: Relay, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = relay.clock()
    relay.register(
        "a",
        f"{receiver.url}/ok/a",
        secrets=(
            SealedSecret(relay.secrets.seal("ep_a", SECRET), start),
            SealedSecret(relay.secrets.seal("ep_a", OLD_SECRET), start, start + timedelta(hours=24)),
        ),
    )
    relay.tell()
    relay.run()
    relay.clock.forward(hours=24)
    relay.tell()
    relay.run()
    (_, during, body), (_, after, later) = receiver.messages
    for secret in (SECRET, OLD_SECRET):
        signing.verify(secret, during, body, now=int(during["webhook-timestamp"]))
    signing.verify(SECRET, after, later, now=int(after["webhook-timestamp"]))
    with pytest.raises(signing.SignatureRefused):
        signing.verify(OLD_SECRET, after, later, now=int(after["webhook-timestamp"]))


def test_the_reference_library_verifies_what_is_sent(relay: Relay, receiver: Any) -> None:
    relay.clock.at = datetime.now(relay.clock().tzinfo)
    relay.register("a", f"{receiver.url}/ok/a")
    relay.clock.at -= timedelta(seconds=1)
    relay.tell()
    relay.run()
    ((_, headers, body),) = receiver.messages
    assert Webhook(SECRET).verify(body, headers)["type"] == "rating.updated"


def test_a_failing_delivery_is_tried_ten_times_under_one_id_and_then_parked(
    relay: Relay, receiver: Any
) -> None:
    relay.register("a", f"{receiver.url}/500/a")
    (event,) = relay.tell()
    waits = []
    for _ in range(9):
        before = relay.clock()
        assert relay.run().retried == 1
        stored = relay.delivery("a", event)
        assert stored.state == "due"
        assert stored.due is not None
        waits.append(stored.due - before)
        relay.clock.at = stored.due - timedelta(milliseconds=1)
        assert relay.run().retried == 0
        relay.clock.at = stored.due
    assert relay.run().parked == 1
    hours = [timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)]
    assert waits == [timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), *hours]
    stored = relay.delivery("a", event)
    assert (stored.state, stored.tries, len(stored.attempts)) == ("parked", 10, 10)
    assert {headers["webhook-id"] for _, headers, _ in receiver.messages} == {event}
    assert len(receiver.messages) == 10
    # the retries after 5 s and 5 min wake the relay by themselves; the others wait for its schedule
    short, long = [delay for _, delay in relay.queue.sent]
    assert 5 <= short <= 7
    assert 300 <= long <= 311


def test_a_parked_delivery_can_be_replayed_from_the_schedules_beginning(relay: Relay, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/500/a")
    (event,) = relay.tell()
    while (stored := relay.delivery("a", event)).state == "due":
        relay.clock.at = stored.due
        relay.run()
    assert relay.deliveries.replay("ep_a", event, relay.clock())
    assert relay.run().retried == 1
    stored = relay.delivery("a", event)
    assert (stored.state, stored.tries, len(stored.attempts)) == ("due", 1, 11)
    assert stored.error is None
    assert receiver.messages[-1][1]["webhook-id"] == event


@pytest.mark.parametrize(("value", "seconds"), [("120", 120), ("0", 5), ("86401", 86400), ("soon", 5)])
def test_a_retry_after_is_honoured_within_bounds(
    relay: Relay, receiver: Any, value: str, seconds: int
) -> None:
    receiver.headers["retry-after"] = value
    relay.register("a", f"{receiver.url}/503/a")
    (event,) = relay.tell()
    relay.run()
    assert relay.delivery("a", event).due == relay.clock() + timedelta(seconds=seconds)


def test_a_redirect_is_a_failure_and_is_not_followed(relay: Relay, receiver: Any) -> None:
    receiver.headers["location"] = f"{receiver.url}/ok/b"
    relay.register("a", f"{receiver.url}/302/a")
    (event,) = relay.tell()
    assert relay.run().retried == 1
    assert receiver.log == ["/302/a"]
    assert relay.delivery("a", event).attempts[0].status == 302


def test_410_disables_the_endpoint_and_says_so(relay: Relay, receiver: Any) -> None:
    gone = relay.register("a", f"{receiver.url}/410/a")
    relay.register("b", f"{receiver.url}/ok/b", events=("endpoint.*",))
    relay.register("c", f"{receiver.url}/ok/c", events=("endpoint.*",), source="src_b")
    first, second = relay.tell(2)
    counts = relay.run()
    assert receiver.log == ["/410/a"]
    assert counts.parked == 2
    stored = relay.endpoints.get(gone.id)
    assert stored is not None
    assert (stored.state, stored.disabled_reason, stored.disabled_at) == ("disabled", "gone", relay.clock())
    assert relay.delivery("a", first).error == "the endpoint answered 410"
    assert relay.delivery("a", second).state == "parked"
    assert ("ep_b", 0) in relay.queue.sent

    relay.run()
    assert receiver.log == ["/410/a", "/ok/b"]
    told = json.loads(receiver.messages[-1][2])
    assert (told["type"], told["data"]["endpoint"], told["data"]["reason"]) == (
        "endpoint.disabled",
        gone.id,
        "gone",
    )
    own, _ = relay.deliveries.listing(gone.id, limit=10, type_="endpoint.*")
    assert [one.state for one in own] == ["parked"]

    relay.clock.forward(seconds=1)
    (missed,) = relay.tell()
    relay.run()
    assert relay.delivery("a", missed).state == "parked"
    assert len(receiver.messages) == 2


def test_five_days_of_only_failures_disable_an_endpoint(relay: Relay, receiver: Any) -> None:
    made = relay.register("a", f"{receiver.url}/500/a")
    started = relay.clock()
    for day in range(6):
        relay.clock.at = started + timedelta(days=day) - timedelta(seconds=day < 5)
        relay.tell()
        relay.run()
        endpoint = relay.endpoints.get(made.id)
        assert endpoint is not None
        assert endpoint.state == ("disabled" if day == 5 else "enabled")
        assert endpoint.disabled_reason == ("failing" if day == 5 else None)
    assert relay.deliveries.due("ep_a", relay.clock() + timedelta(days=9), limit=10) == []


def test_one_success_in_five_days_keeps_an_endpoint_enabled(relay: Relay, receiver: Any) -> None:
    made = relay.register("a", f"{receiver.url}/500/a")
    relay.tell()
    relay.run()
    failing = relay.endpoints.get(made.id)
    assert failing is not None
    assert failing.failing_since == relay.clock()
    good = relay.endpoints.replace(
        Endpoint(
            **{**{name: getattr(failing, name) for name in failing.__slots__}, "url": f"{receiver.url}/ok/a"}
        )
    )
    relay.clock.forward(days=4)
    relay.run()
    stored = relay.endpoints.get(good.id)
    assert stored is not None
    assert (stored.state, stored.failing_since) == ("enabled", None)


def test_what_a_killed_relay_had_claimed_is_sent_by_the_next_one_a_minute_later(
    relay: Relay, receiver: Any
) -> None:
    class Killed(BaseException):
        pass

    class Dying:
        def post(self, *_: Any) -> Any:
            raise Killed

    relay.register("a", f"{receiver.url}/ok/a")
    events = relay.tell(3)
    with pytest.raises(Killed):
        relay.run(sender=Dying())
    relay.run()
    relay.clock.forward(seconds=59)
    relay.run()
    before = Counter(headers["webhook-id"] for _, headers, _ in receiver.messages)
    assert len(before) == 2
    relay.clock.forward(seconds=2)
    relay.run()
    assert Counter(headers["webhook-id"] for _, headers, _ in receiver.messages) == Counter(events)


def test_a_relay_that_lost_its_claim_writes_nothing(relay: Relay, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    (event,) = relay.tell()
    (due,) = relay.deliveries.due("ep_a", relay.clock(), limit=1)
    late = relay.deliveries.claim(due, token="late", until=relay.clock())
    assert late is not None
    assert relay.deliveries.claim(due, token="other", until=relay.clock()) is None
    assert relay.run().delivered == 1
    stored = relay.delivery("a", event)
    verdict = Verdict("due", due=relay.clock())
    assert not relay.deliveries.finish(
        late, token="late", answer=Answer(500), verdict=verdict, now=relay.clock()
    )
    assert relay.delivery("a", event) == stored


def test_two_relays_at_once_send_each_delivery_once(relay: Relay, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    events = relay.tell(30)
    counts: list[DeliveryCounts] = []
    runs = [threading.Thread(target=lambda: counts.append(relay.run())) for _ in range(2)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert sum(one.delivered for one in counts) == 30
    assert Counter(headers["webhook-id"] for _, headers, _ in receiver.messages) == Counter(events)


def test_fifty_endpoints_of_which_four_misbehave_each_in_its_own_way(relay: Relay, receiver: Any) -> None:
    relay.limits = Limits(connect=2.0, read=3.0, body=0.5, total=3.0)
    misbehaving = ["hang", "drip", "huge", "close"]
    names = [*misbehaving, *(f"{index:02}" for index in range(46))]
    for name in names:
        word = name if name in misbehaving else "ok"
        relay.register(name, f"{receiver.url}/{word}/{name}")
    events = relay.tell(2)
    counts = relay.run(threads=8)

    healthy = [path for path in receiver.log if path.startswith("/ok/")]
    assert Counter(healthy) == Counter({f"/ok/{index:02}": 2 for index in range(46)})
    last_of_the_healthy = max(index for index, path in enumerate(receiver.log) if path.startswith("/ok/"))
    for word in ("hang", "drip"):
        assert f"over /{word}/{word}" not in receiver.log[:last_of_the_healthy]
    assert (
        counts.delivered == 46 * 2 + 2
    )  # the huge answer is a 200: its size costs it nothing, and us little
    assert counts.parked == 0
    for name, error in {"hang": "timed_out", "drip": "timed_out", "close": "connection_closed"}.items():
        stored = relay.delivery(name, events[0])
        assert (stored.state, stored.attempts[0].error) == ("due", error)
    assert relay.delivery("huge", events[0]).attempts[0].excerpt == "z" * 256


def test_an_endpoint_that_hangs_is_given_up_for_the_run_and_keeps_its_backlog(
    relay: Relay, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fusion_billing.webhooks.rota.WASTE_ALLOWED", 0.5)
    relay.limits = Limits(total=0.3)
    relay.register("a", f"{receiver.url}/hang/a")
    relay.tell(5)
    assert relay.run().retried == 2
    assert receiver.log.count("/hang/a") == 2
    assert len(relay.deliveries.due("ep_a", relay.clock(), limit=10)) == 3


def test_a_run_leaves_due_what_it_has_no_time_for(relay: Relay, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    relay.tell(3)
    left: Iterator[float] = iter([300.0, 300.0] + [10.0] * 100)
    counts = relay.run(left=lambda: next(left), threads=1)
    assert counts.delivered == 2
    assert len(relay.deliveries.due("ep_a", relay.clock(), limit=10)) == 1


def test_a_nudge_for_one_endpoint_serves_it_alone(relay: Relay, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    relay.register("b", f"{receiver.url}/ok/b")
    relay.tell()
    assert relay.run(endpoint="ep_b").delivered == 1
    assert receiver.log == ["/ok/b"]


def test_a_backlog_longer_than_one_runs_share_asks_for_another_run(relay: Relay, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    relay.tell(3)
    assert relay.run(most_a_run=2).delivered == 2
    assert relay.queue.sent == [("ep_a", 0)]


def test_an_event_with_many_listeners_reaches_all_of_them(relay: Relay, receiver: Any) -> None:
    for index in range(30):
        relay.register(f"{index:02}", f"{receiver.url}/ok/{index:02}")
    (event,) = relay.tell()
    assert relay.run(endpoint="ep_00").delivered == 30
    assert {headers["webhook-id"] for _, headers, _ in receiver.messages} == {event}


def test_the_oldest_due_delivery_is_told_unless_its_endpoint_only_fails(relay: Relay, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    relay.register("b", f"{receiver.url}/500/b", failing_since=relay.clock())
    told = relay.clock()
    relay.tell()
    relay.clock.at = told + timedelta(minutes=20)
    assert relay.run(endpoint="ep_b").oldest_due_seconds == 0
    assert relay.run().oldest_due_seconds == pytest.approx(1200)
    assert relay.run().oldest_due_seconds == 0


def test_what_can_not_be_decrypted_costs_the_others_nothing(relay: Relay, receiver: Any) -> None:
    relay.register(
        "a", f"{receiver.url}/ok/a", secrets=(SealedSecret(base64.b64encode(b"x"), relay.clock()),)
    )
    relay.register("b", f"{receiver.url}/ok/b")
    (event,) = relay.tell()
    counts = relay.run()
    assert (counts.delivered, counts.errors) == (1, 1)
    stored = relay.delivery("a", event)
    assert (stored.state, stored.tries) == ("due", 0)


def test_an_address_inside_is_refused_at_the_send_too(relay: Relay, receiver: Any) -> None:
    relay.register("a", "https://169.254.169.254/latest/")
    relay.register("b", "http://hooks.example.com/")
    (event,) = relay.tell()
    assert relay.run().retried == 2
    for name in ("a", "b"):
        assert relay.delivery(name, event).attempts[0].error == "refused_address"


def test_attempts_are_kept_for_thirty_days(relay: Relay, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    (event,) = relay.tell()
    relay.run()
    relay.clock.forward(days=31)
    relay.deliveries.replay("ep_a", event, relay.clock())
    relay.run()
    assert [one.at for one in relay.delivery("a", event).attempts] == [relay.clock()]


def test_deliveries_are_listed_newest_first_by_state_type_and_time(relay: Relay, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    old = relay.tell(2)
    relay.run()
    relay.clock.forward(hours=1)
    since = relay.clock()
    new = relay.tell(3)

    def listed(**more: Any) -> list[str]:
        found, after, ids = None, None, []
        while found is None or after is not None:
            found, after = relay.deliveries.listing("ep_a", **{"limit": 2, "after": after, **more})
            assert len(found) <= 2
            ids += [one.event for one in found]
        return ids

    assert listed() == [*reversed(new), *reversed(old)]
    assert listed(oldest_first=True) == [*old, *new]
    assert listed(since=since) == list(reversed(new))
    assert listed(states=frozenset({"delivered"})) == list(reversed(old))
    assert listed(type_="line.*") == []
    assert listed(type_="rating.*") == [*reversed(new), *reversed(old)]


def test_a_stale_entry_of_the_index_claims_nothing(relay: Relay, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    (event,) = relay.tell()
    relay.run()
    gone = Due("ep_a", event, "2026-11-22T15:00:00.000000Z")
    assert relay.deliveries.claim(gone, token="x", until=relay.clock()) is None
    assert not relay.deliveries.park(gone, reason="x")
