"""`load`: what the recorded exchanges say of it, beyond themselves."""

from decimal import Decimal
from typing import Any

import pytest

from local.odoo.server import Server

pytestmark = pytest.mark.integration

LOCKED = "It is forbidden to modify the following fields in a locked order:\nDescription\nUnit Price\nProduct\nQuantity"


def row(name: str, order: int = 1, quantity: str = "5", product: str = "1") -> list[str]:
    return [f"fusion_billing.{name}", str(order), product, quantity, "0.5", name]


def test_a_repeat_updates_the_same_line_and_posts_nothing_when_unchanged(client: Any, odoo: Server) -> None:
    [first] = client.load(row("a")).body["ids"]
    before = odoo.admin.chatter(1)
    assert client.load(row("a")).body == {"ids": [first], "messages": [], "nextrow": 0}
    assert odoo.admin.chatter(1) == before
    client.load(row("a", quantity="6"))
    assert len(odoo.admin.chatter(1)) == len(before) + 1


def test_a_user_error_in_the_second_row_blames_row_zero_as_well(client: Any, odoo: Server) -> None:
    client.load(row("locked", order=2))
    odoo.admin.write("sale.order", [2], {"locked": True})
    body = client.load(row("good"), row("locked", order=2)).body
    assert body["ids"] is False
    assert [(m["record"], m["message"]) for m in body["messages"]] == [(0, LOCKED), (1, LOCKED)]
    assert odoo.admin.read("sale.order.line", [["name", "=", "good"]]) == []


def test_ten_bad_rows_stop_the_import_early(client: Any, odoo: Server) -> None:
    rows = [row(f"bad{i}") for i in range(20)]
    client.load(*rows)
    odoo.admin.write("sale.order", [1], {"locked": True})
    body = client.load(*rows).body
    assert body["ids"] is False
    assert [message["type"] for message in body["messages"]] == ["error"] * 10 + ["warning"]
    assert "more than 10 errors" in body["messages"][-1]["message"]


def test_cells_that_cannot_be_read_are_all_named(client: Any) -> None:
    body = client.load(*[row(f"bad{i}", product="999999") for i in range(20)]).body
    assert body["ids"] is False
    assert [message["record"] for message in body["messages"]] == list(range(20))


def test_one_bad_row_among_a_hundred_is_named_and_saves_none(client: Any, odoo: Server) -> None:
    rows = [row(f"r{i}", order=99999 if i == 42 else 1) for i in range(100)]
    body = client.load(*rows).body
    assert {message["record"] for message in body["messages"]} == {42}
    assert odoo.admin.read("sale.order.line", [["name", "=like", "r%"]]) == []
    rows.pop(42)
    assert len(client.load(*rows).body["ids"]) == 99


def test_an_order_the_user_may_not_see_is_an_access_error_of_the_row(client: Any) -> None:
    answer = client.call(
        "sale.order.line/load",
        "key-own",
        fields=["id", "order_id/.id", "product_id/.id", "name", "price_unit"],
        data=[["x.y", "1", "1", "n", "1"]],
    )
    assert answer.status == 200
    assert "doesn't have 'create' access" in answer.body["messages"][0]["message"]


def test_a_line_removed_by_hand_is_made_again_under_its_external_id(client: Any, odoo: Server) -> None:
    [first] = client.load(row("a")).body["ids"]
    odoo.admin.unlink("sale.order.line", [first])
    [second] = client.load(row("a")).body["ids"]
    assert second > first
    external = odoo.admin.read("ir.model.data", [["name", "=", "a"]], ["res_id"])
    assert [found["res_id"] for found in external] == [second]


def test_an_empty_cell_and_a_numeric_zero_empty_the_field(client: Any, odoo: Server) -> None:
    [line] = client.load(["x.z", "1", "1", 0, "", "zero"]).body["ids"]
    [read] = odoo.admin.read("sale.order.line", [["id", "=", line]], ["product_uom_qty", "price_unit"])
    assert (read["product_uom_qty"], read["price_unit"]) == (Decimal(0), Decimal(0))


