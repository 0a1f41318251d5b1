"""Order lines that were changed in Odoo are repaired or reported; a run goes on where its time ended."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from functions.admin.services.reconcile import Reconciler
from functions.relay.guard_run import GuardRun, Run
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.errors import NotFound
from fusion_billing.messaging.relay_messages import GuardJob
from fusion_billing.odoo import precision
from fusion_billing.odoo.copy_guarding import CopyGuarding
from fusion_billing.odoo.line_guarding import LineGuarding
from fusion_billing.odoo_lines.line_guard import LineGuard
from tests.fakes.odoo import OTHER_PRODUCT, PRODUCT
from tests.fakes.rating_world import RatingWorld
from tests.fakes.relay_world import RelayWorld
from tests.fakes.subscriptions import FakeSubscriptions

PRODUCTS = frozenset({PRODUCT, OTHER_PRODUCT})


def subscribed() -> StoredSubscription:
    rating_world = RatingWorld()
    rating_world.subscribe()
    return rating_world.subscriptions.items["42"]


class World(RelayWorld):
    """Order 42 has its line of 250 at 0.004, as it was rated."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.subscriptions = FakeSubscriptions({"42": subscribed()})
        self.odoo.order(42)
        self.rate()
        self.run()
        self.outbox.events.clear()

    def guarding(self, guard: LineGuard | None) -> LineGuarding:
        return LineGuarding(
            store=self.lines,
            odoo=self.odoo.client,
            precision=lambda: precision.read(self.odoo.client),
            events=self.outbox,
            line_partitions=1,
            clock=self.clock,
            seconds=lambda: 20.0,
            guard=guard,
        )

    def compare(
        self, job: GuardJob | None = None, guard: LineGuard = "repair", remaining: Callable[[], float] = lambda: 300.0
    ) -> Run:
        guarding = self.guarding(guard)
        return GuardRun(
            lines=guarding,
            copies=CopyGuarding(guarding, self.subscriptions, self.leases),
            subscriptions=self.subscriptions,
            circuit=self.circuit,
            products=lambda: PRODUCTS,
            clock=self.clock,
            random=lambda: 0.0,
            remaining=remaining,
        ).run(job or GuardJob())

    def reconciler(self, guard: LineGuard | None = None) -> Reconciler:
        guarding = self.guarding(guard)
        copies = CopyGuarding(guarding, self.subscriptions, self.leases)
        return Reconciler(guarding, copies, self.subscriptions, lambda: PRODUCTS, lambda: 20.0)

    def change_price(self, price: str = "9.99") -> None:
        """Change the price of the line by hand in Odoo."""
        self.odoo.admin.write("sale.order.line", [self.line().odoo_id or 0], {"price_unit": Decimal(price)})


@pytest.fixture
def world() -> World:
    return World()


def test_a_line_that_is_as_it_was_rated_agrees(world: World) -> None:
    result = world.compare().result
    assert (result.compared, result.agreeing, result.findings, world.outbox.events) == (1, 1, [], [])


def test_a_changed_line_is_repaired_by_the_next_run(world: World) -> None:
    world.change_price()
    assert world.compare().result.repaired == 1
    assert world.line().state == "due"
    assert [event.type for event in world.outbox.events] == ["line.changed"]
    assert world.run()["sent"] == 1
    assert world.odoo.subtotals(42) == ["1.00"]


def test_a_changed_line_is_reported_once_if_it_is_not_to_be_repaired(world: World) -> None:
    world.change_price()
    assert world.compare(guard="report").result.changed == 1
    assert world.line().line_partition == "changed"
    assert world.compare(guard="report").result.changed == 0
    assert len(world.outbox.events) == 1
    world.change_price("0.004")
    assert world.compare(guard="report").result.agreeing == 1
    assert (world.line().guard, world.line().line_partition) == (None, "")


def test_a_line_that_is_changed_after_each_repair_fails(world: World) -> None:
    failed = 0
    for _ in range(10):
        world.change_price()
        failed += world.compare().result.failed
        if failed:
            break
        world.run()
        world.later(minutes=5)
    assert (failed, world.line().state, world.line().error) == (1, "failed", "changed_again")


def test_a_copy_of_a_line_is_set_to_zero(world: World) -> None:
    copy = world.odoo.admin.copy_order(42)
    world.subscriptions.items["43"] = _with_order(world.subscriptions.items["42"], copy)
    run = world.compare()
    assert run.result.repaired == 1
    assert world.odoo.subtotals(copy) == ["0.00"]
    assert world.leases.held == {}


def test_only_periods_that_end_soon_are_compared_hourly(world: World) -> None:
    assert world.compare(GuardJob(closing=True)).result.compared == 0
    world.clock.now = datetime(2026, 11, 29, 18, tzinfo=UTC)
    assert world.compare(GuardJob(closing=True)).result.compared == 1


def test_a_run_goes_on_where_its_time_ended(world: World) -> None:
    job = GuardJob(subscriptions=(*(f"unknown-{number}" for number in range(100)), "42"))
    run = world.compare(job, remaining=lambda: 10.0)
    assert (run.rest, run.result.compared) == (GuardJob(subscriptions=("42",)), 0)
    assert world.compare(run.rest).result.compared == 1
    assert world.compare(job, remaining=lambda: 1.0).rest == job


def test_every_subscription_is_compared_over_several_runs(world: World) -> None:
    rest: GuardJob | None = GuardJob()
    compared = runs = 0
    while rest is not None:
        run = world.compare(rest, remaining=lambda: 10.0)
        compared, runs, rest = compared + run.result.compared, runs + 1, run.rest
    assert compared == 1
    assert runs > 1


def test_odoo_being_unavailable_opens_the_circuit_and_ends_the_run(world: World) -> None:
    world.odoo.is_down = True
    assert world.compare().failed
    assert world.circuit.failures() == 1
    world.odoo.is_down = False
    calls = len(world.odoo.calls)
    assert world.compare().failed == "odoo_unavailable"
    assert len(world.odoo.calls) == calls


def test_an_error_of_the_configuration_is_an_alarm(world: World) -> None:
    world.odoo.admin.revoke_key("relay-key")
    run = world.compare()
    assert run.is_alarm
    assert run.failed


def test_a_comparison_on_demand_reports_and_changes_nothing(world: World) -> None:
    world.change_price()
    report = world.reconciler().run(subscription="42", period_start=None, cursor=None)
    assert (report.compared, len(report.findings), world.line().state) == (1, 1, "sent")
    assert world.reconciler("repair").run(subscription=None, period_start=None, cursor=None).compared == 1
    assert world.line().state == "due"
    with pytest.raises(NotFound):
        world.reconciler().run(subscription="43", period_start=None, cursor=None)


def _with_order(stored: StoredSubscription, order: int) -> StoredSubscription:
    subscription = stored.subscription.model_copy(update={"id": "43", "odoo_order_id": order})
    return replace(stored, subscription=subscription)
