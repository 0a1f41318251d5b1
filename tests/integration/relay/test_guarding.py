"""Order lines are guarded until they are invoiced: what is changed in Odoo is brought back, or reported."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.dynamodb.ratings.period_lines_store import PeriodLinesStore
from fusion_billing.messaging.relay_messages import GuardJob
from fusion_billing.odoo_lines.line_guard import MAX_REPAIRS
from tests.integration.relay.conftest import API_CALLS, STORAGE
from tests.integration.relay.guarding import (
    RATED,
    UPDATED,
    form,
    guard,
    guarded_world,
    heard,
    line,
)
from tests.integration.relay.test_reconcile import subscribe

pytestmark = pytest.mark.integration


@pytest.fixture
def sent(world: Any) -> Any:
    """A world in which order 41 has its line of 250 at 0.004, and all agrees."""
    return guarded_world(world)


def test_update_prices_is_repaired_before_the_invoice(sent: Any) -> None:
    sent.admin.update_prices(41)
    assert form(sent) == UPDATED
    run = guard(sent)
    assert run.result.counts() == {"compared": 1, "agreeing": 0, "changed": 1, "repaired": 1, "failed": 0}
    sent.run()
    assert form(sent) == RATED
    assert sent.admin.invoice_order(41)["amount_untaxed"] == 1
    [data] = heard(sent, "line.changed")
    assert (data["amount"], data["odoo_amount"], data["action"]) == ("1.00", "2497.50", "repaired")
    assert data["found"] == ["subtotal", "price"]


def test_update_prices_is_only_reported_if_the_guard_is_set_to_report(sent: Any) -> None:
    sent.admin.update_prices(41)
    sent.admin.clear_calls()
    before = line(sent)
    run = guard(sent, setting="report")
    assert run.result.counts() == {"compared": 1, "agreeing": 0, "changed": 1, "repaired": 0, "failed": 0}
    sent.run()
    assert {call["method"] for call in sent.admin.calls()} <= {"search_read", "fields_get", "get_metadata"}
    assert form(sent) == UPDATED
    after = line(sent)
    assert (after.state, after.digest, after.line_partition) == (before.state, before.digest, "changed")
    [data] = heard(sent, "line.changed")
    assert data["action"] == "reported"
    assert data["message"].startswith("rated 1.00, Odoo has 2497.50: its amount without taxes differs")


def test_a_finding_is_reported_once_until_it_changes_or_is_gone(sent: Any) -> None:
    sent.admin.update_prices(41)
    guard(sent, setting="report")
    sent.later(hours=1)
    assert guard(sent, setting="report").result.changed == 0
    [row] = sent.in_odoo(41)
    sent.admin.write("sale.order.line", [row["id"]], {"price_unit": 5})
    assert guard(sent, setting="report").result.changed == 1
    sent.admin.write("sale.order.line", [row["id"]], {"price_unit": Decimal("0.004")})
    assert guard(sent, setting="report").result.agreeing == 1
    assert (line(sent).line_partition, line(sent).guard, line(sent).state) == ("", None, "sent")
    assert len(sent.heard.events) == 2


@dataclass(frozen=True)
class Change:
    """What somebody does in Odoo, what is found, and what is on the order once it is repaired."""

    act: Callable[[Any, int], object]
    found: list[str]
    repaired: list[tuple[Any, ...]] | None = None


def write(**values: Any) -> Callable[[Any, int], object]:
    return lambda world, row: world.admin.write("sale.order.line", [row], values)


def included_tax(world: Any, row: int) -> None:
    world.admin.seed(
        {"account.tax": [{"id": 91, "name": "20 % incl.", "amount": 20, "price_include_override": "tax_included"}]}
    )
    world.admin.write("sale.order.line", [row], {"tax_ids": [91]})


CHANGES = {
    "quantity": Change(write(product_uom_qty=1), ["subtotal", "quantity"], RATED),
    "price": Change(write(price_unit=5), ["subtotal", "price"], RATED),
    "both, the amount being the same": Change(
        write(product_uom_qty=125, price_unit=Decimal("0.008")), ["quantity", "price"], RATED
    ),
    "discount": Change(write(discount=50), ["subtotal", "discount"], None),
    "product": Change(write(product_id=STORAGE), ["product"], None),
    "deleted": Change(lambda world, row: world.admin.unlink("sale.order.line", [row]), ["deleted"], RATED),
    "moved": Change(write(order_id=43), ["moved"], RATED),
    "zero": Change(write(product_uom_qty=0), ["subtotal", "quantity"], RATED),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("job", [None, GuardJob(subscriptions=("41",))], ids=["daily", "changed order"])
def test_every_change_is_found_and_repaired(sent: Any, name: str, job: GuardJob | None) -> None:
    change = CHANGES[name]
    sent.orders(43)
    [row] = sent.in_odoo(41)
    change.act(sent, row["id"])
    run = guard(sent, job)
    [finding] = run.result.findings
    assert set(change.found) <= set(finding["found"])
    assert (finding["repaired"], run.result.repaired) == (True, 1)
    for _ in range(3):
        sent.run()
    if change.repaired is not None:
        assert form(sent) == change.repaired
    assert sum(row["price_subtotal"] for row in sent.in_odoo(41)) == 1
    assert guard(sent, job).result.findings == []


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_only_reported_if_the_guard_is_set_to_report(sent: Any, name: str) -> None:
    sent.orders(43)
    [row] = sent.in_odoo(41)
    CHANGES[name].act(sent, row["id"])
    before = sent.admin.read("sale.order.line", [], ["product_uom_qty", "price_unit", "order_id", "product_id"])
    run = guard(sent, setting="report")
    assert (run.result.changed, run.result.repaired) == (1, 0)
    sent.run()
    after = sent.admin.read("sale.order.line", [], ["product_uom_qty", "price_unit", "order_id", "product_id"])
    assert after == before


def test_a_tax_that_is_included_in_the_price_is_found_by_the_amount(sent: Any) -> None:
    [row] = sent.in_odoo(41)
    included_tax(sent, row["id"])
    [finding] = guard(sent, setting="report").result.findings
    assert (finding["found"], finding["odoo_amount"]) == (["subtotal", "tax"], "0.83")


def test_with_taxes_the_total_is_compared(world: Any) -> None:
    world.orders(41)
    subscribe(world, 41)
    world.rate(41, tax_behavior="inclusive")
    world.run()
    [row] = world.in_odoo(41)
    world.admin.seed({"account.tax": [{"id": 92, "name": "20 %", "amount": 20}]})
    world.admin.write("sale.order.line", [row["id"]], {"tax_ids": [92]})
    [finding] = guard(world, setting="report").result.findings
    assert (finding["found"], finding["odoo_amount"]) == (["total", "tax"], "1.20")


def test_a_delivered_quantity_that_is_taken_away_is_found_and_written_again(world: Any) -> None:
    world.orders(41)
    subscribe(world, 41)
    world.admin.write("product.product", [API_CALLS], {"invoice_policy": "delivery"})
    world.rate(41)
    world.run()
    [row] = world.in_odoo(41)
    world.admin.write("sale.order.line", [row["id"]], {"qty_delivered": 0})
    [finding] = guard(world).result.findings
    assert (finding["found"], finding["repaired"]) == (["to_invoice"], True)
    world.run()
    assert world.admin.invoice_order(41)["amount_untaxed"] == 1


def test_a_cancelled_order_is_reported_alone(sent: Any) -> None:
    sent.admin.write("sale.order", [41], {"state": "cancel"})
    [finding] = guard(sent).result.findings
    assert (finding["found"], finding["repaired"], finding["reason"]) == (
        ["cancelled"],
        False,
        "its order is canceled",
    )
    assert line(sent).state == "sent"


def test_what_is_on_an_invoice_is_never_touched(sent: Any) -> None:
    sent.admin.update_prices(41)
    sent.admin.invoice_period(41)
    [finding] = guard(sent).result.findings
    assert (finding["repaired"], finding["reason"]) == (False, "it is on an invoice")
    assert line(sent).state == "sent"


def test_a_frozen_line_is_not_looked_at(sent: Any) -> None:
    [row] = sent.in_odoo(41)
    sent.ratings.freeze(sent.find(41, "api_calls"))
    sent.admin.write("sale.order.line", [row["id"]], {"price_unit": 5})
    assert guard(sent).result.compared == 0


def test_a_line_whose_result_is_unknown_is_left_to_the_relay(sent: Any) -> None:
    sent.rate(41, "2.00")
    sent.admin.fault("lost", times=3, method="load")
    sent.run()
    assert line(sent).intent is not None
    run = guard(sent)
    assert (run.result.compared, run.result.findings) == (0, [])


def change(sent: Any, values: dict[str, Any], *removed: str) -> None:
    """Change the attributes of the line as they are stored."""
    stored = line(sent)
    lines = PeriodLinesStore(sent.dynamodb, sent.tables.ratings)
    assert lines.change(stored.pk, lambda found: found.changed(stored.sk, values, removed))


def test_a_line_that_is_due_is_left_to_the_relay_and_one_that_waits_for_its_time_is_compared(
    sent: Any,
) -> None:
    sent.rate(41, "2.00")
    sent.admin.update_prices(41)
    assert guard(sent).result.compared == 0
    change(sent, {"line_at": {"S": "2026-11-29T00:00:00.000000Z"}})
    assert guard(sent).result.repaired == 1
    sent.run()
    assert sent.in_odoo(41)[0]["price_subtotal"] == 2


def test_a_line_of_today_without_its_form_is_compared_too(sent: Any) -> None:
    change(sent, {}, "line_form")
    assert guard(sent).result.agreeing == 1
    sent.admin.update_prices(41)
    [finding] = guard(sent).result.findings
    assert finding["found"] == ["subtotal", "price"]


def test_a_line_that_is_changed_after_each_repair_is_failed(sent: Any) -> None:
    for _ in range(MAX_REPAIRS):
        sent.admin.update_prices(41)
        assert guard(sent).result.repaired == 1
        sent.run()
        assert form(sent) == RATED
        sent.later(minutes=20)
    sent.admin.update_prices(41)
    run = guard(sent)
    assert (run.result.failed, run.result.repaired) == (1, 0)
    failed = line(sent)
    assert (failed.state, failed.error) == ("failed", "changed_again")
    [data] = heard(sent, "line.failed")
    assert data["reason"] == "changed_again"
    assert "rated 1.00, Odoo has 2497.50" in data["message"]
    sent.run()
    assert guard(sent).result.compared == 0


def test_repairs_of_other_days_do_not_count(sent: Any) -> None:
    for _ in range(MAX_REPAIRS + 2):
        sent.admin.update_prices(41)
        assert guard(sent).result.repaired == 1
        sent.run()
        sent.later(hours=23)
    assert line(sent).state == "sent"


def test_many_lines_gone_at_once_are_lost_rights(world: Any) -> None:
    orders = range(100, 130)
    world.orders(*orders)
    subscribe(world, *orders)
    for order in orders:
        world.rate(order)
    world.run()
    world.admin.unlink("sale.order.line", [row["id"] for row in world.admin.read("sale.order.line")])
    run = guard(world)
    assert (run.failed, run.is_alarm, run.result.changed) == ("odoo_no_rights", True, 0)
