"""What becomes of deliveries, in runs of the relay over DynamoDB, to receivers on loopback."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from fusion_billing.webhooks import signing
from fusion_billing.webhooks.endpoint import Endpoint, SealedSecret

pytestmark = pytest.mark.integration

OLD_SECRET = signing.new_secret(bytes(range(1, 33)))


def test_a_due_delivery_is_sent_signed_and_stored_with_its_attempt(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    (event,) = relay.tell()
    counts = relay.run()
    assert (counts.delivered, counts.retried, counts.failed) == (1, 0, 0)
    ((_, headers, body),) = receiver.messages
    assert headers["webhook-id"] == event
    assert headers["content-type"] == "application/json"
    assert int(headers["webhook-timestamp"]) == int(relay.clock().timestamp())
    signing.verify(relay.secret, headers, body, now=relay.clock().timestamp())
    assert json.loads(body)["data"]["sequence"] == 1
    stored = relay.delivery("a", event)
    assert (stored.state, stored.attempt_count, stored.due_at) == ("delivered", 1, None)
    (attempt,) = stored.attempts
    assert (attempt.status, attempt.error, attempt.excerpt) == (200, None, "thank you")
    assert relay.run().delivered == 0


def test_both_secrets_verify_during_a_rotation_and_only_the_new_one_afterwards(
    relay: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = relay.clock()
    relay.register(
        "a",
        f"{receiver.url}/ok/a",
        secrets=(
            SealedSecret(relay.secrets.seal("ep_a", relay.secret), start),
            SealedSecret(relay.secrets.seal("ep_a", OLD_SECRET), start, start + timedelta(hours=24)),
        ),
    )
    relay.tell()
    relay.run()
    relay.clock.forward(hours=24)
    relay.tell()
    relay.run()
    (_, during, body), (_, after, later) = receiver.messages
    for secret in (relay.secret, OLD_SECRET):
        signing.verify(secret, during, body, now=int(during["webhook-timestamp"]))
    signing.verify(relay.secret, after, later, now=int(after["webhook-timestamp"]))
    with pytest.raises(signing.InvalidSignature):
        signing.verify(OLD_SECRET, after, later, now=int(after["webhook-timestamp"]))


def test_the_reference_library_verifies_what_is_sent(relay: Any, receiver: Any) -> None:
    relay.clock.at = datetime.now(relay.clock().tzinfo)
    relay.register("a", f"{receiver.url}/ok/a")
    relay.clock.at -= timedelta(seconds=1)
    relay.tell()
    relay.run()
    ((_, headers, body),) = receiver.messages
    assert Webhook(relay.secret).verify(body, headers)["type"] == "rating.updated"


def test_a_delivery_fails_after_ten_attempts_under_one_id(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/500/a")
    (event,) = relay.tell()
    waits = []
    for _ in range(9):
        before = relay.clock()
        assert relay.run().retried == 1
        stored = relay.delivery("a", event)
        assert stored.state == "due"
        assert stored.due_at is not None
        waits.append(stored.due_at - before)
        relay.clock.at = stored.due_at - timedelta(milliseconds=1)
        assert relay.run().retried == 0
        relay.clock.at = stored.due_at
    assert relay.run().failed == 1
    hours = [timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)]
    assert waits == [timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), *hours]
    stored = relay.delivery("a", event)
    assert (stored.state, stored.attempt_count, len(stored.attempts)) == ("failed", 10, 10)
    assert {headers["webhook-id"] for _, headers, _ in receiver.messages} == {event}
    assert len(receiver.messages) == 10
    # the retries after 5 s and 5 min wake the relay by themselves; the others wait for its schedule
    short, long = [delay for _, delay in relay.queue.sent]
    assert 5 <= short <= 7
    assert 300 <= long <= 311


def test_a_replayed_delivery_restarts_the_retry_schedule(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/500/a")
    (event,) = relay.tell()
    while (stored := relay.delivery("a", event)).state == "due":
        relay.clock.at = stored.due_at
        relay.run()
    assert relay.deliveries.replay("ep_a", event, relay.clock())
    assert relay.run().retried == 1
    stored = relay.delivery("a", event)
    assert (stored.state, stored.attempt_count, len(stored.attempts)) == ("due", 1, 11)
    assert stored.error is None
    assert receiver.messages[-1][1]["webhook-id"] == event


@pytest.mark.parametrize(("value", "seconds"), [("120", 120), ("0", 5), ("86401", 86400), ("soon", 5)])
def test_a_retry_after_is_honored_within_bounds(relay: Any, receiver: Any, value: str, seconds: int) -> None:
    receiver.headers["retry-after"] = value
    relay.register("a", f"{receiver.url}/503/a")
    (event,) = relay.tell()
    relay.run()
    assert relay.delivery("a", event).due_at == relay.clock() + timedelta(seconds=seconds)


def test_a_redirect_is_a_failure_and_is_not_followed(relay: Any, receiver: Any) -> None:
    receiver.headers["location"] = f"{receiver.url}/ok/b"
    relay.register("a", f"{receiver.url}/302/a")
    (event,) = relay.tell()
    assert relay.run().retried == 1
    assert receiver.log == ["/302/a"]
    assert relay.delivery("a", event).attempts[0].status == 302


def test_410_disables_the_endpoint_and_publishes_an_event(relay: Any, receiver: Any) -> None:
    gone = relay.register("a", f"{receiver.url}/410/a")
    relay.register("b", f"{receiver.url}/ok/b", events=("endpoint.*",))
    relay.register("c", f"{receiver.url}/ok/c", events=("endpoint.*",), source="src_b")
    first, second = relay.tell(2)
    counts = relay.run()
    assert receiver.log == ["/410/a"]
    assert counts.failed == 2
    stored = relay.endpoints.get(gone.id)
    assert stored is not None
    assert (stored.state, stored.disabled_reason, stored.disabled_at) == ("disabled", "gone", relay.clock())
    assert relay.delivery("a", first).error == "the endpoint responded with 410 Gone"
    assert relay.delivery("a", second).state == "failed"
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
    assert [one.state for one in own] == ["failed"]

    relay.clock.forward(seconds=1)
    (missed,) = relay.tell()
    relay.run()
    assert relay.delivery("a", missed).state == "failed"
    assert len(receiver.messages) == 2


def test_five_days_of_only_failures_disable_an_endpoint(relay: Any, receiver: Any) -> None:
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


def test_one_success_in_five_days_keeps_an_endpoint_enabled(relay: Any, receiver: Any) -> None:
    made = relay.register("a", f"{receiver.url}/500/a")
    relay.tell()
    relay.run()
    failing = relay.endpoints.get(made.id)
    assert failing is not None
    assert failing.failing_since == relay.clock()
    good = relay.endpoints.replace(
        Endpoint(**{**{name: getattr(failing, name) for name in failing.__slots__}, "url": f"{receiver.url}/ok/a"})
    )
    relay.clock.forward(days=4)
    relay.run()
    stored = relay.endpoints.get(good.id)
    assert stored is not None
    assert (stored.state, stored.failing_since) == ("enabled", None)


def test_an_internal_address_is_refused_when_sending_too(relay: Any, receiver: Any) -> None:
    relay.register("a", "https://169.254.169.254/latest/")
    relay.register("b", "http://hooks.example.com/")
    (event,) = relay.tell()
    assert relay.run().retried == 2
    for name in ("a", "b"):
        assert relay.delivery(name, event).attempts[0].error == "refused_address"


def test_attempts_are_stored_for_thirty_days(relay: Any, receiver: Any) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    (event,) = relay.tell()
    relay.run()
    relay.clock.forward(days=31)
    relay.deliveries.replay("ep_a", event, relay.clock())
    relay.run()
    assert [attempt.attempted_at for attempt in relay.delivery("a", event).attempts] == [relay.clock()]


def test_deliveries_are_listed_newest_first_by_state_type_and_time(relay: Any, receiver: Any) -> None:
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
