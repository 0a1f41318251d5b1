"""From a charge's `tax_behavior` to the invoice and the statement, by the whole service.

An Odoo with several taxes on a product and fiscal positions that map and remove them.
"""

import copy
from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing import get_context
from typing import Any

import pytest

from fusion_billing.statements.chain import findings
from tests.lives.service import RATING, RELAY, Service, service

pytestmark = pytest.mark.integration

PRODUCTS = {"none": [], "on_top": [5], "included": [7], "both": [7, 6], "two_on_top": [5, 6]}
DATABASE: dict[str, list[dict[str, Any]]] = {
    "account.fiscal.position": [{"id": 3, "name": "Export"}, {"id": 4, "name": "Reduced"}],
    "account.tax": [
        {"id": 5, "name": "19%", "amount": Decimal(19)},
        {"id": 6, "name": "7%", "amount": Decimal(7)},
        {"id": 7, "name": "20% incl", "amount": Decimal(20), "price_include_override": "tax_included"},
        {
            "id": 8,
            "name": "10% incl",
            "amount": Decimal(10),
            "price_include_override": "tax_included",
            "fiscal_position_ids": [4],
            "original_tax_ids": [7],
        },
    ],
    "product.product": [
        {"id": number, "name": name, "lst_price": Decimal(1), "taxes_id": taxes}
        for number, (name, taxes) in enumerate(PRODUCTS.items(), 20)
    ],
    "sale.subscription.plan": [{"id": 1, "name": "Pro"}],
}
ORDER = {
    "partner_id": 6,
    "user_id": 2,
    "state": "sale",
    "is_subscription": True,
    "subscription_state": "3_progress",
    "plan_id": 1,
    "start_date": "2026-11-01",
    "next_invoice_date": "2026-12-01",
}
POSITIONS = {41: None, 42: 3, 43: 4}
CHARGES = {  # without "both" and "inclusive": 9.11 is no total that a line of these two taxes can have
    f"{name}_{behavior}": (product, behavior)
    for product, name in enumerate(PRODUCTS, 20)
    for behavior in ("exclusive", "inclusive")
    if (name, behavior) != ("both", "inclusive")
}


def charge(product: int, behavior: str) -> dict[str, Any]:
    return {
        "name": f"{product} {behavior}",
        "metric": "api_calls",
        "applies_to": {"all": True},
        "currency": "USD",
        "odoo_product_id": product,
        "included_units": "1000",
        "tax_behavior": behavior,
        "analytic_distribution": {str(product): 100},
        "model": {"type": "per_unit", "unit_amount": "0.0041"},
    }


def must(answer: Any) -> Any:
    assert answer is not None
    assert answer.status in {200, 201}, answer
    return answer.body


def run(made: Service) -> None:
    made.relay({"job": "sync", "full": True})
    made.rate("sweep")
    for _ in range(20):
        made.relay({"job": "relay"})
        if not made.work(RATING) + made.work(RELAY):
            return
    raise AssertionError("it does not come to rest")


def push(made: Service, order: int, quantity: str, day: str) -> None:
    record = {
        "idempotency_key": f"{order}:{day}",
        "subscription": str(order),
        "metric": "api_calls",
        "period_start": f"{day}T00:00:00Z",
        "period_end": f"{day}T01:00:00Z",
        "quantity": quantity,
    }
    must(made.push(record))


