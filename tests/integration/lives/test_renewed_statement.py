"""The statement of a period in whose midst the subscription is renewed, by the whole service."""

from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

import pytest

from tests.integration.lives.test_taxes_end_to_end import DATABASE, ORDER, charge, must, push, run
from tests.lives.service import service

pytestmark = pytest.mark.integration


def scenario() -> tuple[list[dict[str, Any]], dict[int, str]]:
    """Renew in December, and have it invoiced; return the statements and what each order's lines come to."""
    with service(datetime(2026, 11, 1, 1, tzinfo=UTC)) as made:
        made.odoo.seed(DATABASE)
        made.odoo.seed({"sale.order": [{**ORDER, "id": 41}]})
        must(made.call("PUT", "/v1/metrics/api_calls", {"name": "API calls", "aggregation": "sum"}))
        must(made.call("PUT", "/v1/charges/calls", charge(20, "exclusive")))
        run(made)
        push(made, 41, "4251", "2026-11-03")
        made.clock.now = datetime(2026, 12, 1, 3, tzinfo=UTC)
        run(made)
        made.odoo.invoice_period(41)
        run(made)

        push(made, 41, "3222", "2026-12-03")
        made.clock.now = datetime(2026, 12, 15, 3, tzinfo=UTC)
        run(made)
        renewal = made.odoo.renew(41)["id"]
        run(made)
        made.clock.now = datetime(2027, 1, 1, 3, tzinfo=UTC)
        run(made)
        made.odoo.invoice_period(renewal)
        run(made)
        made.clock.now = datetime(2027, 1, 2, 3, tzinfo=UTC)
        run(made)

        rows = made.odoo.read("account.move.line", [], ["sale_line_ids", "price_subtotal"])
        orders = {row["id"]: row["order_id"][0] for row in made.odoo.read("sale.order.line", [], ["order_id"])}
        invoiced = {orders[row["sale_line_ids"][0]]: str(row["price_subtotal"]) for row in rows if row["sale_line_ids"]}
        assert made.failures == []
        return must(made.call("GET", "/v1/subscriptions/41/statements"))["items"], invoiced


def test_each_statement_names_the_order_whose_invoice_it_is_about() -> None:
    with get_context("spawn").Pool(1) as pool:
        statements, invoiced = pool.apply(scenario)
    assert {item["odoo_order_id"]: item["totals"]["invoiced"] for item in statements} == invoiced
    assert sorted(invoiced.values()) == ["13.33", "9.11"]
