"""Invoices have lines, and order lines follow what becomes of them."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local.odoo.server import Server, serve

pytestmark = pytest.mark.integration


@pytest.fixture
def odoo(tmp_path: Path) -> Iterator[Server]:
    with serve(tmp_path / "odoo.sqlite3") as server:
        server.admin.seed(
            {
                "product.product": [{"id": 7, "name": "Calls", "lst_price": Decimal(1)}],
                "sale.subscription.plan": [{"id": 1, "name": "Pro"}],
                "res.partner": [{"id": 6, "name": "A customer"}],
                "sale.order": [
                    {
                        "id": 41,
                        "partner_id": 6,
                        "state": "sale",
                        "is_subscription": True,
                        "subscription_state": "3_progress",
                        "plan_id": 1,
                        "start_date": "2026-10-01",
                        "next_invoice_date": "2026-12-01",
                    }
                ],
                "sale.order.line": [{"id": 9, "order_id": 41, "product_id": 7, "product_uom_qty": 3, "price_unit": 2}],
            }
        )
        yield server


def invoiced(odoo: Server) -> Any:
    return odoo.admin.read("sale.order.line", [["id", "=", 9]], ["qty_invoiced"])[0]["qty_invoiced"]


def test_an_invoice_s_line_names_the_order_line_it_bills(odoo: Server) -> None:
    made = odoo.admin.invoice_period(41)["invoice"]
    fields = ["move_id", "quantity", "price_subtotal", "parent_state"]
    [line] = odoo.admin.read("account.move.line", [["sale_line_ids", "in", [9]]], fields)
    assert (line["move_id"][0], line["quantity"], line["price_subtotal"]) == (made, 3, 6)
    assert line["parent_state"] == "posted"
    assert invoiced(odoo) == 3


@pytest.mark.parametrize("what", ["delete_invoice", "cancel_invoice"])
def test_what_a_draft_billed_is_to_be_invoiced_again_once_it_is_gone(odoo: Server, what: str) -> None:
    made = odoo.admin.invoice_period(41, draft=True)["invoice"]
    getattr(odoo.admin, what)(made)
    assert invoiced(odoo) == 0


def test_a_credited_invoice_is_to_be_invoiced_again(odoo: Server) -> None:
    made = odoo.admin.invoice_period(41)["invoice"]
    credit = odoo.admin.credit_invoice(made)
    [move] = odoo.admin.read("account.move", [["id", "=", credit]], ["move_type", "state"])
    assert (move["move_type"], move["state"]) == ("out_refund", "posted")
    assert invoiced(odoo) == 0
