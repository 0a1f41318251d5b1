"""What the relay has no time for goes on over more messages than Lambda allows a loop that it was not told of."""

from collections.abc import Callable, Iterator

import pytest
from aws_lambda_powertools import Logger

from functions.relay import dependencies, handler, jobs
from fusion_billing.application.sync_report import Report
from fusion_billing.messaging.hops import HOPS, MAX_HOPS
from fusion_billing.messaging.queue import Queue
from fusion_billing.messaging.relay_messages import DeliveriesJob, SyncJob
from fusion_billing.odoo import configuration
from tests.fakes.lambda_and_sqs import LAMBDAS_LIMIT, LambdaAndSqs
from tests.fakes.relay_world import RelayWorld
from tests.unit.relay.test_jobs import FakeMetrics
from tests.unit.template.conftest import TEMPLATE

RUNS = 40


class PagedSync:
    """A synchronization that reads one order a run: the order after the one that it is given."""

    def __init__(self, orders: int) -> None:
        self.orders, self.read = orders, list[int]()

    def run(self, *, full: bool, after: int | None, **_: object) -> Report:
        self.read.append((after or 0) + 1)
        return Report(full=full, read=1, after=self.read[-1] if self.read[-1] < self.orders else None)


class Metrics(FakeMetrics):
    """Metrics that are flushed at the end of an invocation."""

    def flush_metrics(self) -> None:
        """Do nothing."""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    world = RelayWorld()
    given: dict[str, Callable[..., object]] = {
        "metrics": Metrics,
        "logger": lambda: Logger(service="relay"),
        "now": world.clock,
        "final_invoices": lambda _: 0,
    }
    for name, value in given.items():
        monkeypatch.setattr(dependencies, name, value)
    monkeypatch.setattr(configuration, "is_configured", lambda: True)
    monkeypatch.setattr(jobs, "_renew_key", lambda _: None)
    yield
    HOPS.receive([])


def deployed(monkeypatch: pytest.MonkeyPatch, *, allowed: bool) -> tuple[LambdaAndSqs, Queue]:
    service = LambdaAndSqs(handler.handler, allowed)
    queue: Queue = Queue(service, "relay")  # type: ignore[arg-type]
    monkeypatch.setattr(dependencies, "queue", lambda: queue)
    return service, queue


def is_allowed() -> bool:
    return TEMPLATE.read_text().count("RecursiveLoop: Allow") == 2  # rate and relay


def test_forty_messages_in_a_row_read_every_subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    service, queue = deployed(monkeypatch, allowed=is_allowed())
    sync = PagedSync(RUNS)
    monkeypatch.setattr(dependencies, "subscription_sync", lambda _: sync)
    queue.send([SyncJob(full=True)])
    service.run()

    assert (service.dropped, service.failed) == (0, [])
    assert sync.read == list(range(1, RUNS + 1))


def test_forty_wake_ups_in_a_row_deliver_for_a_busy_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    service, queue = deployed(monkeypatch, allowed=is_allowed())
    runs: list[object] = []

    def send_deliveries(_: object, endpoints: object = None) -> dict[str, object]:
        runs.append(endpoints)
        if len(runs) < RUNS:
            queue.send([DeliveriesJob(endpoints=("ep_1",))])
        return {}

    monkeypatch.setattr(jobs, "send_deliveries", send_deliveries)
    queue.send([DeliveriesJob(endpoints=("ep_1",))])
    service.run()

    assert (len(runs), service.dropped) == (RUNS, 0)


def test_lambda_would_drop_the_rest_if_the_loop_were_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    service, queue = deployed(monkeypatch, allowed=False)
    sync = PagedSync(RUNS)
    monkeypatch.setattr(dependencies, "subscription_sync", lambda _: sync)
    queue.send([SyncJob(full=True)])
    service.run()

    assert (service.done, service.dropped) == (LAMBDAS_LIMIT, 1)


def test_a_runaway_ends_among_the_dead_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    service, queue = deployed(monkeypatch, allowed=True)
    sync = PagedSync(10 * MAX_HOPS)
    monkeypatch.setattr(dependencies, "subscription_sync", lambda _: sync)
    queue.send([SyncJob(full=True)])
    service.run()

    assert (len(service.failed), len(sync.read), service.waiting) == (1, MAX_HOPS, [])
