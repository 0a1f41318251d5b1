"""A relay that is really killed, in the middle of a try."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest

pytestmark = pytest.mark.integration

RELAY = """
import sys
from datetime import datetime

from functions.relay import deliveries
from fusion_billing.outbound.ssrf_guard import SsrfGuard
from fusion_billing.outbound.webhook_sender import WebhookSender
from fusion_billing.dynamodb.webhooks.deliveries import DeliveryStore
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.dynamodb.webhooks.events import EventStore
from fusion_billing.composition import build_outbox
from fusion_billing.messaging.wakeups import WakeUps
from fusion_billing.dynamodb.state.endpoint_leases import EndpointLeases
from local.dynamodb import client

url, table, state, secret, now = sys.argv[1:]
dynamodb = client(url)


class Secrets:
    def open(self, endpoint_id, sealed):
        return secret


deliveries.run(
    deliveries.Dependencies(
        endpoints=EndpointStore(dynamodb, table),
        deliveries=DeliveryStore(dynamodb, table),
        events=EventStore(dynamodb, table),
        secrets=Secrets(),
        sender=WebhookSender(SsrfGuard(loopback=True)),
        outbox=build_outbox(dynamodb, None, table=table, queue_url="queue"),
        wake_ups=WakeUps(None, "queue"),
        endpoint_leases=EndpointLeases(dynamodb, state),
    ),
    lambda: datetime.fromisoformat(now),
    lambda: 300.0,
)
"""


def test_a_killed_relay_loses_nothing_and_repeats_only_attempts_in_progress(
    relay: Any, receiver: Any, dynamodb_url: str, tables: Any
) -> None:
    relay.register("a", f"{receiver.url}/ok/a")
    stuck = relay.register("b", f"{receiver.url}/hang/b")
    events = relay.tell(3)
    relay.clock.forward(seconds=1)
    arguments = [dynamodb_url, tables.webhooks, tables.state, relay.secret, relay.clock().isoformat()]
    killed = subprocess.Popen([sys.executable, "-c", RELAY, *arguments])
    try:
        _wait_for(lambda: "/hang/b" in receiver.log and receiver.log.count("/ok/a") == 3, killed)
        _wait_for(lambda: all(relay.delivery("a", event).state == "delivered" for event in events), killed)
    finally:
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()

    well = relay.endpoints.replace(_at(stuck, f"{receiver.url}/ok/b"))
    assert well.url.endswith("/ok/b")
    assert relay.run().delivered == 2  # what the dead relay had not begun
    relay.clock.forward(seconds=61)
    assert relay.run().delivered == 1  # what it had
    sent = Counter((path, headers["webhook-id"]) for path, headers, _ in receiver.messages)
    assert {path: count for (path, _), count in sent.items() if count > 1} == {}
    assert {event for path, event in sent if path == "/ok/a"} == set(events)
    assert {event for path, event in sent if path == "/ok/b"} == set(events)


def _at(endpoint: Any, url: str) -> Any:
    fields = {name: getattr(endpoint, name) for name in type(endpoint).__slots__}
    return type(endpoint)(**{**fields, "url": url})


def _wait_for(condition: Any, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if condition():
            return
        assert process.poll() is None, "the relay ended by itself"
        time.sleep(0.05)
    raise AssertionError("the relay did not get that far")
