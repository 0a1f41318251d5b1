"""A subscription's period is invoiced: lines are billed, `next_invoice_date` moves on."""

import calendar
from datetime import date, timedelta
from typing import Any

from local.odoo.environment import Environment
from local.odoo.errors import UserError
from local.odoo.models.invoices import invoice
from local.odoo.state import Record

MAX_STEPS = 10_000


def invoice_period(env: Environment, order_id: int, *, draft: bool = False) -> dict[str, Any]:
    """Bill what is due of a running subscription and move it on by one period of its plan.

    Recurring products are billed at their quantity and stay as they are; any other line with a
    quantity to invoice, negative ones included, is billed and marked invoiced. The invoice is posted, unless
    `draft` says to leave that to a person. Return
    `{"invoice": id or None, "next_invoice_date": "YYYY-MM-DD"}`.
    """
    order = env["sale.order"].record(order_id)
    plan = env.state.get("sale.subscription.plan", order["plan_id"] or 0)
    if order["state"] != "sale" or order["subscription_state"] != "3_progress" or plan is None:
        raise UserError(f"{order['name']} is no running subscription.")
    if order["payment_exception"]:
        raise UserError(f"{order['name']} has a payment exception.")
    lines = env["sale.order.line"]
    due = [
        line_id
        for line_id in env["sale.order"].value(order_id, "order_line")
        if lines.value(line_id, "recurring_invoice") or lines.value(line_id, "qty_to_invoice")
    ]
    made = None
    if due:
        made = invoice(env["account.move"], [order_id], due, date=order["next_invoice_date"])
        if not draft:
            env["account.move"].action_post([made])  # type: ignore[attr-defined]
    following = _following(order, plan).isoformat()
    env["sale.order"].write([order_id], {"next_invoice_date": following})
    return {"invoice": made, "next_invoice_date": following}


def _following(order: Record, plan: Record) -> date:
    """Return the date one period on, along the lattice of the start date where it lies on it."""
    current = date.fromisoformat(order["next_invoice_date"])
    anchor = date.fromisoformat(order["start_date"] or order["next_invoice_date"])
    for steps in range(MAX_STEPS):
        reached = step(anchor, steps * plan["billing_period_value"], plan["billing_period_unit"])
        if reached == current:
            return step(anchor, (steps + 1) * plan["billing_period_value"], plan["billing_period_unit"])
        if reached > current:
            break
    return step(current, plan["billing_period_value"], plan["billing_period_unit"])


def step(anchor: date, count: int, unit: str) -> date:
    """Return `anchor` moved by `count` units; a day the month does not have becomes its last."""
    if unit in ("day", "week"):
        return anchor + timedelta(days=count * (7 if unit == "week" else 1))
    months = anchor.month - 1 + count * (12 if unit == "year" else 1)
    year, month = anchor.year + months // 12, months % 12 + 1
    return date(year, month, min(anchor.day, calendar.monthrange(year, month)[1]))
