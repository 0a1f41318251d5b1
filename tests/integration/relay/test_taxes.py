"""Products with taxes: the line's subtotal or total is the rated amount, and so is the invoice's."""

from decimal import Decimal
from typing import Any

import pytest

pytestmark = pytest.mark.integration

TAXED, MIXED, ON_TOP = 21, 22, 23
TAXES: dict[str, list[dict[str, Any]]] = {
    "account.tax": [
        {"id": 5, "name": "19%", "amount": Decimal(19)},
        {"id": 7, "name": "20% incl", "amount": Decimal(20), "price_include_override": "tax_included"},
    ],
    "product.product": [
        {"id": TAXED, "name": "incl", "taxes_id": [7]},
        {"id": MIXED, "name": "incl and on top", "taxes_id": [7, 5]},
        {"id": ON_TOP, "name": "on top", "taxes_id": [5]},
    ],
}


@pytest.fixture(autouse=True)
def taxed(world: Any) -> None:
    world.admin.seed(TAXES)


def held(world: Any, order: int) -> Any:
    fields = ["price_subtotal", "price_total"]
    [row] = world.admin.read("sale.order.line", [["order_id", "=", order]], fields)
    return row["price_subtotal"], row["price_total"]


@pytest.mark.parametrize("product", [TAXED, MIXED, ON_TOP])
def test_an_amount_without_taxes_is_the_subtotal(world: Any, product: int) -> None:
    world.orders(41)
    key = world.rate(41, odoo_product_id=product)
    world.run()
    assert world.line(key).line.state == "sent"
    assert held(world, 41)[0] == 1
    made = world.admin.invoice_order(41)
    assert made["amount_untaxed"] == 1


@pytest.mark.parametrize("product", [TAXED, ON_TOP])
def test_an_amount_with_taxes_is_the_total(world: Any, product: int) -> None:
    world.orders(41)
    key = world.rate(41, odoo_product_id=product, tax_behavior="inclusive")
    world.run()
    assert world.line(key).line.state == "sent"
    assert held(world, 41)[1] == 1
    assert world.admin.invoice_order(41)["amount_total"] == 1


def test_the_second_version_goes_in_one_call(world: Any) -> None:
    world.orders(41)
    world.rate(41, odoo_product_id=TAXED)
    world.run()
    assert world.loads() == 2
    world.rate(41, "2.37", steps=[], odoo_product_id=TAXED)
    world.run()
    assert world.loads() == 3
    assert held(world, 41)[0] == Decimal("2.37")


def test_taxes_too_small_to_be_seen_on_a_line_are_counted_all_the_same(world: Any) -> None:
    world.orders(41)
    for number in range(12):
        world.rate(41, "0.01", f"charge_{number}", steps=[], odoo_product_id=TAXED)
    world.run()
    assert world.admin.invoice_order(41)["amount_untaxed"] == Decimal("0.12")


def test_a_line_whose_total_no_price_gives_fails_and_is_rolled_back(world: Any) -> None:
    world.admin.set_rounding("round_per_line")
    world.orders(41)
    key = world.rate(41, "0.03", steps=[], odoo_product_id=ON_TOP, tax_behavior="inclusive")
    world.run()
    line = world.line(key).line
    assert line.state == "failed"
    assert "tax" in str(line.error)
    assert held(world, 41) == (0, 0)


def test_a_fiscal_position_that_removes_an_included_tax_is_followed(world: Any) -> None:
    world.admin.seed({"account.fiscal.position": [{"id": 3, "name": "Export"}]})
    world.orders(41, fiscal_position_id=3)
    world.rate(41, odoo_product_id=TAXED)
    world.run()
    assert held(world, 41) == (1, 1)
