"""What a person does to a subscription in Odoo: each as one control, over HTTP too."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local.odoo.server import Server

pytestmark = pytest.mark.integration

FIELDS = [
    "state",
    "subscription_state",
    "next_invoice_date",
    "end_date",
    "subscription_id",
    "origin_order_id",
]


def order(client: Any, number: int) -> dict[str, Any]:
    [row] = client.call("sale.order/read", ids=[number], fields=FIELDS).body
    return dict(row)


def test_a_renewal_is_a_new_order_that_takes_over(client: Any, odoo: Server) -> None:
    new = odoo.admin.renew(1)
    assert (new["state"], new["subscription_state"]) == ("sale", "3_progress")
    assert new["next_invoice_date"] == "2026-11-15"
    renewed = order(client, new["id"])
    assert renewed["subscription_id"] == [1, "S00001"]
    assert renewed["origin_order_id"] == [1, "S00001"]
    old = order(client, 1)
    assert (old["subscription_state"], old["end_date"]) == ("5_renewed", "2026-11-15")
    again = order(client, odoo.admin.renew(new["id"])["id"])
    assert again["subscription_id"][0] == new["id"]
    assert again["origin_order_id"][0] == 1


def test_a_renewal_carries_recurring_lines_and_no_usage(client: Any, odoo: Server) -> None:
    new = odoo.admin.renew(1)["id"]
    lines = client.call(
        "sale.order.line/search_read", domain=[["order_id", "=", new]], fields=["product_id", "price_unit"]
    ).body
    assert [line["product_id"][0] for line in lines] == [4]


def test_a_renewal_quotation_changes_nothing_until_it_is_confirmed(client: Any, odoo: Server) -> None:
    quotation = odoo.admin.renew(1, plan=1, confirm=False)
    assert (quotation["state"], quotation["subscription_state"]) == ("draft", "2_renewal")
    assert order(client, 1)["subscription_state"] == "3_progress"
    odoo.admin.confirm(quotation["id"])
    assert order(client, quotation["id"])["subscription_state"] == "3_progress"
    assert order(client, 1)["subscription_state"] == "5_renewed"


def test_an_upsell_is_an_order_of_its_own_that_raises_the_subscription(client: Any, odoo: Server) -> None:
    upsold = odoo.admin.upsell(1, product_id=4, quantity=2)
    assert (upsold["state"], upsold["subscription_state"]) == ("sale", "7_upsell")
    assert order(client, upsold["id"])["subscription_id"][0] == 1
    [line] = client.call("sale.order.line/read", ids=[1], fields=["product_uom_qty"]).body
    assert line["product_uom_qty"] == 3


def test_pause_resume_and_close(client: Any, odoo: Server) -> None:
    assert odoo.admin.pause(1)["subscription_state"] == "4_paused"
    body = json.dumps({"order_id": 1}).encode()
    refused = client.send("POST", "/stand-in/invoice_period", body, {"Content-Type": "application/json"})
    assert refused.status == 422
    assert odoo.admin.resume(1, "2026-12-15")["next_invoice_date"] == "2026-12-15"
    before = datetime.now(UTC).date().isoformat()
    closed = odoo.admin.close(1)
    assert closed["subscription_state"] == "6_churn"
    assert before <= closed["end_date"] <= datetime.now(UTC).date().isoformat()
    assert odoo.admin.close(2, "2026-11-10")["end_date"] == "2026-11-10"


def test_a_plan_change_stays_on_the_order(client: Any, odoo: Server) -> None:
    odoo.admin.seed({"sale.subscription.plan": [{"id": 2, "name": "Yearly", "billing_period_unit": "year"}]})
    before = client.call("sale.order/read", ids=[1], fields=["write_date"]).body
    assert odoo.admin.change_plan(1, 2)["plan_id"] == 2
    assert client.call("sale.order/read", ids=[1], fields=["write_date"]).body >= before


def test_a_payment_exception_keeps_odoo_from_invoicing(client: Any, odoo: Server) -> None:
    odoo.admin.payment_exception(1)
    body = json.dumps({"order_id": 1}).encode()
    refused = client.send("POST", "/stand-in/invoice_period", body, {"Content-Type": "application/json"})
    assert (refused.status, refused.body) == (422, {"error": "S00001 has a payment exception."})
    odoo.admin.payment_exception(1, raised=False)
    assert odoo.admin.invoice_period(1)["next_invoice_date"] == "2026-12-15"
