"""Invoices, credit notes, taxes and prices, as the real Odoo 19 answered on the same requests."""

from decimal import Decimal
from typing import Any

import pytest

from local.odoo.server import Server

pytestmark = pytest.mark.integration

TAXES: dict[str, list[dict[str, Any]]] = {
    "account.tax": [
        {"id": 5, "name": "19%", "amount": Decimal(19)},
        {"id": 6, "name": "7%", "amount": Decimal(7)},
        {"id": 7, "name": "20% incl", "amount": Decimal(20), "price_include_override": "tax_included"},
        {"id": 8, "name": "19% incl", "amount": Decimal(19), "price_include_override": "tax_included"},
        {"id": 9, "name": "0.5 each", "amount": Decimal("0.5"), "amount_type": "fixed"},
        {"id": 10, "name": "5% first", "amount": Decimal(5), "include_base_amount": True, "sequence": 0},
    ],
    "product.product": [
        {"id": 101, "name": "plain"},
        {"id": 102, "name": "19", "taxes_id": [5]},
        {"id": 103, "name": "incl20", "taxes_id": [7]},
        {"id": 104, "name": "19+7", "taxes_id": [5, 6]},
        {"id": 105, "name": "incl20+7", "taxes_id": [7, 6]},
        {"id": 106, "name": "fixed", "taxes_id": [9]},
        {"id": 107, "name": "compound", "taxes_id": [10, 6]},
        {"id": 108, "name": "incl19", "taxes_id": [8]},
        {"id": 109, "name": "delivery", "invoice_policy": "delivery", "lst_price": Decimal("9.99")},
        {"id": 110, "name": "priced", "lst_price": Decimal("9.99")},
    ],
}
AS_ODOO = {
    101: (1.0, 1.0),
    102: (1.0, 1.19),
    103: (0.83, 1.0),
    104: (1.0, 1.26),
    105: (0.83, 1.06),
    106: (1.0, 126.0),
    107: (1.0, 1.12),
    108: (0.84, 1.0),
    109: (1.0, 1.0),
}
"""Subtotal and total of 250 at 0.004 with each product, read from a real Odoo 19 under round_globally."""


@pytest.fixture(autouse=True)
def taxed(odoo: Server) -> None:
    odoo.admin.seed(TAXES)
    odoo.admin.write("sale.order", [1], {"order_line": []})
    odoo.admin.unlink("sale.order.line", [1, 3])


def put(client: Any, *products: int, order: int = 1, price: str = "0.004", quantity: str = "250") -> list[int]:
    rows = [[f"x.{order}_{p}", str(order), str(p), quantity, price, "usage"] for p in products]
    ids: list[int] = client.load(*rows).body["ids"]
    return ids


