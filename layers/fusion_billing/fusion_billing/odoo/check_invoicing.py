"""What invoicing goes by: the companies that the key's user sees, how they round, invoices it can read."""

from collections.abc import Iterator

from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import Park
from fusion_billing.odoo.finding import Finding
from fusion_billing.odoo.rights import in_group

_ROUNDING = "tax_calculation_rounding_method"
_LOCKING = "sale.group_auto_done_setting"
_MOST_NAMED = 20
_METHODS = {
    "round_globally": "rounds globally: invoices add up unrounded lines, so each is written as whole cents",
    "round_per_line": "rounds per line",
}
INVOICE_LINE_FIELDS = ("move_id", "parent_state", "move_type", "quantity", "price_subtotal", "sale_line_ids")
CHAIN_FIELDS = ("subscription_id", "origin_order_id")
"""The parent of a renewal or an upsell, and the first order of all."""


def companies(odoo: Odoo) -> Iterator[Finding]:
    """Yield the companies seen, and how each rounds."""
    fields = ["name", *odoo.fields("res.company", [_ROUNDING])]
    rows = odoo.search_read("res.company", [], fields, order="id")
    names = ", ".join(str(row["name"]) for row in rows)
    yield Finding("well", f"The key's user sees the orders of {len(rows)} companies: {names}")
    for row in rows:
        method = row.get(_ROUNDING)
        if method:
            yield Finding("well", f"{row['name']} {_METHODS.get(method, f'rounds by {method}')}")


def locks(odoo: Odoo) -> Iterator[Finding]:
    """Yield which running subscriptions are locked, and whether orders lock: no line changes there."""
    have_subscriptions = bool(odoo.fields("sale.order", ["is_subscription"]))
    if have_subscriptions:
        domain = [["subscription_state", "=", "3_progress"], ["locked", "=", True]]
        locked = [str(row["name"]) for row in odoo.search_read("sale.order", domain, ["name"])]
        if locked:
            names = ", ".join(locked[:_MOST_NAMED]) + (", ..." if len(locked) > _MOST_NAMED else "")
            yield Finding(
                "wrong", f"{len(locked)} running subscriptions are locked: {names}", "Unlock the orders named"
            )
    if in_group(odoo, _LOCKING):
        yield Finding(
            "look" if have_subscriptions else "wrong",
            "Orders are locked when they are confirmed: no line can be changed on one that is",
            "Turn off 'Lock Confirmed Sales' (Settings, Sales), or unlock each order that is billed",
        )


def invoices(odoo: Odoo) -> Iterator[Finding]:
    """Yield whether the invoices that bill our lines can be read."""
    advice = (
        "Give the key's user the right to read invoices (Sales: User: All Documents has it), so that what an "
        "invoice says counts as billed"
    )
    try:
        missing = set(INVOICE_LINE_FIELDS) - set(odoo.fields("account.move.line", INVOICE_LINE_FIELDS))
        odoo.search_read("account.move", [], ["state"], limit=1)
        odoo.search_read("account.move.line", [["sale_line_ids", "!=", False]], ["price_subtotal"], limit=1)
    except Park as error:
        reason = error.message.splitlines()[0]
        text = f"Invoices can't be read, so the order line's invoiced quantity counts as billed: {reason}"
        yield Finding("look", text, advice)
        return
    if missing:
        yield Finding(
            "look", f"Invoice lines lack {', '.join(sorted(missing))}", "Odoo 17 or later is needed"
        )
    else:
        yield Finding("well", "Invoices can be read: what they say counts as billed")


def chain(odoo: Odoo) -> Iterator[Finding]:
    """Yield whether a renewal tells which order it renews."""
    found = odoo.fields("sale.order", ["is_subscription", *CHAIN_FIELDS])
    if "is_subscription" not in found:
        return
    absent = sorted(set(CHAIN_FIELDS) - set(found))
    if absent:
        yield Finding(
            "look",
            f"Renewals can't be followed by themselves: sale.order lacks {', '.join(absent)}",
            "Tell the service the orders of a renewed subscription by PATCH /v1/subscriptions/{id}",
        )
    else:
        yield Finding("well", "Renewals and upsells name their parent and their first contract")
