"""A subscription kept by the API alone, on an Odoo without Subscriptions: from counters to invoices.

Nothing in Odoo says when a period ends: an accountant invoices the order, and the API moves the date on.
"""

from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing import get_context
from typing import Any
from unittest.mock import patch

import pytest

from local.odoo.models.orders import Order
from tests.lives.service import RATING, RELAY, Service, service
from tests.rating_definitions import subscription_body

pytestmark = pytest.mark.integration

FIELDS = ("is_subscription", "subscription_state", "plan_id", "start_date", "next_invoice_date", "end_date")
METRIC = {"name": "API calls", "unit": "call", "aggregation": "sum"}
CHARGE = {
    "name": "API calls",
    "metric": "api_calls",
    "applies_to": {"all": True},
    "currency": "USD",
    "odoo_product_id": 7,
    "included_units": "1000",
    "model": {"type": "per_unit", "unit_amount": "0.004"},
}
SUBSCRIPTION = subscription_body(41, customer_name="A customer", start_date="2026-11-01")


def run(made: Service) -> None:
    """Do what the schedules do, until nothing is left to do."""
    made.rate("sweep")
    for _ in range(20):
        made.relay({"job": "relay"})
        if not made.work(RATING) + made.work(RELAY):
            return
    raise AssertionError("it does not come to rest")


def push(made: Service, quantity: str, day: str) -> None:
    record = {
        "idempotency_key": f"app:{day}",
        "subscription": "acme",
        "metric": "api_calls",
        "period_start": f"{day}T00:00:00Z",
        "period_end": f"{day}T01:00:00Z",
        "quantity": quantity,
    }
    answer = made.push(record)
    assert answer is not None
    assert answer.status in {200, 201}, answer


def put(made: Service, method: str, path: str, body: dict[str, Any]) -> None:
    answer = made.call(method, path, body)
    assert answer is not None
    assert answer.status in {200, 201}, answer


def invoiced(made: Service) -> list[Decimal]:
    """Return the untaxed amounts of the order's invoices."""
    moves = made.odoo.read("account.move", [], ["amount_untaxed"])
    return [Decimal(str(move["amount_untaxed"])) for move in moves]


def scenario() -> tuple[list[Decimal], list[str]]:
    """Play two months and late usage; return what was invoiced, and the statements' totals."""
    without = {name: field for name, field in Order.fields.items() if name not in FIELDS}
    with patch.object(Order, "fields", without), service(datetime(2026, 11, 1, 1, tzinfo=UTC)) as made:
        made.odoo.seed({"sale.order": [{"id": 41, "partner_id": 6, "user_id": 2, "state": "sale"}]})
        put(made, "PUT", "/v1/metrics/api_calls", METRIC)
        put(made, "PUT", "/v1/charges/api_calls", CHARGE)
        put(made, "PUT", "/v1/subscriptions/acme", SUBSCRIPTION)
        push(made, "1250", "2026-11-03")
        made.clock.now = datetime(2026, 12, 1, 3, tzinfo=UTC)
        run(made)
        made.odoo.invoice_order(41)
        put(made, "PATCH", "/v1/subscriptions/acme", {"next_invoice_date": "2027-01-01"})
        run(made)

        push(made, "500", "2026-11-20")  # late: the period is invoiced
        push(made, "2000", "2026-12-04")
        made.clock.now = datetime(2027, 1, 1, 3, tzinfo=UTC)
        run(made)
        made.odoo.invoice_order(41)
        put(made, "PATCH", "/v1/subscriptions/acme", {"next_invoice_date": "2027-02-01"})
        run(made)

        listed = made.call("GET", "/v1/subscriptions/acme/statements")
        assert listed is not None
        assert made.failures == []
        return invoiced(made), [statement["totals"]["invoiced"] for statement in listed.body["items"]]


def test_lines_invoices_and_adjustments_come_out_as_with_subscriptions() -> None:
    with get_context("spawn").Pool(1) as pool:  # the whole service is patched: not in this process
        amounts, statements = pool.apply(scenario)
    assert sorted(amounts) == [Decimal("1.00"), Decimal("6.00")], "1.00; then 2.00 late and 4.00"
    assert statements == ["6.00", "1.00"]
