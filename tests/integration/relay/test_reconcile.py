"""Lines compared with Odoo: what was changed there by hand is reported, and repaired on request."""

from decimal import Decimal
from typing import Any

import pytest

from functions.admin.services.reconcile import Reconciler, Report
from fusion_billing.application.save_subscription import SubscriptionWriter
from fusion_billing.application.subscription_plan import SaveRequest
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse
from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
from fusion_billing.dynamodb.state.leases import Leases
from fusion_billing.odoo.copy_guarding import CopyGuarding
from tests.integration.relay.conftest import API_CALLS, STORAGE
from tests.rating_definitions import subscription_body

pytestmark = pytest.mark.integration


class NoJobs:
    def subscription(self, subscription: str, *, delay: int = 0) -> None:
        """Do nothing."""


def subscribe(world: Any, *orders: int) -> SubscriptionStore:
    store = SubscriptionStore(world.dynamodb, world.tables.catalog)
    for order in orders:
        document = subscription_body(order, name=f"S{order}", customer_name="A customer", start_date="2026-10-01")
        wanted = parse(Subscription, document, id=str(order))
        SubscriptionWriter(store, world.heard, NoJobs()).save(SaveRequest(wanted, origin="api", now=world.now))
    return store


def reconcile(world: Any, subscription: str | None = "41", *, repair: bool = False, **how: Any) -> Report:
    subscriptions = SubscriptionStore(world.dynamodb, world.tables.catalog)
    guarding = world.guarding("repair" if repair else None)
    made = Reconciler(
        guarding=guarding,
        copies=CopyGuarding(guarding, subscriptions, Leases(world.dynamodb, world.tables.state, "reconcile")),
        subscriptions=subscriptions,
        products=lambda: frozenset({API_CALLS, STORAGE}),
        remaining=how.pop("remaining", lambda: 20.0),
    )
    given = {"subscription": subscription, "period_start": None, "cursor": None, **how}
    return made.run(**given)


@pytest.fixture
def sent(world: Any) -> Any:
    """A world in which order 41 has its line, and all agrees."""
    world.orders(41)
    subscribe(world, 41)
    world.rate(41)
    world.run()
    return world


def test_agreeing_lines_are_counted_and_not_reported(sent: Any) -> None:
    report = reconcile(sent)
    assert (report.compared, report.agreeing, report.findings) == (1, 1, [])


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"product_uom_qty": 1}, ["subtotal", "quantity"]),
        ({"price_unit": Decimal("0.008")}, ["subtotal", "price"]),
        ({"product_uom_qty": 125, "price_unit": Decimal("0.008")}, ["quantity", "price"]),
    ],
)
def test_a_line_changed_in_odoo_is_reported_and_repaired(sent: Any, values: dict[str, Any], found: list[str]) -> None:
    [row] = sent.in_odoo(41)
    sent.admin.write("sale.order.line", [row["id"]], values)
    assert set(found) <= set(reconcile(sent).findings[0]["found"])
    [finding] = reconcile(sent, repair=True).findings
    assert finding["repaired"] is True
    sent.run()
    [row] = sent.in_odoo(41)
    assert (row["product_uom_qty"], row["price_unit"], row["product_id"][0]) == (250, Decimal("0.004"), 7)
    assert reconcile(sent).findings == []


def test_a_line_whose_product_was_changed_in_odoo_is_set_to_zero_and_replaced(sent: Any) -> None:
    [row] = sent.in_odoo(41)
    sent.admin.write("sale.order.line", [row["id"]], {"product_id": 8})
    assert "product" in reconcile(sent, repair=True).findings[0]["found"]
    sent.run()
    sent.run()
    found = [(row["product_id"][0], row["price_subtotal"]) for row in sent.in_odoo(41)]
    assert found == [(8, 0), (7, 1)]
    assert reconcile(sent).findings == []


def test_a_line_deleted_in_odoo_is_reported_and_created_again(sent: Any) -> None:
    [row] = sent.in_odoo(41)
    sent.admin.unlink("sale.order.line", [row["id"]])
    assert reconcile(sent, repair=True).findings[0]["found"] == ["deleted"]
    sent.run()
    assert len(sent.in_odoo(41)) == 1
    assert reconcile(sent).findings == []


def test_a_line_duplicated_in_odoo_is_reported_and_set_to_zero(sent: Any) -> None:
    [row] = sent.in_odoo(41)
    twin = {"order_id": 41, "product_id": 7, "product_uom_qty": 250, "price_unit": 1, "name": row["name"]}
    [made] = sent.admin.seed({"sale.order.line": [twin]})["sale.order.line"]
    [finding] = reconcile(sent, repair=True).findings
    assert (finding["found"], finding["odoo_line_id"], finding["repaired"]) == (["copied"], made, True)
    assert sorted(row["product_uom_qty"] for row in sent.in_odoo(41)) == [0, 250]
    assert reconcile(sent).findings == []


def test_a_duplicate_is_not_changed_while_a_relay_holds_the_partition(sent: Any) -> None:
    [row] = sent.in_odoo(41)
    sent.admin.seed({"sale.order.line": [{"order_id": 41, "product_id": 7, "product_uom_qty": 1, "name": row["name"]}]})
    leases = Leases(sent.dynamodb, sent.tables.state, "relay")
    for line_partition in range(8):
        leases.take(f"LANE#{line_partition:02d}", sent.now, sent.now.replace(year=2027))
    [finding] = reconcile(sent, repair=True).findings
    assert finding["repaired"] is False


def test_a_moved_line_is_reported(sent: Any) -> None:
    sent.orders(42)
    [row] = sent.in_odoo(41)
    sent.admin.write("sale.order.line", [row["id"]], {"order_id": 42})
    assert "moved" in reconcile(sent).findings[0]["found"]


def test_an_invoiced_line_is_reported_and_not_changed(sent: Any) -> None:
    key = sent.rate(41)
    sent.run()
    sent.ratings.freeze(sent.line(key))
    [row] = sent.in_odoo(41)
    sent.admin.write("sale.order.line", [row["id"]], {"price_unit": 9})
    [finding] = reconcile(sent, repair=True).findings
    assert (finding["repaired"], finding["reason"]) == (False, "its billing period is invoiced")
    assert sent.line(key).line.state == "sent"


def test_all_subscriptions_are_compared_as_far_as_time_allows_and_the_rest_from_the_cursor(
    world: Any,
) -> None:
    orders = list(range(41, 61))
    world.orders(*orders)
    subscribe(world, *orders)
    for order in orders:
        world.rate(order)
    world.run()
    left = iter([20.0] * 7 + [1.0])
    first = reconcile(world, None, remaining=lambda: next(left))
    assert first.compared == 7
    assert first.cursor is not None
    rest = reconcile(world, None, cursor=first.cursor)
    assert (first.compared + rest.compared, rest.cursor, rest.findings) == (20, None, [])
