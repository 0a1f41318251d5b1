"""What counts as billed is what Odoo's invoices say, and goes on saying."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.odoo import access
from tests.integration.relay.conftest import START

pytestmark = pytest.mark.integration


def closed(world: Any, amount: str = "1.00", *, draft: bool = False, **changes: Any) -> tuple[Any, int]:
    """Have a line sent, invoiced, and its period closed; return its key and the invoice."""
    world.orders(41)
    key = world.rate(41, amount, **changes)
    world.run()
    invoice = world.admin.invoice_period(41, draft=draft)["invoice"]
    world.ratings.freeze(world.line(key))
    world.run()
    return key, invoice


def billed(world: Any, key: Any) -> tuple[Decimal | None, str | None]:
    stored = world.lines.get(key)
    return stored.billed, stored.billed_state


def next_day(world: Any) -> None:
    world.later(hours=25)
    world.run()


def test_an_invoice_is_read_after_its_period_closes_and_a_rating_is_requested(world: Any) -> None:
    key, _ = closed(world)
    assert billed(world, key) == (Decimal("1.00"), "posted")
    assert (world.line(key).billed, world.line(key).line.by_order_line) == (1, False)
    assert world.rerated == ["41"]


def test_a_posted_invoice_is_read_again_four_times_and_then_no_more(world: Any) -> None:
    key, _ = closed(world)
    reads = []
    start = world.now
    for _ in range(95):
        before = len(world.admin.calls("account.move.line"))
        next_day(world)
        if len(world.admin.calls("account.move.line")) > before:
            reads.append((world.now - start) // timedelta(days=1))
    assert len(reads) == 4
    assert (reads[0], reads[-1] >= 90) == (1, True)
    assert world.lines.get(key).line_partition == ""
    assert world.rerated == ["41"]


@pytest.mark.parametrize("end", ["delete_invoice", "cancel_invoice", "credit_invoice"])
def test_what_an_invoice_no_longer_bills_stands_on_the_order_and_is_billed_by_the_next(world: Any, end: str) -> None:
    key, invoice = closed(world, draft=end == "delete_invoice")
    getattr(world.admin, end)(invoice)
    next_day(world)
    assert billed(world, key) == (Decimal("1.00"), "pending")
    assert world.line(key).line.by_order_line
    world.admin.invoice_period(41)
    next_day(world)
    assert billed(world, key) == (Decimal("1.00"), "posted")
    assert not world.line(key).line.by_order_line


def test_a_line_set_to_zero_after_its_draft_was_deleted_is_not_billed(world: Any) -> None:
    key, invoice = closed(world, draft=True)
    assert billed(world, key) == (Decimal("1.00"), "draft")
    world.admin.delete_invoice(invoice)
    [row] = world.in_odoo(41)
    world.admin.write("sale.order.line", [row["id"]], {"product_uom_qty": 0})
    next_day(world)
    assert billed(world, key) == (Decimal("0.00"), "none")
    assert world.rerated == ["41", "41"]


def test_a_draft_is_read_daily_until_it_is_posted(world: Any) -> None:
    key, invoice = closed(world, draft=True)
    for _ in range(3):
        next_day(world)
    assert billed(world, key) == (Decimal("1.00"), "draft")
    world.admin.post_invoice(invoice)
    next_day(world)
    assert billed(world, key) == (Decimal("1.00"), "posted")


def test_an_invoice_line_changed_by_hand_is_the_billed_amount(world: Any) -> None:
    key, invoice = closed(world, draft=True)
    [line] = world.admin.read("account.move.line", [["move_id", "=", invoice]], ["id"])
    world.admin.write("account.move.line", [line["id"]], {"price_unit": Decimal("0.002")})
    next_day(world)
    assert billed(world, key) == (Decimal("0.50"), "draft")
    assert world.line(key).billed == Decimal("0.50")


def test_a_credit_line_alone_on_its_invoice_is_billed_with_its_sign(world: Any) -> None:
    key, _ = closed(world, "-0.80")
    assert billed(world, key) == (Decimal("-0.80"), "posted")


def test_without_the_right_to_read_invoices_the_order_line_is_read(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(access.RIGHTS, "account.move.line", {**access.RIGHTS["account.move.line"], "read": ()})
    world.orders(41)
    key = world.rate(41)
    world.run()
    world.admin.invoice_period(41)
    world.ratings.freeze(world.line(key))
    statistics = world.run()
    assert statistics.invoices_unreadable
    assert billed(world, key) == (Decimal("1.00"), "posted")
    assert world.line(key).line.by_order_line


def test_a_stored_line_of_before_invoices_were_read_is_what_odoo_acknowledged(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.run()
    world.ratings.freeze(world.line(key))
    assert world.line(key).billed == Decimal("1.00")
    assert not world.line(key).unresolved


def test_a_line_sent_after_its_period_closed_is_billed_by_the_next_invoice(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.run()
    world.ratings.freeze(world.line(key))
    world.run()
    assert billed(world, key) == (Decimal("1.00"), "pending")


@pytest.mark.parametrize("state", ["5_renewed", "6_churn"])
@pytest.mark.parametrize("product", [7, 8])
def test_what_stands_on_an_order_that_odoo_passes_by_is_not_billed_and_left_there_no_more(
    world: Any, state: str, product: int
) -> None:
    world.admin.write("product.product", [8], {"invoice_policy": "delivery"})
    key, invoice = closed(world, draft=True, odoo_product_id=product)
    world.admin.delete_invoice(invoice)
    world.admin.write("sale.order", [41], {"subscription_state": state})
    next_day(world)
    assert billed(world, key) == (Decimal("0.00"), "none")
    [row] = world.admin.read("sale.order.line", [["order_id", "=", 41]], ["qty_to_invoice"])
    assert row["qty_to_invoice"] == 0
    assert world.rerated == ["41", "41"]


@pytest.mark.parametrize("is_readable", [True, False])
def test_a_line_that_cannot_be_removed_from_a_renewed_order_is_billed_only_if_invoiced(
    world: Any, monkeypatch: pytest.MonkeyPatch, is_readable: bool
) -> None:
    if not is_readable:
        rights = {**access.RIGHTS["account.move.line"], "read": ()}
        monkeypatch.setitem(access.RIGHTS, "account.move.line", rights)
    key, invoice = closed(world, draft=True)
    world.admin.delete_invoice(invoice)
    world.admin.write("sale.order", [41], {"subscription_state": "5_renewed", "locked": True})
    next_day(world)
    assert billed(world, key) == (Decimal("0.00"), "pending")
    world.admin.invoice_order(41)
    next_day(world)
    assert billed(world, key)[0] == Decimal("1.00")


def test_a_line_that_changed_after_the_final_invoice_has_its_period_closed(world: Any) -> None:
    world.orders(41, subscription_state="6_churn")
    world.rate(41, final_invoice=True)
    world.run()
    world.admin.invoice_order(41, post=True)
    key = world.rate(41, "2.00", final_invoice=True)
    statistics = world.run()
    assert (statistics.final_invoices, statistics.invoiced) == ({("41", START)}, {41})
    line = world.line(key).line
    assert (line.state, line.error, line.amount) == ("due", "line_invoiced", Decimal("1.00"))


@pytest.mark.parametrize("state", ["6_churn", "3_progress"])
def test_a_line_left_out_or_credited_by_the_final_invoice_has_nothing_billed(world: Any, state: str) -> None:
    world.orders(41, subscription_state=state)
    key = world.rate(41, final_invoice=True)
    world.run()
    world.ratings.freeze(world.line(key))
    world.run()
    assert billed(world, key) == (Decimal("0.00"), "none")
    assert world.in_odoo(41)[0]["product_uom_qty"] == 0
