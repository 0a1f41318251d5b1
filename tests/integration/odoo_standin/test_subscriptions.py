"""Subscriptions: read by what changed, and invoiced period by period."""

from decimal import Decimal
from typing import Any

import pytest

from local.odoo.server import Server

pytestmark = pytest.mark.integration


def subscription(odoo: Server, number: int, plan: dict[str, Any], start: str, following: str) -> None:
    odoo.admin.seed(
        {
            "sale.subscription.plan": [{"id": number, "name": f"Plan {number}", **plan}],
            "sale.order": [
                {
                    "id": number,
                    "partner_id": 6,
                    "user_id": 2,
                    "state": "sale",
                    "is_subscription": True,
                    "subscription_state": "3_progress",
                    "plan_id": number,
                    "start_date": start,
                    "next_invoice_date": following,
                }
            ],
        }
    )


@pytest.mark.parametrize(
    ("plan", "start", "following", "dates"),
    [
        (("month", 1), "2026-01-31", "2026-02-28", ["2026-03-31", "2026-04-30", "2026-05-31"]),
        (("month", 3), "2023-11-30", "2024-02-29", ["2024-05-30", "2024-08-30"]),
        (("year", 1), "2024-02-29", "2025-02-28", ["2026-02-28", "2027-02-28", "2028-02-29"]),
        (("week", 2), "2026-11-02", "2026-11-16", ["2026-11-30"]),
        (("day", 10), "2026-12-25", "2027-01-04", ["2027-01-14"]),
        (("month", 1), "2026-10-20", "2026-11-01", ["2026-12-01", "2027-01-01"]),
    ],
)
def test_the_next_invoice_date_moves_along_the_anchor(
    odoo: Server, plan: tuple[str, int], start: str, following: str, dates: list[str]
) -> None:
    values = {"billing_period_unit": plan[0], "billing_period_value": plan[1]}
    subscription(odoo, 50, values, start, following)
    assert [odoo.admin.invoice_period(50)["next_invoice_date"] for _ in dates] == dates


def test_invoicing_keeps_recurring_lines_and_marks_usage_lines_invoiced(client: Any, odoo: Server) -> None:
    [line] = client.load(["x.a", "1", "1", "1070", "0.01", "API calls"]).body["ids"]
    made = odoo.admin.invoice_period(1)
    [move] = odoo.admin.read("account.move", [["id", "=", made["invoice"]]], ["amount_total", "state"])
    assert move == {"id": made["invoice"], "amount_total": Decimal("59.73"), "state": "posted"}
    fields = ["product_uom_qty", "qty_invoiced", "qty_to_invoice", "invoice_status"]
    [plan, usage] = odoo.admin.read("sale.order.line", [["id", "in", [1, line]]], fields)
    assert (plan["product_uom_qty"], plan["qty_invoiced"]) == (1, 0)
    assert (usage["qty_invoiced"], usage["qty_to_invoice"], usage["invoice_status"]) == (1070, 0, "invoiced")
    again = odoo.admin.invoice_period(1)
    [second] = odoo.admin.read("account.move", [["id", "=", again["invoice"]]], ["amount_total"])
    assert second["amount_total"] == 49


def test_lowering_one_rolling_line_after_an_invoice_gives_a_negative_quantity(client: Any, odoo: Server) -> None:
    [line] = client.load(["x.rolling", "1", "1", "1070", "0.01", "API calls"]).body["ids"]
    odoo.admin.invoice_period(1)
    client.load(["x.rolling", "1", "1", "600", "0.01", "API calls"])
    [read] = client.call("sale.order.line/read", ids=[line], fields=["qty_to_invoice"]).body
    assert read["qty_to_invoice"] == -470
    made = odoo.admin.invoice_period(1)
    [move] = odoo.admin.read("account.move", [["id", "=", made["invoice"]]], ["amount_total"])
    assert move["amount_total"] == Decimal("44.30")


