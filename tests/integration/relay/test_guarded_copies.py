"""Copies of our order lines are set to zero where it is certain that they are ours, and reported."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.dynamodb.state.leases import Leases
from fusion_billing.messaging.relay_messages import GuardJob
from fusion_billing.odoo_lines.line_guard import read_notes
from tests.integration.relay.conftest import API_CALLS
from tests.integration.relay.guarding import RATED, form, guard, guarded_world, heard, line
from tests.integration.relay.test_reconcile import subscribe

pytestmark = pytest.mark.integration


@pytest.fixture
def sent(world: Any) -> Any:
    """A world in which order 41 has its line of 250 at 0.004, and all agrees."""
    return guarded_world(world)


def test_a_copied_order_that_is_a_subscription_has_its_copy_set_to_zero(sent: Any) -> None:
    copy = sent.admin.copy_order(41)
    assert form(sent, copy) == RATED
    subscribe(sent, copy)
    [finding] = guard(sent).result.findings
    assert (finding["found"], finding["repaired"], finding["odoo_order_id"]) == (["copied"], True, copy)
    assert (finding["line"], finding["odoo_amount"]) == ("41~20261101T000000Z~api_calls", "1.00")
    assert [row[0] for row in form(sent, copy)] == [0]
    assert form(sent) == RATED
    assert guard(sent).result.findings == []
    [note] = read_notes(line(sent).guard).values()
    assert (note.found, note.action) == (("copied",), "repaired")


def test_a_copied_order_is_seen_when_it_is_read_as_changed(sent: Any) -> None:
    copy = sent.admin.copy_order(41)
    subscribe(sent, copy)
    assert guard(sent, GuardJob(subscriptions=(str(copy),))).result.repaired == 1
    assert [row[0] for row in form(sent, copy)] == [0]


def test_a_copy_on_an_order_that_is_not_known_is_reported_once(sent: Any) -> None:
    copy = sent.admin.copy_order(41)
    run = guard(sent)
    [finding] = run.result.findings
    assert (finding["found"], finding["repaired"]) == (["copied"], False)
    assert finding["reason"] == "its order belongs to no known subscription"
    assert form(sent, copy) == RATED
    assert (run.result.changed, guard(sent).result.changed) == (1, 0)
    assert line(sent).line_partition == "changed"
    [data] = heard(sent, "line.changed")
    assert (data["amount"], data["odoo_amount"], data["odoo_order_id"]) == ("0.00", "1.00", copy)


def test_a_copied_order_is_only_reported_if_the_guard_is_set_to_report(sent: Any) -> None:
    copy = sent.admin.copy_order(41)
    subscribe(sent, copy)
    [finding] = guard(sent, setting="report").result.findings
    assert (finding["found"], finding["repaired"]) == (["copied"], False)
    assert form(sent, copy) == RATED


def test_a_copy_is_compared_with_the_line_of_its_own_customer(sent: Any) -> None:
    sent.admin.seed({"res.partner": [{"id": 66, "name": "Another customer"}]})
    sent.orders(60, partner_id=66)
    subscribe(sent, 60)
    sent.rate(60)
    sent.run()
    copy = sent.admin.copy_order(41)
    subscribe(sent, copy)
    [finding] = guard(sent, GuardJob(subscriptions=(str(copy),))).result.findings
    assert (finding["line"], finding["subscription"]) == ("41~20261101T000000Z~api_calls", "41")
    assert read_notes(line(sent).guard).keys() == {str(finding["odoo_line_id"])}


def test_a_copy_whose_customer_was_changed_is_known_by_its_text(sent: Any) -> None:
    sent.admin.seed({"res.partner": [{"id": 66, "name": "Another customer"}]})
    copy = sent.admin.copy_order(41)
    sent.admin.write("sale.order", [copy], {"partner_id": 66})
    subscribe(sent, copy)
    run = guard(sent)
    [finding] = run.result.findings
    assert (finding["line"], finding["subscription"], finding["repaired"]) == (None, str(copy), True)
    assert (run.result.changed, run.result.repaired) == (1, 1)
    assert [row[0] for row in form(sent, copy)] == [0]


def test_a_line_copied_within_its_order_is_compared_with_the_original(sent: Any) -> None:
    sent.orders(60)
    subscribe(sent, 60)
    sent.rate(60)
    sent.run()
    [row] = sent.in_odoo(41)
    twin = {"order_id": 41, "product_id": API_CALLS, "product_uom_qty": 250, "price_unit": 1}
    sent.admin.seed({"sale.order.line": [{**twin, "name": row["name"]}]})
    [finding] = guard(sent).result.findings
    assert (finding["line"], finding["repaired"]) == ("41~20261101T000000Z~api_calls", True)


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
    assert (finding["found"], finding["repaired"], run.result.changed) == (["added"], False, 1)
    assert (Decimal(3), Decimal(7), Decimal(21)) in form(sent)
    assert guard(sent).result.changed == 0


def test_an_ordinary_sale_of_a_charge_product_is_ignored(sent: Any) -> None:
    sent.orders(77, is_subscription=False)
    sold = {"order_id": 77, "product_id": API_CALLS, "product_uom_qty": 3, "price_unit": 7, "name": "Bought"}
    sent.admin.seed({"sale.order.line": [sold]})
    assert guard(sent).result.findings == []


def test_a_copy_is_left_while_the_relay_is_at_work_on_its_order(sent: Any) -> None:
    copy = sent.admin.copy_order(41)
    subscribe(sent, copy)
    leases = Leases(sent.dynamodb, sent.tables.state, "relay")
    for line_partition in range(8):
        leases.take(f"LANE#{line_partition:02d}", sent.now, sent.now + timedelta(minutes=1))
    [finding] = guard(sent).result.findings
    assert (finding["repaired"], form(sent, copy)) == (False, RATED)
    sent.later(minutes=2)
    assert guard(sent).result.repaired == 1
