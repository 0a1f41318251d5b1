"""What happens to a subscription in Odoo: renewed, upsold, paused, resumed, closed, moved to another plan.

Each is one call for what takes a person several clicks. Enterprise's code is not at hand: the states and
fields follow its documentation. Call them inside `state.transaction()`.
"""

from typing import Any

from local.odoo.environment import Environment
from local.odoo.errors import UserError
from local.odoo.state import Record

RUNNING = "3_progress"
PAUSED = "4_paused"
RENEWED = "5_renewed"
CHURNED = "6_churn"


def renew(env: Environment, order_id: int, *, start: str | None = None, plan: int | None = None) -> int:
    """Make the renewal quotation of a running subscription; return the new order.

    It starts at `start`, by default where the old order is invoiced next. The old order's recurring lines
    are copied, usage lines are not. Confirming it (`confirm`) is what renews.
    """
    old = _in_state(env, order_id, RUNNING, PAUSED, CHURNED)
    begins = start or old["next_invoice_date"]
    return _follow_up(
        env,
        old,
        {
            "subscription_state": "2_renewal",
            "plan_id": plan or old["plan_id"],
            "start_date": begins,
            "next_invoice_date": begins,
        },
    )


def upsell(env: Environment, order_id: int, product_id: int, quantity: int = 1) -> int:
    """Make the upsell quotation of a running subscription, with one line; return the new order.

    Confirmed, it stays an order of its own in `7_upsell`; Odoo invoices it once, and raises the
    subscription's own recurring line by its quantity.
    """
    old = _in_state(env, order_id, RUNNING)
    new = _follow_up(
        env,
        old,
        {
            "subscription_state": "7_upsell",
            "plan_id": old["plan_id"],
            "start_date": env.today(),
            "next_invoice_date": old["next_invoice_date"],
        },
        lines=False,
    )
    env["sale.order.line"].create([{"order_id": new, "product_id": product_id, "product_uom_qty": quantity}])
    return new


def confirm(env: Environment, order_id: int) -> None:
    """Confirm a quotation; a renewal takes over from its parent, an upsell adds to it."""
    orders = env["sale.order"]
    order = orders.record(order_id)
    kind, parent = order["subscription_state"], order["subscription_id"]
    if order["state"] not in ("draft", "sent"):
        raise UserError("Some orders are not in a state requiring confirmation.")
    if kind == "2_renewal" and parent is not None:
        orders.write([order_id], {"state": "sale", "subscription_state": RUNNING})
        old = orders.record(parent)
        end = min(filter(None, (old["end_date"], order["start_date"])), default=None)
        orders.write([parent], {"subscription_state": RENEWED, "end_date": end})
    elif kind == "7_upsell" and parent is not None:
        orders.write([order_id], {"state": "sale"})
        _raise_recurring(env, parent, order_id)
    else:
        env["sale.order"].action_confirm([order_id])  # type: ignore[attr-defined]


def pause(env: Environment, order_id: int) -> None:
    """Pause a running subscription: it isn't invoiced until it is resumed."""
    _in_state(env, order_id, RUNNING)
    env["sale.order"].write([order_id], {"subscription_state": PAUSED})


def resume(env: Environment, order_id: int, next_invoice_date: str | None = None) -> None:
    """Resume a paused subscription, invoiced next on `next_invoice_date` where given."""
    _in_state(env, order_id, PAUSED)
    moved = {} if next_invoice_date is None else {"next_invoice_date": next_invoice_date}
    env["sale.order"].write([order_id], {"subscription_state": RUNNING, **moved})


def close(env: Environment, order_id: int, end: str | None = None) -> None:
    """Close a subscription as of `end`, by default today: Odoo invoices it no more."""
    _in_state(env, order_id, RUNNING, PAUSED)
    env["sale.order"].write([order_id], {"subscription_state": CHURNED, "end_date": end or env.today()})


def change_plan(env: Environment, order_id: int, plan: int) -> None:
    """Give a subscription another recurring plan, on the same order.

    Odoo reprices the order's recurring lines then, and nothing else of it.
    """
    _in_state(env, order_id, RUNNING, PAUSED, "1_draft", "2_renewal")
    env["sale.order"].write([order_id], {"plan_id": plan})


def _in_state(env: Environment, order_id: int, *states: str) -> Record:
    order = env["sale.order"].record(order_id)
    if order["subscription_state"] not in states or order["state"] == "cancel":
        raise UserError(f"{order['name']} is in the state {order['subscription_state']}.")
    return order


def _follow_up(env: Environment, old: Record, values: dict[str, Any], *, lines: bool = True) -> int:
    """Make an order whose parent is `old` and whose first contract is that of `old`."""
    remaining = (
        "partner_id",
        "company_id",
        "currency_id",
        "user_id",
        "client_order_ref",
        "fiscal_position_id",
        "pricelist_id",
    )
    shared = {name: old[name] for name in remaining}
    chain = {"subscription_id": old["id"], "origin_order_id": old["origin_order_id"] or old["id"]}
    [new] = env["sale.order"].create([{**shared, "is_subscription": True, **chain, **values}])
    source = env["sale.order.line"]
    for line_id in env["sale.order"].value(old["id"], "order_line") if lines else ():
        line = source.record(line_id)
        if source.value(line_id, "recurring_invoice"):
            copied = {name: line[name] for name in ("product_id", "product_uom_qty", "price_unit", "name")}
            source.create([{"order_id": new, **copied}])
    return int(new)


def _raise_recurring(env: Environment, parent: int, upsold: int) -> None:
    lines = env["sale.order.line"]
    for line_id in env["sale.order"].value(upsold, "order_line"):
        added = lines.record(line_id)
        if not lines.value(line_id, "recurring_invoice"):
            continue
        own = [
            i
            for i in env["sale.order"].value(parent, "order_line")
            if lines.record(i)["product_id"] == added["product_id"]
        ]
        if own:
            quantity = lines.record(own[0])["product_uom_qty"] + added["product_uom_qty"]
            lines.write([own[0]], {"product_uom_qty": quantity})
        else:
            copied = {k: added[k] for k in ("product_id", "product_uom_qty", "price_unit", "name")}
            lines.create([{"order_id": parent, **copied}])