def test_an_external_id_of_another_model_is_refused(client: Any, odoo: Server) -> None:
    values = {"module": "x", "name": "order", "model": "sale.order", "res_id": 1}
    odoo.admin.seed({"ir.model.data": [values]})
    body = client.load(["x.order", "1", "1", "1", "1", "n"]).body
    assert body["ids"] is False
    assert "different model sale.order" in body["messages"][0]["message"]


@pytest.mark.parametrize(("digits", "kept"), [(2, Decimal("1234.57")), (4, Decimal("1234.5679")), (0, Decimal(1235))])
def test_quantities_are_rounded_to_the_database_s_precision(
    client: Any, odoo: Server, digits: int, kept: Decimal
) -> None:
    odoo.admin.set_precision("Product Unit", digits)
    [line] = client.load(row("a", quantity="1234.56789")).body["ids"]
    read = client.call("sale.order.line/read", ids=[line], fields=["product_uom_qty"])
    assert read.body[0]["product_uom_qty"] == kept
    about = client.call("sale.order.line/fields_get", allfields=["product_uom_qty"], attributes=["digits"])
    assert about.body == {"product_uom_qty": {"digits": [16, digits]}}


@pytest.mark.parametrize(
    ("currency", "subtotal"), [("USD", Decimal("0.13")), ("JPY", Decimal(0)), ("KWD", Decimal("0.125"))]
)
def test_subtotals_are_rounded_to_the_order_s_currency(
    client: Any, odoo: Server, currency: str, subtotal: Decimal
) -> None:
    [found] = odoo.admin.read("res.currency", [["name", "=", currency]], ["id"])
    odoo.admin.write("sale.order", [1], {"currency_id": found["id"]})
    [line] = client.load(["x.c", "1", "1", "0.25", "0.5", "c"]).body["ids"]
    read = client.call("sale.order.line/read", ids=[line], fields=["price_subtotal"])
    assert read.body[0]["price_subtotal"] == subtotal


def test_a_line_made_with_a_price_loses_it_when_its_quantity_alone_is_written(client: Any) -> None:
    """As exchanges 51 to 57 show: the total counts the line made at 3 with the list price 5."""
    [line] = client.call(
        "sale.order.line/create",
        vals_list=[{"order_id": 2, "product_id": 3, "product_uom_qty": 2, "price_unit": 3}],
    ).body
    client.call("sale.order.line/write", ids=[line], vals={"product_uom_qty": 9})
    read = client.call("sale.order.line/read", ids=[line], fields=["price_unit"])
    assert read.body[0]["price_unit"] == 5


def test_digits_of_prices_may_be_set_too(client: Any, odoo: Server) -> None:
    odoo.admin.set_digits("sale.order.line.price_unit", 3)
    [line] = client.load(["x.p", "1", "1", "1000", "0.00049", "p"]).body["ids"]
    read = client.call("sale.order.line/read", ids=[line], fields=["price_unit", "price_subtotal"])
    assert read.body == [{"id": line, "price_unit": 0, "price_subtotal": 0}]
    odoo.admin.set_digits("sale.order.line.price_unit", None)
    client.load(["x.p", "1", "1", "1000", "0.00049", "p"])
    read = client.call("sale.order.line/read", ids=[line], fields=["price_subtotal"])
    assert read.body[0]["price_subtotal"] == Decimal("0.49")


@pytest.mark.parametrize("quantity", ["1e30", "123456789012345678.99", "-1e-9", "1e300"])
def test_extreme_quantities_do_not_break_it(client: Any, quantity: str) -> None:
    [line] = client.load(["x.e", "1", "1", quantity, "0.1", "e"]).body["ids"]
    read = client.call("sale.order.line/read", ids=[line], fields=["product_uom_qty", "price_subtotal"])
    assert read.status == 200
    assert client.call("sale.order/read", ids=[1], fields=["amount_total"]).status == 200


@pytest.mark.parametrize("cells", [("nan", "1"), ("inf", "1"), ("1", "nan"), ("1", "-inf")])
def test_figures_that_are_no_numbers_are_errors_of_the_row(client: Any, cells: tuple[str, str]) -> None:
    body = client.load(["x.e", "1", "1", *cells, "e"]).body
    assert body["ids"] is False
    assert "Unknown error during import" in body["messages"][0]["message"]