def read(client: Any, ids: list[int], *fields: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.call("sale.order.line/read", ids=ids, fields=list(fields)).body
    return rows


def test_lines_are_taxed_as_odoo_taxes_them(client: Any) -> None:
    rows = read(client, put(client, *AS_ODOO), "product_id", "price_subtotal", "price_total")
    found = {row["product_id"][0]: (row["price_subtotal"], row["price_total"]) for row in rows}
    assert {p: (float(s), float(t)) for p, (s, t) in found.items()} == AS_ODOO


def test_an_invoice_rounds_the_sum_and_not_the_lines(client: Any, odoo: Server) -> None:
    ids = put(client, 101, 102, 103, 104, 105, 106, 107, 108, 110, 109)
    made = odoo.admin.invoice_order(1)
    assert (made["amount_untaxed"], made["amount_tax"]) == (Decimal("8.51"), Decimal("126.12"))
    assert sum(row["price_subtotal"] for row in read(client, ids[:-1], "price_subtotal")) == Decimal("8.50")
    odoo.admin.delete_invoice(made["id"])
    odoo.admin.set_rounding("round_per_line")
    assert odoo.admin.invoice_order(1)["amount_untaxed"] == Decimal("8.50")


def test_delivered_quantities_are_invoiced_only_once_written(client: Any) -> None:
    [line] = put(client, 109)
    assert read(client, [line], "qty_to_invoice", "invoice_status") == [
        {"id": line, "qty_to_invoice": 0, "invoice_status": "no"}
    ]
    fields = [
        "id",
        "order_id/.id",
        "product_id/.id",
        "product_uom_qty",
        "price_unit",
        "name",
        "qty_delivered",
    ]
    row = ["x.1_109", "1", "109", "250", "0.004", "usage", "250"]
    assert client.load(row, fields=fields).body["ids"] == [line]
    assert read(client, [line], "qty_to_invoice", "invoice_status") == [
        {"id": line, "qty_to_invoice": 250, "invoice_status": "to invoice"}
    ]


def test_a_draft_counts_and_a_deleted_or_cancelled_invoice_does_not(client: Any, odoo: Server) -> None:
    ids = put(client, 102)
    draft = odoo.admin.invoice_order(1)
    assert draft["name"] is False
    assert read(client, ids, "qty_invoiced", "qty_to_invoice")[0]["qty_invoiced"] == 250
    odoo.admin.delete_invoice(draft["id"])
    assert read(client, ids, "qty_invoiced", "invoice_lines") == [
        {"id": ids[0], "qty_invoiced": 0, "invoice_lines": []}
    ]
    posted = odoo.admin.invoice_order(1, post=True)
    answer = client.call("account.move/unlink", "key-admin", ids=[posted["id"]])
    assert (answer.status, answer.body["name"]) == (422, "odoo.exceptions.UserError")
    odoo.admin.cancel_invoice(posted["id"])
    [row] = read(client, ids, "qty_invoiced", "qty_to_invoice", "invoice_status", "invoice_lines")
    assert (row["qty_invoiced"], row["qty_to_invoice"], row["invoice_status"]) == (0, 250, "to invoice")
    assert len(row["invoice_lines"]) == 1


def test_a_credit_note_takes_the_invoiced_quantity_back_as_a_draft_already(client: Any, odoo: Server) -> None:
    ids = put(client, 102)
    invoice = odoo.admin.invoice_order(1, post=True)
    refund = odoo.admin.reverse_invoice(invoice["id"], post=False)
    assert refund["move_type"] == "out_refund"
    assert read(client, ids, "qty_to_invoice")[0]["qty_to_invoice"] == 250
    odoo.admin.post_invoice(refund["id"])
    fields = ["quantity", "price_subtotal", "move_type", "parent_state", "move_id"]
    rows = client.call("account.move.line/search_read", domain=[["sale_line_ids", "in", ids]], fields=fields).body
    assert [(r["quantity"], r["price_subtotal"], r["move_type"], r["parent_state"]) for r in rows] == [
        (250, 1, "out_refund", "posted"),
        (250, 1, "out_invoice", "posted"),
    ]
    moves = client.call("account.move/search_read", domain=[], fields=["payment_state", "reversed_entry_id"])
    assert [move["payment_state"] for move in moves.body] == ["paid", "reversed"]
    assert moves.body[0]["reversed_entry_id"][0] == invoice["id"]


def test_a_credit_alone_becomes_a_credit_note(client: Any, odoo: Server) -> None:
    ids = put(client, 101, quantity="1", price="-5")
    made = odoo.admin.invoice_order(1)
    assert (made["move_type"], made["amount_untaxed"]) == ("out_refund", 5)
    [row] = client.call("account.move.line/search_read", domain=[], fields=["quantity", "price_unit"]).body
    assert (row["quantity"], row["price_unit"]) == (-1, -5)
    assert read(client, ids, "qty_invoiced", "qty_to_invoice")[0]["qty_invoiced"] == 1


def test_update_prices_rewrites_our_lines_until_they_are_invoiced(client: Any, odoo: Server) -> None:
    ids = put(client, 110, 101)
    odoo.admin.update_prices(1)
    rows = read(client, ids, "price_unit", "price_subtotal")
    assert [(row["price_unit"], row["price_subtotal"]) for row in rows] == [
        (Decimal("9.99"), Decimal("2497.5")),
        (0, 0),
    ]
    put(client, 110, 101)
    odoo.admin.invoice_order(1)
    odoo.admin.update_prices(1)
    assert [row["price_subtotal"] for row in read(client, ids, "price_subtotal")] == [1, 1]


def test_a_copied_order_has_our_lines_without_their_external_ids(client: Any, odoo: Server) -> None:
    put(client, 101)
    new = odoo.admin.copy_order(1)
    [line] = client.call("sale.order.line/search", domain=[["order_id", "=", new]]).body
    [copied] = read(client, [line], "price_unit", "qty_to_invoice", "name")
    assert (copied["price_unit"], copied["qty_to_invoice"], copied["name"]) == (
        Decimal("0.004"),
        250,
        "usage",
    )
    assert client.call("sale.order.line/get_metadata", ids=[line]).body[0]["xmlids"] == []


def test_a_shown_discount_comes_back_whenever_the_quantity_is_written(client: Any, odoo: Server) -> None:
    odoo.admin.seed({"product.pricelist": [{"id": 7, "name": "Ten", "percent": Decimal(10)}]})
    odoo.admin.show_discounts()
    odoo.admin.write("sale.order", [1], {"pricelist_id": 7})
    ids = put(client, 101)
    fields = ["id", "order_id/.id", "product_id/.id", "product_uom_qty", "price_unit", "name", "discount"]
    found = [read(client, ids, "discount")[0]["discount"]]
    client.load(["x.1_101", "1", "101", "250", "0.004", "usage", "0"], fields=fields)
    found.append(read(client, ids, "discount")[0]["discount"])
    client.call("sale.order.line/write", ids=ids, vals={"price_unit": 0.005})
    found.append(read(client, ids, "discount")[0]["discount"])
    put(client, 101, quantity="250")
    found.append(read(client, ids, "discount")[0]["discount"])
    assert found == [10, 0, 0, 10]


def test_loading_a_line_again_gives_it_its_product_s_taxes_back(client: Any, odoo: Server) -> None:
    ids = put(client, 102)
    odoo.admin.write("sale.order.line", ids, {"tax_ids": [7]})
    assert read(client, ids, "price_subtotal")[0]["price_subtotal"] == Decimal("0.83")
    put(client, 102)
    assert read(client, ids, "price_subtotal", "tax_ids") == [{"id": ids[0], "price_subtotal": 1, "tax_ids": [5]}]


def test_a_fiscal_position_maps_or_removes_taxes(client: Any, odoo: Server) -> None:
    odoo.admin.seed({"account.fiscal.position": [{"id": 3, "name": "Export"}, {"id": 4, "name": "Reduced"}]})
    odoo.admin.write("account.tax", [6], {"fiscal_position_ids": [4], "original_tax_ids": [5]})
    found = []
    for position in (3, 4):
        odoo.admin.write("sale.order", [2], {"fiscal_position_id": position})
        [line] = client.load([f"x.p{position}", "2", "102", "250", "0.004", "usage"]).body["ids"]
        found.append(read(client, [line], "tax_ids", "price_total")[0])
    assert [(row["tax_ids"], row["price_total"]) for row in found] == [([], 1), ([6], Decimal("1.07"))]


def test_the_project_app_forbids_another_product_on_a_confirmed_order(client: Any, odoo: Server) -> None:
    put(client, 101)
    row = ["x.1_101", "1", "102", "250", "0.004", "usage"]
    assert client.load(row).body["ids"]
    odoo.admin.install("sale_project")
    refused = client.load(["x.1_101", "1", "101", "250", "0.004", "usage"]).body
    assert refused["messages"][0]["message"] == "You cannot modify the product of this order line."


def test_a_user_without_the_right_reads_no_invoices(client: Any, odoo: Server) -> None:
    search = {"domain": [], "fields": ["state"]}
    assert client.call("account.move/search_read", **search).status == 200
    assert client.call("account.move/search_read", "key-nosale", **search).status == 403
    odoo.admin.close_model("account.move.line")
    answer = client.call("account.move.line/search_read", **search)
    assert (answer.status, answer.body["name"]) == (403, "odoo.exceptions.AccessError")
    assert client.call("account.move.line/has_access", ids=[], operation="read").body is False


def test_lines_take_a_sequence_and_an_analytic_distribution(client: Any) -> None:
    fields = ["id", "order_id/.id", "product_id/.id", "product_uom_qty", "price_unit", "name"]
    row = ["x.a", "1", "101", "1", "5", "usage", "40", '{"1": 60.5}']
    [line] = client.load(row, fields=[*fields, "sequence", "analytic_distribution"]).body["ids"]
    [found] = read(client, [line], "sequence", "analytic_distribution")
    assert (found["sequence"], found["analytic_distribution"]) == (40, {"1": Decimal("60.5")})
