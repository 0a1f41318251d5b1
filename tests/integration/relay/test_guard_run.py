"""Which lines a comparison looks at, what agrees, and what it costs."""

from datetime import UTC, datetime
from typing import Any

import pytest

from fusion_billing.messaging.relay_messages import GuardJob
from local.capacity import Consumed
from tests.integration.relay.conftest import STORAGE
from tests.integration.relay.guarding import guard, guarded_world, line
from tests.integration.relay.test_reconcile import subscribe

pytestmark = pytest.mark.integration


@pytest.fixture
def sent(world: Any) -> Any:
    """A world in which order 41 has its line of 250 at 0.004, and all agrees."""
    return guarded_world(world)


def test_a_line_that_moves_to_a_renewal_and_a_final_invoice_s_line_agree(sent: Any) -> None:
    renewed = sent.admin.renew(41)["id"]
    sent.rate(41, odoo_order_id=renewed)
    assert guard(sent).result.findings == []
    for _ in range(3):
        sent.run()
    assert [row["price_subtotal"] for row in sent.in_odoo(renewed)] == [1]
    assert guard(sent).result.findings == []
    sent.rate(41, "3.00", odoo_order_id=renewed, final_invoice=True)
    sent.run()
    assert line(sent).state == "final_invoice"
    run = guard(sent)
    assert (run.result.compared, run.result.findings) == (1, [])


def test_a_line_of_a_final_invoice_that_was_changed_is_repaired_and_listed_again(sent: Any) -> None:
    sent.rate(41, "3.00", final_invoice=True)
    sent.run()
    [row] = sent.in_odoo(41)
    sent.admin.write("sale.order.line", [row["id"]], {"price_unit": 9})
    assert guard(sent).result.repaired == 1
    sent.run()
    assert (line(sent).state, sent.in_odoo(41)[0]["price_subtotal"]) == ("final_invoice", 3)


def test_only_periods_that_end_soon_are_compared_hourly(sent: Any) -> None:
    sent.admin.update_prices(41)
    assert guard(sent, GuardJob(closing=True)).result.compared == 0
    sent.now = datetime(2026, 11, 29, 18, tzinfo=UTC)
    assert guard(sent, GuardJob(closing=True)).result.repaired == 1


def test_a_run_without_time_left_is_continued(world: Any) -> None:
    orders = list(range(300, 340))
    world.orders(*orders)
    subscribe(world, *orders)
    for order in orders:
        world.rate(order)
    world.run()
    rest: GuardJob | None = GuardJob()
    compared = runs = 0
    while rest is not None:
        run = guard(world, rest, remaining=lambda: 10.0)
        compared, runs, rest = compared + run.result.compared, runs + 1, run.rest
        assert runs < 60
    assert (compared, runs > 10) == (40, True)


def test_a_named_list_continues_where_time_ran_out(sent: Any) -> None:
    ids = [f"unknown-{number}" for number in range(100)] + ["41"]
    run = guard(sent, GuardJob(subscriptions=tuple(ids)), remaining=lambda: 10.0)
    assert run.rest == GuardJob(subscriptions=("41",))
    assert guard(sent, run.rest).result.compared == 1


def test_a_run_without_time_asks_for_itself(sent: Any) -> None:
    run = guard(sent, GuardJob(subscriptions=("41",)), remaining=lambda: 1.0)
    assert (run.rest, run.result.compared) == (GuardJob(subscriptions=("41",)), 0)


def test_reconciliation_makes_few_calls_to_odoo(world: Any) -> None:
    orders = list(range(300, 340))
    world.orders(*orders)
    subscribe(world, *orders)
    for order in orders:
        world.rate(order)
        world.rate(order, charge="storage", odoo_product_id=STORAGE)
    world.run()
    world.admin.clear_calls()
    assert guard(world).result.agreeing == 80
    # The precision, the lines once, all lines to be invoiced once, and whose they are.
    assert [call["method"] for call in world.admin.calls()] == [
        "fields_get",
        "search_read",
        "search_read",
        "get_metadata",
    ]
    world.admin.clear_calls()
    world.now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert guard(world, GuardJob(closing=True)).result.agreeing == 80
    assert [call["method"] for call in world.admin.calls()] == ["fields_get", "search_read", "search_read"]


def test_no_calls_are_made_while_odoo_is_unavailable(sent: Any) -> None:
    sent.circuit.failed(sent.now, jitter=0.0)
    sent.admin.clear_calls()
    assert guard(sent).failed == "odoo_unavailable"
    assert sent.admin.calls() == []


def test_a_walk_reads_little(world: Any, metered: tuple[Any, Consumed]) -> None:
    orders = list(range(300, 320))
    world.orders(*orders)
    subscribe(world, *orders)
    for order in orders:
        world.rate(order)
    world.run()
    world.dynamodb, consumed = metered
    consumed.clear()
    assert guard(world).result.agreeing == 20
    assert "Scan" not in consumed.operations
    # Each subscription 1, and the pages of the sixteen shards of the list; each period's ratings a half.
    assert consumed.units(world.tables.catalog) <= 20 + 16
    assert consumed.units(world.tables.ratings) <= 20 * 0.5
