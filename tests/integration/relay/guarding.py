"""What tests of the guarding of order lines share: a sent line, a comparison, what came of it."""

from decimal import Decimal
from typing import Any

from functions.relay.guard_run import GuardRun, Run
from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
from fusion_billing.dynamodb.state.leases import Leases
from fusion_billing.messaging.relay_messages import GuardJob
from fusion_billing.odoo.copy_guarding import CopyGuarding
from fusion_billing.webhooks.events.registry import check
from tests.integration.relay.conftest import API_CALLS, START, STORAGE
from tests.integration.relay.test_reconcile import subscribe

LIST_PRICE = Decimal("9.99")


def guard(world: Any, job: GuardJob | None = None, setting: str = "repair", **changes: Any) -> Run:
    """Compare as the daily schedule does, or as `message` says."""
    subscriptions = SubscriptionStore(world.dynamodb, world.tables.catalog)
    guarding = world.guarding(setting)
    run = GuardRun(
        lines=guarding,
        copies=CopyGuarding(guarding, subscriptions, Leases(world.dynamodb, world.tables.state, "guard")),
        subscriptions=subscriptions,
        circuit=world.circuit,
        products=lambda: frozenset({API_CALLS, STORAGE}),
        clock=lambda: world.now,
        random=lambda: 0.0,
        remaining=changes.pop("remaining", lambda: 300.0),
    )
    return run.run(job or GuardJob())


def guarded_world(world: Any) -> Any:
    """Return a world in which order 41 has its line of 250 at 0.004, and all agrees."""
    world.orders(41)
    subscribe(world, 41)
    world.rate(41)
    world.run()
    world.admin.write("product.product", [API_CALLS], {"lst_price": LIST_PRICE})
    world.heard.events.clear()
    return world


def line(world: Any) -> Any:
    [found] = [row for row in world.lines.in_period("41", START) if row.sk == "api_calls"]
    return found


def form(world: Any, order: int = 41) -> list[tuple[Decimal, Decimal, Decimal]]:
    rows = world.admin.read(
        "sale.order.line", [["order_id", "=", order]], ["product_uom_qty", "price_unit", "price_subtotal"]
    )
    return [(row["product_uom_qty"], row["price_unit"], row["price_subtotal"]) for row in rows]


def heard(world: Any, type_: str) -> list[dict[str, Any]]:
    """Return the data of all events of a type, each as the catalog has it."""
    found = [data for name, data in world.heard.events if name == type_]
    for data in found:
        check(type_, data)
    return found


RATED = [(Decimal(250), Decimal("0.004"), Decimal(1))]
UPDATED = [(Decimal(250), LIST_PRICE, Decimal("2497.50"))]
