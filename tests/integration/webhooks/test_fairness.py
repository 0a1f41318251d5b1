"""Fairness and leases: nobody waits for another, nothing is lost, nothing is sent by two relays at once."""

import base64
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from fusion_billing.dynamodb.webhooks.deliveries import Due
from fusion_billing.outbound.webhook_sender import Limits
from fusion_billing.webhooks.delivery_result import DeliveryResult, EndpointResponse
from fusion_billing.webhooks.endpoint import SealedSecret

pytestmark = pytest.mark.integration


def test_deliveries_of_a_killed_relay_are_sent_by_the_next_run_a_minute_later(relay: Any, receiver: Any) -> None:
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


def test_a_relay_that_lost_its_lease_writes_nothing(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    (event,) = relay.tell()
    (due,) = relay.deliveries.due("ep_a", relay.clock(), limit=1)
    late = relay.deliveries.claim(due, token="late", until=relay.clock())
    assert late is not None
    assert relay.deliveries.claim(due, token="other", until=relay.clock()) is None
    assert relay.run().delivered == 1
    stored = relay.delivery("a", event)
    result = DeliveryResult("due", due_at=relay.clock())
    assert not relay.deliveries.finish(
        late, token="late", response=EndpointResponse(500), result=result, now=relay.clock()
    )
    assert relay.delivery("a", event) == stored


def test_two_relays_at_once_send_each_delivery_once(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    events = relay.tell(30)
    counts: list[Any] = []
    runs = [threading.Thread(target=lambda: counts.append(relay.run())) for _ in range(2)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert sum(one.delivered for one in counts) == 30
    assert Counter(headers["webhook-id"] for _, headers, _ in receiver.messages) == Counter(events)


def test_fifty_endpoints_of_which_four_misbehave_each_in_its_own_way(relay: Any, receiver: Any) -> None:
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
    assert counts.delivered == 46 * 2 + 2  # the huge answer is a 200: its size costs it nothing, and us little
    assert counts.failed == 0
    for name, error in {"hang": "timed_out", "drip": "timed_out", "close": "connection_closed"}.items():
        stored = relay.delivery(name, events[0])
        assert (stored.state, stored.attempts[0].error) == ("due", error)
    assert relay.delivery("huge", events[0]).attempts[0].excerpt == "z" * 256


def test_a_hanging_endpoint_is_dropped_for_the_run_and_its_deliveries_stay_due(
    relay: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fusion_billing.webhooks.fair_scheduler.FAILURE_BUDGET", 0.5)
    relay.limits = Limits(total=0.3)
    relay.register("a", f"{receiver.url}/hang/a")
    relay.tell(5)
    assert relay.run().retried == 2
    assert receiver.log.count("/hang/a") == 2
    assert len(relay.deliveries.due("ep_a", relay.clock(), limit=10)) == 3


def test_deliveries_beyond_the_time_of_a_run_stay_due(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    relay.tell(3)
    left: Iterator[float] = iter([300.0, 300.0] + [10.0] * 100)
    counts = relay.run(left=lambda: next(left), threads=1)
    assert counts.delivered == 2
    assert len(relay.deliveries.due("ep_a", relay.clock(), limit=10)) == 1


def test_a_wake_up_for_one_endpoint_serves_only_it(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    relay.register("b", f"{receiver.url}/ok/b")
    relay.tell()
    assert relay.run(endpoint="ep_b").delivered == 1
    assert receiver.log == ["/ok/b"]


def test_a_backlog_beyond_the_limit_of_a_run_requests_another_run(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    relay.tell(3)
    assert relay.run(most_a_run=2).delivered == 2
    assert relay.queue.sent == [("ep_a", 0)]


def test_an_event_with_many_listeners_reaches_all_of_them(relay: Any, receiver: Any) -> None:
    for index in range(30):
        relay.register(f"{index:02}", f"{receiver.url}/ok/{index:02}")
    (event,) = relay.tell()
    assert relay.run(endpoint="ep_00").delivered == 1
    woken = [endpoint for endpoint, _ in relay.queue.sent]
    assert woken == [f"ep_{index:02}" for index in range(1, 30)]
    assert relay.run(endpoint=woken).delivered == 29
    assert {headers["webhook-id"] for _, headers, _ in receiver.messages} == {event}


def test_one_run_at_a_time_serves_an_endpoint_and_later_wake_ups_are_served_too(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    relay.register("b", f"{receiver.url}/ok/b")
    relay.tell()
    until = relay.clock() + timedelta(seconds=60)
    assert relay.endpoint_leases.take("ep_a", token="other", now=relay.clock(), until=until)
    assert relay.run(endpoint=["ep_a", "ep_b"]).delivered == 1
    assert receiver.log == ["/ok/b"]
    assert relay.endpoint_leases.give_back("ep_a", token="other")
    assert relay.run(endpoint="ep_a").delivered == 1
    assert not relay.endpoint_leases.give_back("ep_a", token="other")


def test_a_run_that_got_another_wake_up_requests_another_run(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    relay.tell()

    class Interrupted:
        def post(self, *_: Any) -> EndpointResponse:
            assert relay.run(endpoint="ep_a").delivered == 0
            return EndpointResponse(200)

    assert relay.run(endpoint="ep_a", sender=Interrupted()).delivered == 1
    assert relay.queue.sent == [("ep_a", 0)]
    assert relay.run(endpoint="ep_a").delivered == 0
    assert relay.queue.sent == [("ep_a", 0)]


def test_the_lease_of_a_killed_run_expires_after_a_minute(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    relay.tell()
    until = relay.clock() + timedelta(seconds=60)
    assert relay.endpoint_leases.take("ep_a", token="dead", now=relay.clock(), until=until)
    relay.clock.at = until
    assert relay.run(endpoint="ep_a").delivered == 1
    assert not relay.endpoint_leases.give_back("ep_a", token="dead")


def test_no_wake_up_is_sent_for_an_endpoint_that_has_only_failed_for_ten_minutes(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/500/a", failing_since=relay.clock() - timedelta(minutes=9))
    relay.tell()
    relay.run()
    assert [endpoint for endpoint, _ in relay.queue.sent] == ["ep_a"]
    relay.clock.forward(minutes=1)
    assert relay.run().retried == 1
    assert len(relay.queue.sent) == 1


def test_the_oldest_due_delivery_is_reported_unless_its_endpoint_only_fails(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    relay.register("b", f"{receiver.url}/500/b", failing_since=relay.clock())
    told = relay.clock()
    relay.tell()
    relay.clock.at = told + timedelta(minutes=20)
    assert relay.run(endpoint="ep_b").oldest_due_seconds == 0
    assert relay.run().oldest_due_seconds == pytest.approx(1200)
    assert relay.run().oldest_due_seconds == 0


def test_a_delivery_without_its_event_fails_with_a_reason(relay: Any, receiver: Any, tables: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    (event,) = relay.tell()
    relay.dynamodb.delete_item(TableName=tables.webhooks, Key={"pk": {"S": f"E#{event}"}, "sk": {"S": "EVENT"}})
    assert relay.run().failed == 1
    stored = relay.delivery("a", event)
    assert (stored.state, stored.attempt_count, stored.error) == ("failed", 0, "the event is not kept any more")
    assert receiver.messages == []


def test_a_secret_that_cannot_be_decrypted_does_not_affect_other_endpoints(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a", secrets=(SealedSecret(base64.b64encode(b"x"), relay.clock()),))
    relay.register("b", f"{receiver.url}/ok/b")
    (event,) = relay.tell()
    counts = relay.run()
    assert (counts.delivered, counts.errors) == (1, 1)
    stored = relay.delivery("a", event)
    assert (stored.state, stored.attempt_count) == ("due", 0)


def test_a_stale_entry_of_the_index_is_not_claimed(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    (event,) = relay.tell()
    relay.run()
    gone = Due("ep_a", event, "2026-11-22T15:00:00.000000Z")
    assert relay.deliveries.claim(gone, token="x", until=relay.clock()) is None
    assert not relay.deliveries.fail(gone, reason="x")
