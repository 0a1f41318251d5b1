"""Measure webhooks: thousands of due deliveries to a hundred endpoints, one of which hangs.

The relay runs on DynamoDB Local against a receiver in a process of its own. The counterpart is the same run with
no endpoint hanging: the ratio is what one dead endpoint costs the others.
"""

import os
import statistics
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fusion_billing.composition import build_outbox
from fusion_billing.dynamodb.state.endpoint_leases import EndpointLeases
from fusion_billing.dynamodb.webhooks.deliveries import DeliveryStore
from fusion_billing.dynamodb.webhooks.endpoint_secrets import EndpointSecrets
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from fusion_billing.dynamodb.webhooks.events import EventStore, event_writes
from fusion_billing.messaging.wakeups import WakeUps
from fusion_billing.outbound.ssrf_guard import SsrfGuard
from fusion_billing.outbound.webhook_sender import WebhookSender
from fusion_billing.webhooks import signing
from fusion_billing.webhooks.endpoint import Endpoint, SealedSecret
from fusion_billing.webhooks.publishing import Event
from tests.bench import receiver
from tests.bench.harness import Figure, Progress, repeated_ratio
from tests.bench.world import World, engine

_ENDPOINTS = 100
_DELIVERIES, _FULL_DELIVERIES = 2_000, 10_000
_ROUNDS = 3
_RUN_SECONDS = 300.0
_OTHERS_BOUND = 1.25
_MEGABYTES = 32.0


@dataclass(frozen=True, slots=True)
class _Run:
    delivered: int
    seconds: float
    until_the_last: float
    megabytes: float


class _Kms:
    """A KMS that returns its input: encryption is not measured."""

    def encrypt(self, **about: Any) -> dict[str, bytes]:
        return {"CiphertextBlob": about["Plaintext"]}

    def decrypt(self, **about: Any) -> dict[str, bytes]:
        return {"Plaintext": about["CiphertextBlob"]}


class _Queue:
    def send_message_batch(self, **_: Any) -> dict[str, Any]:
        return {}


def run(*, full: bool) -> list[Figure]:
    """Measure runs with one hanging endpoint, each beside a run with none."""
    count = _FULL_DELIVERIES if full else _DELIVERIES
    progress = Progress("deliveries", 2 * _ROUNDS)
    pairs: list[tuple[_Run, _Run]] = []
    with engine() as url:
        for turn in range(_ROUNDS):
            runs: dict[bool, _Run] = {}
            for hanging in (False, True) if turn % 2 else (True, False):
                with receiver.running() as received:
                    runs[hanging] = _run(World(url), received, count, hanging=hanging)
                delivered = f"{runs[hanging].delivered:,} delivered"
                progress.step(f"{delivered}, {'one hanging' if hanging else 'none hanging'}")
            pairs.append((runs[True], runs[False]))
    name = f"{count:,} deliveries to {_ENDPOINTS} endpoints, one hanging"
    suite = "deliveries"
    ill = [hung for hung, _ in pairs]
    longest = statistics.median(one.seconds for one in ill)
    most = max(one.megabytes for one in ill)
    return [
        repeated_ratio(
            suite,
            f"{name}: until the last of the others",
            "s",
            [(hung.until_the_last, well.until_the_last) for hung, well in pairs],
            counterpart="none hanging",
            bound=_OTHERS_BOUND,
        ),
        Figure(suite, f"{name}: the whole run", longest, "s", longest, bound=_RUN_SECONDS),
        Figure(suite, f"{name}: memory over before, peak", most, "MB", most, bound=_MEGABYTES),
    ]


def _run(world: World, received: str, count: int, *, hanging: bool) -> _Run:
    from functions.relay import deliveries  # noqa: PLC0415  it reads the environment

    now = datetime.now(UTC)
    table, queue, secrets = world.tables.webhooks, _Queue(), EndpointSecrets(_Kms(), "key")  # type: ignore[arg-type]
    endpoints = _endpoints(world, received, secrets, now, hanging=hanging)
    _load(world, endpoints, count // _ENDPOINTS, now)
    gone = time.monotonic() + _RUN_SECONDS
    with_ = deliveries.Dependencies(
        endpoints=EndpointStore(world.client, table),
        deliveries=DeliveryStore(world.client, table),
        events=EventStore(world.client, table),
        secrets=secrets,
        sender=WebhookSender(SsrfGuard(loopback=True)),
        outbox=build_outbox(world.client, queue, table=table, queue_url="queue"),  # type: ignore[arg-type]
        wake_ups=WakeUps(queue, "queue"),  # type: ignore[arg-type]
        endpoint_leases=EndpointLeases(world.client, world.tables.state),
    )
    wanted = count - (count // _ENDPOINTS if hanging else 0)
    began = time.monotonic()
    with _memory() as memory, _watched(received, wanted) as last:
        counts = deliveries.run(with_, lambda: datetime.now(UTC), lambda: gone - time.monotonic())
        took = time.monotonic() - began
    assert counts.delivered == wanted, f"{counts.delivered} were delivered, not {wanted}"
    assert not counts.errors, "errors of our own"
    return _Run(counts.delivered, took, last[0] - began, memory[0])


def _endpoints(
    world: World, received: str, secrets: EndpointSecrets, now: datetime, *, hanging: bool
) -> list[Endpoint]:
    store = EndpointStore(world.client, world.tables.webhooks)
    made = []
    for number in range(_ENDPOINTS):
        id_ = f"ep_{number:03d}"
        word = "hang" if hanging and number == 0 else "ok"
        sealed = SealedSecret(secrets.seal(id_, signing.new_secret(bytes(range(32)))), now)
        made.append(Endpoint(id_, "src_a", f"{received}/{word}/{number}", ("*",), now, secrets=(sealed,)))
        store.create(made[-1])
    return made


def _load(world: World, endpoints: list[Endpoint], each: int, now: datetime) -> None:
    table = world.tables.webhooks
    body = b'{"type":"rating.updated","timestamp":"2026-11-22T12:00:00Z","data":{"amount":"1.00"}}'
    at = now - timedelta(minutes=1)
    for number in range(each):
        event = Event(f"msg_{number:026d}", "rating.updated", "42", body, at)
        writes = event_writes(table, event, endpoints, direct=True)
        world.write(table, (write["Put"]["Item"] for write in writes))


@contextmanager
def _memory() -> Iterator[list[float]]:
    """Record the peak growth of this process's resident memory while the block runs, in megabytes."""
    before, peak, done = _resident(), [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            peak[0] = max(peak[0], (_resident() - before) / 1e6)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def _watched(received: str, wanted: int) -> Iterator[list[float]]:
    """Note when the receiver had taken the last of the `wanted`."""
    at, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            with urllib.request.urlopen(f"{received}/taken", timeout=5) as answer:
                if int(answer.read()) >= wanted:
                    at[0] = time.monotonic()
                    return

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield at
        watcher.join(5)
    finally:
        done.set()
        watcher.join()
