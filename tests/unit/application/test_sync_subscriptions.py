"""Subscriptions are read from Odoo: created, followed, and let go; what can't be read is named."""

from datetime import datetime, timedelta

import pytest

from fusion_billing.application.save_subscription import SubscriptionWriter
from fusion_billing.application.sync_report import Report
from fusion_billing.application.sync_subscriptions import SubscriptionSync
from fusion_billing.catalog.stored_subscription import StoredSubscription
from tests.fakes.clock import FakeClock
from tests.fakes.odoo import FakeOdoo
from tests.fakes.outbox import FakeOutbox
from tests.fakes.queue import FakeRatingJobs
from tests.fakes.state import FakeSyncProgress
from tests.fakes.subscriptions import FakeSubscriptions


class World:
    """Reads the subscriptions of a fake Odoo."""

    def __init__(self) -> None:
        self.clock, self.store, self.outbox = FakeClock(), FakeSubscriptions(), FakeOutbox()
        self.jobs, self.progress = FakeRatingJobs(), FakeSyncProgress()
        self.odoo = FakeOdoo(self.clock)
        self.seconds_left = 300.0

    def sync(self) -> SubscriptionSync:
        writer = SubscriptionWriter(self.store, self.outbox, self.jobs, pause=self.clock.sleep)
        return SubscriptionSync(
            self.odoo.client, self.store, writer, self.progress, self.clock, lambda: self.seconds_left
        )

    def run(self, *, full: bool = False, after: int | None = None, began: datetime | None = None) -> Report:
        return self.sync().run(full=full, after=after, began=began)

    def stored(self, id_: str = "42") -> StoredSubscription:
        return self.store.items[id_]


@pytest.fixture
def world() -> World:
    world = World()
    world.odoo.order(42)
    return world


def test_an_order_becomes_a_subscription(world: World) -> None:
    report = world.run()
    assert (report.full, report.read, report.created, report.skipped) == (True, 1, 1, [])
    stored = world.stored()
    assert (stored.origin, stored.subscription.plan, stored.subscription.odoo_order_id) == ("odoo", "Pro", 42)
    assert [event.type for event in world.outbox.events] == ["subscription.updated"]
    assert world.progress.read_until == world.clock.now
    assert world.jobs.requested[-1] == ("subscription", "42", 0)


def test_a_later_run_reads_only_what_may_have_changed(world: World) -> None:
    world.run()
    assert world.run().unchanged == 1
    world.clock.sleep(3600)
    world.run()
    world.odoo.order(43)
    report = world.run()
    assert (report.full, report.read, report.created) == (False, 1, 1)


def test_an_invoice_in_odoo_closes_the_period(world: World) -> None:
    world.run()
    world.odoo.admin.invoice_period(42)
    report = world.run()
    assert (report.updated, report.closed) == (1, 1)
    assert [event["period_start"] for event in world.outbox.data_of("period.invoiced")] == ["2026-11-01T00:00:00Z"]


def test_a_renewal_joins_the_subscription_that_it_renews(world: World) -> None:
    world.run()
    renewal = world.odoo.admin.renew(42)["id"]
    world.run()
    assert list(world.store.items) == ["42"]
    assert [order.odoo_order_id for order in world.stored().chain] == [42, renewal]


def test_a_subscription_that_is_cancelled_or_deleted_in_odoo_ends(world: World) -> None:
    for order in (43, 44):
        world.odoo.order(order)
    world.run()
    world.odoo.admin.write("sale.order", [42], {"state": "cancel"})
    world.odoo.admin.unlink("sale.order", [43])
    report = world.run(full=True)
    assert len(report.gone) == 1
    states = {id_: stored.subscription.state for id_, stored in world.store.items.items()}
    assert states == {"42": "6_churn", "43": "6_churn", "44": "3_progress"}


def test_an_order_that_cannot_be_read_is_named_and_the_rest_is_read(world: World) -> None:
    world.odoo.order(43, start_date=False)
    report = world.run()
    assert (report.created, len(report.skipped)) == (1, 1)
    assert list(world.store.items) == ["42"]


def test_a_run_goes_on_after_the_order_at_which_its_time_ended(world: World) -> None:
    world.seconds_left = 1.0
    report = world.run()
    assert (report.after, world.progress.read_until) == (42, None)
    world.odoo.order(43)
    world.seconds_left = 300.0
    began = world.clock.now - timedelta(minutes=1)
    report = world.run(after=report.after, began=began)
    assert (report.read, report.after, world.progress.read_until) == (1, None, began)


def test_an_unavailable_odoo_changes_nothing_and_is_read_again(world: World) -> None:
    world.odoo.is_down = True
    report = world.run()
    assert (bool(report.failed), report.alarm, world.progress.read_until) == (True, "", None)


def test_a_rejected_key_is_an_alarm(world: World) -> None:
    world.odoo.admin.revoke_key("relay-key")
    assert world.run().alarm
    assert world.store.items == {}


def test_orders_that_are_named_are_read_alone(world: World) -> None:
    world.odoo.order(43)
    report = world.sync().orders([43])
    assert (report.read, list(world.store.items)) == (1, ["43"])
