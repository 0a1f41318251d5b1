"""A line whose order or product is another now: the old one goes to zero, a new one takes its place."""

from decimal import Decimal
from typing import Any

import pytest

pytestmark = pytest.mark.integration

STORAGE = 8


def names(world: Any, *orders: int) -> dict[str, Any]:
    """Return each line's external id, with its order, product and subtotal."""
    lines = [line for order in orders for line in world.in_odoo(order)]
    found = {
        row["res_id"]: f"{row['module']}.{row['name']}"
        for row in world.admin.read("ir.model.data", [["model", "=", "sale.order.line"]], ["module", "name", "res_id"])
    }
    return {
        found[line["id"]].removeprefix("fusion_billing."): (
            line["order_id"][0],
            line["product_id"][0],
            Decimal(str(line["price_subtotal"])),
        )
        for line in lines
    }


def settle(world: Any) -> Any:
    """Run until a line that had to move has moved: into its old partition, off its old order, onto the new one."""
    tallies = [world.run() for _ in range(4)]
    return {name: sum(statistics[name] for statistics in tallies) for name in ("moved", "retired", "sent")}


NAME = "41--api_calls--20261101T000000Z"


def test_a_line_follows_its_subscription_to_the_order_that_will_invoice_it(world: Any) -> None:
    world.orders(41, 42)
    world.rate(41)
    world.run()
    key = world.rate(41, "2.00", odoo_order_id=42)
    assert settle(world) == {"moved": 1, "retired": 1, "sent": 1}
    assert names(world, 41, 42) == {NAME: (41, 7, 0), f"{NAME}--o42": (42, 7, 2)}
    stored = world.lines.get(key)
    assert (stored.state, stored.odoo_order, stored.sent_amount) == ("sent", 42, Decimal("2.00"))
    world.rate(41, "3.00", odoo_order_id=42)
    world.run()
    assert names(world, 41, 42)[f"{NAME}--o42"] == (42, 7, 3)
    assert world.admin.overlaps() == []


def test_a_new_product_gets_a_new_line_and_the_old_line_is_set_to_zero(world: Any) -> None:
    world.orders(41)
    world.rate(41)
    world.run()
    for product in (STORAGE, 7, STORAGE):
        world.rate(41, "2.00", odoo_product_id=product)
        settle(world)
    assert names(world, 41) == {
        NAME: (41, 7, 0),
        f"{NAME}--p8": (41, 8, 2),
        f"{NAME}--p7": (41, 7, 0),
    }


def test_product_and_order_may_change_at_once_and_back(world: Any) -> None:
    world.orders(41, 42)
    world.rate(41)
    world.run()
    world.rate(41, "2.00", odoo_product_id=STORAGE, odoo_order_id=42)
    settle(world)
    world.rate(41, "3.00")
    settle(world)
    assert names(world, 41, 42) == {
        NAME: (41, 7, 0),
        f"{NAME}--p8--o42": (42, 8, 0),
        f"{NAME}--p7--o41": (41, 7, 3),
    }


@pytest.mark.parametrize(
    "change",
    [{"state": "cancel"}, {"locked": True}, {"locked": True, "subscription_state": "5_renewed"}],
)
def test_what_became_of_the_old_order_decides_whether_a_line_may_move(world: Any, change: dict[str, Any]) -> None:
    world.orders(41, 42)
    key = world.rate(41)
    world.run()
    world.admin.write("sale.order", [41], change)
    world.rate(41, "2.00", odoo_order_id=42)
    settle(world)
    line = world.line(key).line
    if change == {"locked": True}:
        assert (line.state, line.error, line.amount) == ("failed", "order_locked", Decimal("1.00"))
        assert world.in_odoo(42) == []
    else:
        assert (line.state, line.amount) == ("sent", Decimal("2.00"))


def test_an_invoiced_line_is_not_moved(world: Any) -> None:
    world.orders(41, 42)
    key = world.rate(41)
    world.run()
    world.admin.invoice_period(41)
    world.rate(41, "2.00", odoo_order_id=42)
    tallies = [world.run() for _ in range(4)]
    found = set().union(*(statistics.invoiced for statistics in tallies))
    assert found == {41}, [statistics.as_dict() for statistics in tallies]
    assert world.in_odoo(42) == []
    assert world.line(key).line.amount == Decimal("1.00")


def test_a_line_perhaps_on_the_old_order_is_looked_for_there(world: Any) -> None:
    world.orders(41, 42)
    world.rate(41)
    world.admin.fault("lost", times=3, method="load")
    world.run()
    world.later(minutes=10)
    world.rate(41, "2.00", odoo_order_id=42)
    settle(world)
    assert names(world, 41, 42) == {NAME: (41, 7, 0), f"{NAME}--o42": (42, 7, 2)}
