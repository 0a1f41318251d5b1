"""The relay's jobs on fakes: what each job runs, what it sends on, and what a failure leaves."""

from collections.abc import Callable, Mapping
from typing import cast

import pytest
from aws_lambda_powertools import Logger

from functions.relay import dependencies, jobs
from functions.relay.line_relay import LineRelay
from fusion_billing.application.sync_report import Report
from fusion_billing.errors import Unavailable
from fusion_billing.messaging.relay_messages import CloseJob, DeliveriesJob, InvoicesJob, LinesJob, SyncJob
from fusion_billing.odoo import configuration
from tests.fakes.queue import FakeQueue
from tests.fakes.relay_world import RelayWorld


class FakeMetrics:
    """Published metrics by name; a later value replaces an earlier one."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def add_metric(self, name: str, unit: object, value: float) -> None:
        self.values[name] = value


class FakeSync:
    """A synchronization that reports what it is told to."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def run(self, **_: object) -> Report:
        return self.report


class Relay:
    """The relay's jobs on a world of fakes."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.world, self.queue, self.metrics = RelayWorld(), FakeQueue(), FakeMetrics()
        self.world.odoo.order(42)
        self.report = Report()
        self.closed: list[tuple[str, object]] = []
        self.deliveries: list[object] = []
        given: Mapping[str, object] = {
            "line_relay": lambda _: self.world.relay(),
            "queue": lambda: self.queue,
            "metrics": lambda: self.metrics,
            "logger": lambda: Logger(service="relay"),
            "now": self.world.clock,
            "subscription_sync": lambda _: FakeSync(self.report),
            "final_invoices": lambda _: 2,
            "close_last_period": lambda *period: self.closed.append(period),
        }
        for name, value in given.items():
            patch.setattr(dependencies, name, value)
        patch.setattr(configuration, "is_configured", lambda: True)
        patch.setattr(jobs, "send_deliveries", self._send_deliveries)

    def _send_deliveries(self, _: Callable[[], float], endpoints: object = None) -> dict[str, object]:
        self.deliveries.append(endpoints)
        return {"delivered": 0}


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Relay:
    return Relay(monkeypatch)


def remaining() -> float:
    return 300.0


def test_due_lines_are_sent_and_measured(relay: Relay) -> None:
    relay.world.rate()
    assert jobs.do(LinesJob(), remaining)["sent"] == 1
    assert (relay.metrics.values["LinesSent"], relay.metrics.values["LinesFailed"]) == (1, 0)
    assert jobs.do(InvoicesJob(), remaining)["sent"] == 0


def test_nothing_is_sent_unless_odoo_is_configured(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "is_configured", lambda: False)
    relay.world.rate()
    for job in (LinesJob(), InvoicesJob(), SyncJob()):
        assert jobs.do(job, remaining) == {}
    assert relay.metrics.values == {}


def test_a_scheduled_run_sends_lines_and_deliveries(relay: Relay) -> None:
    relay.world.rate()
    results = jobs.scheduled({"job": "relay"}, remaining)
    assert cast("Mapping[str, object]", results["lines"])["sent"] == 1
    assert results["deliveries"] == {"delivered": 0}


def test_deliveries_are_sent_though_lines_fail(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: Callable[[], float]) -> LineRelay:
        raise Unavailable("The table is throttled")

    monkeypatch.setattr(dependencies, "line_relay", failing)
    with pytest.raises(Unavailable):
        jobs.scheduled({"job": "relay"}, remaining)
    assert relay.deliveries == [None]


def test_deliveries_of_named_endpoints_are_sent(relay: Relay) -> None:
    jobs.do(DeliveriesJob(endpoints=("ep_1",)), remaining)
    assert relay.deliveries == [("ep_1",)]


def test_a_synchronization_that_runs_out_of_time_continues_by_a_message(relay: Relay) -> None:
    relay.report = Report(read=200, after=17, changed=["42", "43", "42"])
    assert jobs.do(SyncJob(), remaining)["after"] == 17
    following, comparison = relay.queue.messages
    assert (following["job"], following["after"]) == ("sync", 17)
    assert (comparison["job"], comparison["subscriptions"]) == ("guard", ["42", "43"])
    assert relay.metrics.values["FinalInvoices"] == 2


def test_an_alarm_is_measured_and_no_final_invoices_are_looked_for(relay: Relay) -> None:
    relay.report = Report(alarm="odoo_key_rejected")
    jobs.do(SyncJob(), remaining)
    assert relay.metrics.values["OdooAuthErrors"] == 1
    assert "FinalInvoices" not in relay.metrics.values


def test_the_last_period_of_a_subscription_is_closed(relay: Relay) -> None:
    job = CloseJob(subscription="42", period_start=relay.world.clock.now)
    assert jobs.do(job, remaining) == {}
    assert relay.closed == [("42", relay.world.clock.now)]


def test_an_unknown_job_is_rejected(relay: Relay) -> None:
    with pytest.raises(ValueError, match="Unknown job"):
        jobs.scheduled({"job": "unknown"}, remaining)