def scenario() -> dict[int, dict[str, Any]]:
    """Play a month and late usage; return each order's invoiced amounts and statements."""
    with service(datetime(2026, 11, 1, 1, tzinfo=UTC)) as made:
        made.odoo.seed(DATABASE)
        orders = [{**ORDER, "id": n, "fiscal_position_id": position} for n, position in POSITIONS.items()]
        made.odoo.seed({"sale.order": orders})
        must(made.call("PUT", "/v1/metrics/api_calls", {"name": "API calls", "aggregation": "sum"}))
        for code, (product, behavior) in CHARGES.items():
            must(made.call("PUT", f"/v1/charges/{code}", charge(product, behavior)))
        run(made)
        for order in POSITIONS:
            push(made, order, "4251", "2026-11-03")
        made.clock.now = datetime(2026, 12, 1, 3, tzinfo=UTC)
        run(made)
        for order in POSITIONS:
            made.odoo.invoice_period(order)
        run(made)
        for order in POSITIONS:
            push(made, order, "2222", "2026-11-20")  # late: 9.11 more
        made.clock.now = datetime(2027, 1, 1, 3, tzinfo=UTC)
        run(made)
        for order in POSITIONS:
            made.odoo.invoice_period(order)
        run(made)
        assert made.failures == []
        return {order: seen(made, order) for order in POSITIONS}


def seen(made: Service, order: int) -> dict[str, Any]:
    statements = must(made.call("GET", f"/v1/subscriptions/{order}/statements"))["items"]
    names = {row["id"]: row["name"] for row in made.odoo.read("sale.order.line", [["order_id", "=", order]], ["name"])}
    rows = made.odoo.read(
        "account.move.line",
        [["sale_line_ids", "in", list(names)]],
        ["sale_line_ids", "price_subtotal", "price_total"],
    )
    billed = [
        ("inclusive" in names[row["sale_line_ids"][0]], row["price_subtotal"], row["price_total"]) for row in rows
    ]
    distributions = made.odoo.read(
        "sale.order.line", [["order_id", "=", order]], ["product_id", "analytic_distribution"]
    )
    states = must(made.call("GET", "/v1/lines?state=failed"))["items"]
    return {
        "statements": statements,
        "billed": billed,
        "failed": [line["id"] for line in states],
        "distributions": distributions,
    }


@pytest.fixture(scope="module")
def played() -> Any:
    """The life of three orders, played in a process of its own, since the whole service is patched."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(scenario)


@pytest.mark.parametrize("order", POSITIONS)
def test_invoices_and_statements_come_to_the_amounts_with_or_without_taxes(played: Any, order: int) -> None:
    later, first = played[order]["statements"]
    assert played[order]["failed"] == []
    for line in (*first["lines"], *later["lines"]):
        assert line["invoiced"] == line["rated"], line
        assert line["invoiced_from"] == "invoice"
    november, december = Decimal("13.33"), Decimal("9.11")
    assert Decimal(first["totals"]["invoiced"]) == len(CHARGES) * november
    assert Decimal(later["totals"]["invoiced"]) == len(CHARGES) * december
    # By Odoo's own figures: a line's subtotal or total, as its charge's amount is without or with taxes.
    billed = [total if inclusive else subtotal for inclusive, subtotal, total in played[order]["billed"]]
    assert set(billed) == {november, december}
    assert len(billed) == 2 * len(CHARGES)


@pytest.mark.parametrize(("order", "total"), [(41, "16.00"), (42, "13.33"), (43, "14.66")])
def test_the_order_s_own_taxes_are_on_the_invoice(played: Any, order: int, total: str) -> None:
    assert (False, Decimal("13.33"), Decimal(total)) in played[order]["billed"]
    taxed = [line for line in played[order]["billed"] if line[1] != line[2]]
    assert bool(taxed) is (order != 42)


def test_a_charge_s_analytic_distribution_is_on_its_order_lines(played: Any) -> None:
    lines = played[41]["distributions"]
    assert len(lines) == 2 * len(CHARGES)
    for line in lines:
        assert line["analytic_distribution"] == {str(line["product_id"][0]): 100}


def test_statements_are_verified_offline_and_a_changed_one_is_found(played: Any) -> None:
    statements = played[41]["statements"]
    assert list(findings(statements)) == []
    for index in range(2):
        changed = copy.deepcopy(statements)
        changed[index]["lines"][0]["invoiced"] = "0.01"
        assert list(findings(changed))