def test_orders_are_found_by_what_changed_since(client: Any, odoo: Server) -> None:
    [before] = client.call("sale.order/read", ids=[1], fields=["write_date"]).body
    domain = [["is_subscription", "=", True], ["write_date", ">=", before["write_date"]]]
    found = client.call("sale.order/search", domain=domain, order="write_date, id").body
    assert set(found) == {1, 2}
    odoo.admin.invoice_period(2)
    assert client.call("sale.order/search", domain=domain, order="write_date, id").body == [1, 2]
    assert len(before["write_date"]) == len("2026-11-01 00:00:00")


def test_pages_follow_each_other(client: Any) -> None:
    found = [
        client.call("sale.order.line/search", domain=[], offset=offset, limit=2, order="id").body
        for offset in (0, 2, 4)
    ]
    assert found == [[1, 2], [3], []]


def test_a_draft_subscription_starts_when_it_is_confirmed(client: Any) -> None:
    values = {"partner_id": 6, "is_subscription": True, "plan_id": 1, "start_date": "2026-12-01"}
    [order] = client.call("sale.order/create", vals_list=[values]).body
    fields = ["state", "subscription_state", "next_invoice_date", "plan_id"]
    [draft] = client.call("sale.order/read", ids=[order], fields=fields).body
    assert (draft["state"], draft["subscription_state"]) == ("draft", "1_draft")
    client.call("sale.order/action_confirm", ids=[order])
    [running] = client.call("sale.order/read", ids=[order], fields=fields).body
    assert running == {
        "id": order,
        "state": "sale",
        "subscription_state": "3_progress",
        "next_invoice_date": "2026-12-01",
        "plan_id": [1, "Monthly"],
    }


@pytest.mark.parametrize(
    ("domain", "found"),
    [
        (["|", ["id", "=", 1], ["id", "=", 2]], [1, 2]),
        (["!", ["id", "=", 1]], [2]),
        (["&", ["id", ">", 0], ["name", "like", "S0000"]], [1, 2]),
        ([["partner_id", "=", "First customer"]], [1]),
        ([["partner_id.name", "ilike", "SECOND"]], [2]),
        ([["name", "not in", ["S00001"]]], [2]),
        ([["end_date", "=", False]], [1, 2]),
        ([["end_date", "!=", False]], []),
        ([["next_invoice_date", "<=", "2026-11-15"]], [1, 2]),
        ([["order_line", "in", [3]]], [1]),
        ([["order_line.product_id.default_code", "=", "API-OVER"]], [1]),
        ([["plan_id.billing_period_unit", "=", "month"]], [1, 2]),
        ([[1, "=", 1]], [1, 2]),
        ([[0, "=", 1]], []),
    ],
)
def test_domains_match_as_in_odoo(client: Any, domain: list[Any], found: list[int]) -> None:
    assert client.call("sale.order/search", domain=domain, order="id").body == found


def test_archived_records_are_found_only_on_request(client: Any, odoo: Server) -> None:
    odoo.admin.write("product.product", [2], {"active": False})
    domain = [["default_code", "=", "STO-OVER"]]
    assert client.call("product.product/search", domain=domain).body == []
    assert client.call("product.product/search", domain=[*domain, ["active", "=", False]]).body == [2]
    assert client.call("product.product/search", domain=domain, context={"active_test": False}).body == [2]
    assert client.call("product.product/read", ids=[2], fields=["active"]).body == [{"id": 2, "active": False}]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("unlink", "You must first cancel it"),
        ("action_confirm", "not in a state requiring confirmation"),
        ("action_cancel", "cannot cancel a locked order"),
    ],
)
def test_what_odoo_forbids_on_a_confirmed_and_locked_order(
    client: Any, odoo: Server, method: str, message: str
) -> None:
    odoo.admin.write("sale.order", [1], {"locked": True})
    answer = client.call(f"sale.order/{method}", "key-admin", ids=[1])
    assert (answer.status, answer.body["name"]) == (422, "odoo.exceptions.UserError")
    assert message in answer.body["message"]
