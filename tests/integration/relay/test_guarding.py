"""Order lines are guarded until they are invoiced: what is changed in Odoo is brought back, or reported."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from functions.relay.guard_run import GuardRun, Run
from fusion_billing.lines.line_guard import MOST_REPAIRS, read_notes
from fusion_billing.odoo.copy_guarding import CopyGuarding
from fusion_billing.store.leases import Leases
from fusion_billing.store.subscriptions import SubscriptionStore
from fusion_billing.webhooks.events import check
from local.capacity import Consumed
from tests.integration.relay.conftest import API_CALLS, START, STORAGE
from tests.integration.relay.test_reconcile import subscribe

pytestmark = pytest.mark.integration

LIST_PRICE = Decimal("9.99")


def guard(world: Any, message: dict[str, Any] | None = None, setting: str = "repair", **changes: Any) -> Run:
    """Compare as the daily schedule does, or as `message` says."""
    subscriptions = SubscriptionStore(world.dynamodb, world.tables.catalogue)
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
    return run.run(message or {})


@pytest.fixture
def sent(world: Any) -> Any:
    """A world in which order 41 has its line of 250 at 0.004, and all agrees."""
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
    """Return the data of all events of a type, each as the catalogue has it."""
    found = [data for name, data in world.heard.events if name == type_]
    for data in found:
        check(type_, data)
    return found


RATED = [(Decimal(250), Decimal("0.004"), Decimal(1))]
UPDATED = [(Decimal(250), LIST_PRICE, Decimal("2497.50"))]


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


def test_update_prices_is_reported_and_nothing_is_written_where_that_is_the_setting(sent: Any) -> None:
    sent.admin.update_prices(41)
    sent.admin.clear_calls()
    before = line(sent)
    run = guard(sent, setting="report")
    assert run.result.counts() == {"compared": 1, "agreeing": 0, "changed": 1, "repaired": 0, "failed": 0}
    sent.run()
    assert {call["method"] for call in sent.admin.calls()} <= {"search_read", "fields_get", "get_metadata"}
    assert form(sent) == UPDATED
    after = line(sent)
    assert (after.state, after.digest, after.lane) == (before.state, before.digest, "changed")
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
    assert (line(sent).lane, line(sent).guard, line(sent).state) == ("", None, "sent")
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
        {
            "account.tax": [
                {"id": 91, "name": "20 % incl.", "amount": 20, "price_include_override": "tax_included"}
            ]
        }
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
@pytest.mark.parametrize("message", [None, {"subscriptions": ["41"]}], ids=["daily", "changed order"])
def test_every_change_is_found_and_repaired(sent: Any, name: str, message: dict[str, Any] | None) -> None:
    change = CHANGES[name]
    sent.orders(43)
    [row] = sent.in_odoo(41)
    change.act(sent, row["id"])
    run = guard(sent, message)
    [finding] = run.result.findings
    assert set(change.found) <= set(finding["found"])
    assert (finding["mended"], run.result.repaired) == (True, 1)
    for _ in range(3):
        sent.run()
    if change.repaired is not None:
        assert form(sent) == change.repaired
    assert sum(row["price_subtotal"] for row in sent.in_odoo(41)) == 1
    assert guard(sent, message).result.findings == []


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_reported_and_left_alone_where_that_is_the_setting(sent: Any, name: str) -> None:
    sent.orders(43)
    [row] = sent.in_odoo(41)
    CHANGES[name].act(sent, row["id"])
    before = sent.admin.read(
        "sale.order.line", [], ["product_uom_qty", "price_unit", "order_id", "product_id"]
    )
    run = guard(sent, setting="report")
    assert (run.result.changed, run.result.repaired) == (1, 0)
    sent.run()
    after = sent.admin.read(
        "sale.order.line", [], ["product_uom_qty", "price_unit", "order_id", "product_id"]
    )
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
    assert (finding["found"], finding["mended"]) == (["to_invoice"], True)
    world.run()
    assert world.admin.invoice_order(41)["amount_untaxed"] == 1


def test_a_cancelled_order_is_reported_alone(sent: Any) -> None:
    sent.admin.write("sale.order", [41], {"state": "cancel"})
    [finding] = guard(sent).result.findings
    assert (finding["found"], finding["mended"], finding["why"]) == (
        ["cancelled"],
        False,
        "its order is cancelled",
    )
    assert line(sent).state == "sent"


def test_what_is_on_an_invoice_is_never_touched(sent: Any) -> None:
    sent.admin.update_prices(41)
    sent.admin.invoice_period(41)
    [finding] = guard(sent).result.findings
    assert (finding["mended"], finding["why"]) == (False, "it is on an invoice")
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


def test_a_line_that_is_due_is_left_to_the_relay_and_one_that_waits_for_its_time_is_compared(
    sent: Any,
) -> None:
    sent.rate(41, "2.00")
    sent.admin.update_prices(41)
    assert guard(sent).result.compared == 0
    due = line(sent)
    sent.dynamodb.update_item(
        TableName=sent.tables.ratings,
        Key={"pk": {"S": due.pk}, "sk": {"S": due.sk}},
        UpdateExpression="SET line_at = :at",
        ExpressionAttributeValues={":at": {"S": "2026-11-29T00:00:00.000000Z"}},
    )
    assert guard(sent).result.repaired == 1
    sent.run()
    assert sent.in_odoo(41)[0]["price_subtotal"] == 2


def test_a_line_of_today_without_its_form_is_compared_too(sent: Any) -> None:
    stored = line(sent)
    sent.dynamodb.update_item(
        TableName=sent.tables.ratings,
        Key={"pk": {"S": stored.pk}, "sk": {"S": stored.sk}},
        UpdateExpression="REMOVE line_form",
    )
    assert guard(sent).result.agreeing == 1
    sent.admin.update_prices(41)
    [finding] = guard(sent).result.findings
    assert finding["found"] == ["subtotal", "price"]


def test_a_line_that_is_changed_after_each_repair_is_failed(sent: Any) -> None:
    for _ in range(MOST_REPAIRS):
        sent.admin.update_prices(41)
        assert guard(sent).result.repaired == 1
        sent.run()
        assert form(sent) == RATED
        sent.later(minutes=20)
    sent.admin.update_prices(41)
    run = guard(sent)
    assert (run.result.failed, run.result.repaired) == (1, 0)
    failed = line(sent)
    assert (failed.state, failed.error) == ("parked", "changed_again")
    [data] = heard(sent, "line.parked")
    assert data["reason"] == "changed_again"
    assert "rated 1.00, Odoo has 2497.50" in data["message"]
    sent.run()
    assert guard(sent).result.compared == 0


def test_repairs_of_other_days_do_not_count(sent: Any) -> None:
    for _ in range(MOST_REPAIRS + 2):
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


# copies


def test_a_copied_order_that_is_a_subscription_has_its_copy_set_to_zero(sent: Any) -> None:
    copy = sent.admin.copy_order(41)
    assert form(sent, copy) == RATED
    subscribe(sent, copy)
    [finding] = guard(sent).result.findings
    assert (finding["found"], finding["mended"], finding["odoo_order_id"]) == (["copied"], True, copy)
    assert (finding["line"], finding["odoo_amount"]) == ("41~20261101T000000Z~api_calls", "1.00")
    assert [row[0] for row in form(sent, copy)] == [0]
    assert form(sent) == RATED
    assert guard(sent).result.findings == []
    [note] = read_notes(line(sent).guard).values()
    assert (note.found, note.action) == (("copied",), "repaired")


def test_a_copied_order_is_seen_when_it_is_read_as_changed(sent: Any) -> None:
    copy = sent.admin.copy_order(41)
    subscribe(sent, copy)
    assert guard(sent, {"subscriptions": [str(copy)]}).result.repaired == 1
    assert [row[0] for row in form(sent, copy)] == [0]


def test_a_copy_on_an_order_that_is_not_known_is_reported_once(sent: Any) -> None:
    copy = sent.admin.copy_order(41)
    run = guard(sent)
    [finding] = run.result.findings
    assert (finding["found"], finding["mended"]) == (["copied"], False)
    assert finding["why"] == "its order is no subscription that is known here"
    assert form(sent, copy) == RATED
    assert (run.result.changed, guard(sent).result.changed) == (1, 0)
    assert line(sent).lane == "changed"
    [data] = heard(sent, "line.changed")
    assert (data["amount"], data["odoo_amount"], data["odoo_order_id"]) == ("0.00", "1.00", copy)


def test_a_copied_order_is_reported_and_left_alone_where_that_is_the_setting(sent: Any) -> None:
    copy = sent.admin.copy_order(41)
    subscribe(sent, copy)
    [finding] = guard(sent, setting="report").result.findings
    assert (finding["found"], finding["mended"]) == (["copied"], False)
    assert form(sent, copy) == RATED


def test_a_copy_is_held_against_its_own_customer_s_line_though_others_have_the_same_text(sent: Any) -> None:
    sent.admin.seed({"res.partner": [{"id": 66, "name": "Another customer"}]})
    sent.orders(60, partner_id=66)
    subscribe(sent, 60)
    sent.rate(60)
    sent.run()
    copy = sent.admin.copy_order(41)
    subscribe(sent, copy)
    [finding] = guard(sent, {"subscriptions": [str(copy)]}).result.findings
    assert (finding["line"], finding["subscription"]) == ("41~20261101T000000Z~api_calls", "41")
    assert read_notes(line(sent).guard).keys() == {str(finding["odoo_line_id"])}


def test_a_copy_whose_customer_was_changed_is_known_by_its_text(sent: Any) -> None:
    sent.admin.seed({"res.partner": [{"id": 66, "name": "Another customer"}]})
    copy = sent.admin.copy_order(41)
    sent.admin.write("sale.order", [copy], {"partner_id": 66})
    subscribe(sent, copy)
    run = guard(sent)
    [finding] = run.result.findings
    assert (finding["line"], finding["subscription"], finding["mended"]) == (None, str(copy), True)
    assert (run.result.changed, run.result.repaired) == (1, 1)
    assert [row[0] for row in form(sent, copy)] == [0]


def test_a_line_copied_on_its_own_order_is_held_against_the_line_beside_it(sent: Any) -> None:
    sent.orders(60)
    subscribe(sent, 60)
    sent.rate(60)
    sent.run()
    [row] = sent.in_odoo(41)
    twin = {"order_id": 41, "product_id": API_CALLS, "product_uom_qty": 250, "price_unit": 1}
    sent.admin.seed({"sale.order.line": [{**twin, "name": row["name"]}]})
    [finding] = guard(sent).result.findings
    assert (finding["line"], finding["mended"]) == ("41~20261101T000000Z~api_calls", True)


def test_a_copied_quotation_is_found_once_it_is_confirmed(sent: Any) -> None:
    copy = sent.admin.copy_order(41, confirm=False)
    subscribe(sent, copy)
    assert guard(sent).result.findings == []
    sent.admin.confirm(copy)
    assert guard(sent).result.repaired == 1


def test_a_line_that_a_person_sells_of_our_product_is_reported_and_kept(sent: Any) -> None:
    extra = {
        "order_id": 41,
        "product_id": API_CALLS,
        "product_uom_qty": 3,
        "price_unit": 7,
        "name": "A favour",
    }
    sent.admin.seed({"sale.order.line": [extra]})
    run = guard(sent)
    [finding] = run.result.findings
    assert (finding["found"], finding["mended"], run.result.changed) == (["added"], False, 1)
    assert (Decimal(3), Decimal(7), Decimal(21)) in form(sent)
    assert guard(sent).result.changed == 0


def test_an_ordinary_sale_of_our_product_is_nobody_s_matter(sent: Any) -> None:
    sent.orders(77, is_subscription=False)
    sold = {"order_id": 77, "product_id": API_CALLS, "product_uom_qty": 3, "price_unit": 7, "name": "Bought"}
    sent.admin.seed({"sale.order.line": [sold]})
    assert guard(sent).result.findings == []


def test_a_copy_is_left_while_the_relay_is_at_work_on_its_order(sent: Any) -> None:
    copy = sent.admin.copy_order(41)
    subscribe(sent, copy)
    leases = Leases(sent.dynamodb, sent.tables.state, "relay")
    for lane in range(8):
        leases.take(f"LANE#{lane:02d}", sent.now, sent.now + timedelta(minutes=1))
    [finding] = guard(sent).result.findings
    assert (finding["mended"], form(sent, copy)) == (False, RATED)
    sent.later(minutes=2)
    assert guard(sent).result.repaired == 1


# what is no change


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


# the walk


def test_only_periods_that_end_soon_are_compared_hourly(sent: Any) -> None:
    sent.admin.update_prices(41)
    assert guard(sent, {"closing": True}).result.compared == 0
    sent.now = datetime(2026, 11, 29, 18, tzinfo=UTC)
    assert guard(sent, {"closing": True}).result.repaired == 1


def test_what_time_does_not_allow_is_gone_on_with(world: Any) -> None:
    orders = list(range(300, 340))
    world.orders(*orders)
    subscribe(world, *orders)
    for order in orders:
        world.rate(order)
    world.run()
    rest: dict[str, Any] | None = {}
    compared = runs = 0
    while rest is not None:
        run = guard(world, rest, remaining=lambda: 10.0)
        compared, runs, rest = compared + run.result.compared, runs + 1, run.rest
        assert runs < 60
    assert (compared, runs > 10) == (40, True)


def test_a_named_list_goes_on_where_it_was_short_of_time(sent: Any) -> None:
    ids = [f"unknown-{number}" for number in range(100)] + ["41"]
    run = guard(sent, {"subscriptions": ids}, remaining=lambda: 10.0)
    assert run.rest == {"subscriptions": ["41"]}
    assert guard(sent, run.rest).result.compared == 1


def test_a_run_without_time_asks_for_itself(sent: Any) -> None:
    run = guard(sent, {"job": "guard", "subscriptions": ["41"]}, remaining=lambda: 1.0)
    assert (run.rest, run.result.compared) == ({"subscriptions": ["41"]}, 0)


def test_odoo_is_asked_little(world: Any) -> None:
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
    assert guard(world, {"closing": True}).result.agreeing == 80
    assert [call["method"] for call in world.admin.calls()] == ["fields_get", "search_read", "search_read"]


def test_nothing_is_asked_while_odoo_is_missing(sent: Any) -> None:
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
    assert consumed.units(world.tables.catalogue) <= 20 + 16
    assert consumed.units(world.tables.ratings) <= 20 * 0.5
