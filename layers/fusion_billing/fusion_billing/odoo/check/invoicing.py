"""Check companies, journals, fiscal positions, locks, renewals and invoices."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from fusion_billing.billing_periods.subscription_states import IN_PROGRESS
from fusion_billing.odoo.check.finding import Finding
from fusion_billing.odoo.check.rights import in_group
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import PermanentError
from fusion_billing.odoo.orders import many2one

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
    yield Finding("ok", f"The API user sees the orders of {len(rows)} companies: {names}")
    for row in rows:
        method = row.get(_ROUNDING)
        if method:
            yield Finding("ok", f"{row['name']} {_METHODS.get(method, f'rounds by {method}')}")


def journals(odoo: Odoo) -> Iterator[Finding]:
    """Yield the companies seen whose orders no invoice can be made of, for want of a sales journal."""
    parents = odoo.fields("res.company", ["parent_id"])
    rows = {row["id"]: row for row in odoo.search_read("res.company", [], ["name", *parents], order="id")}
    found = odoo.search_read("account.journal", [["type", "=", "sale"]], ["company_id"])
    having = {company[0] for row in found if (company := many2one(row.get("company_id"))) is not None}
    for company, row in rows.items():
        if having.isdisjoint(_with_parents(company, rows)):
            bills = odoo.search_read(
                "sale.order", [["company_id", "=", company], ["state", "=", "sale"]], ["id"], limit=1
            )
            yield Finding(
                "error" if bills else "warning",
                f"{row['name']} has no sales journal: its orders can't be invoiced",
                f"Add a journal of the type Sales to {row['name']} (Accounting, Configuration, Journals)",
            )


def _with_parents(company: int, rows: Mapping[int, Mapping[str, Any]]) -> set[int]:
    """Return a company and those it is a branch of: a branch invoices by their journals."""
    found: set[int] = set()
    following: int | None = company
    while following is not None and following not in found:
        found.add(following)
        parent = many2one(rows.get(following, {}).get("parent_id"))
        following = parent[0] if parent else None
    return found


def fiscal_positions(odoo: Odoo, *, inclusive: bool) -> Iterator[Finding]:
    """Yield the fiscal positions of orders that are billed, which map or remove their lines' taxes.

    `inclusive` is true if the amounts of some charge include taxes: the position changes those.
    """
    domain: list[Any] = [["state", "=", "sale"], ["fiscal_position_id", "!=", False]]
    if odoo.fields("sale.order", ["is_subscription"]):
        domain.append(["subscription_state", "=", IN_PROGRESS])
    rows = odoo.search_read("sale.order", domain, ["fiscal_position_id"])
    named = [found for row in rows if (found := many2one(row.get("fiscal_position_id"))) is not None]
    for (position, name), count in sorted(Counter(named).items()):
        text = f"{count} {'order has' if count == 1 else 'orders have'} the fiscal position {name}"
        has_taxes = bool(_taxes_of(odoo, position))
        text += ", which maps taxes" if has_taxes else ", which has no taxes: Odoo may remove those of lines"
        if inclusive:
            yield Finding(
                "warning",
                f"{text}; what a charge with the tax_behavior inclusive brings in without taxes follows it",
                f"See that the fiscal position {name} maps included taxes to included ones",
            )
        else:
            yield Finding("ok", f"{text}; amounts are without taxes, and stay what they are")


def _taxes_of(odoo: Odoo, position: int) -> object:
    if not odoo.fields("account.fiscal.position", ["tax_ids"]):
        return True  # it does not say
    rows = odoo.read("account.fiscal.position", [position], ["tax_ids"])
    return rows[0].get("tax_ids") if rows else True


def locks(odoo: Odoo) -> Iterator[Finding]:
    """Yield which running subscriptions are locked, and whether orders lock: no line changes there."""
    have_subscriptions = bool(odoo.fields("sale.order", ["is_subscription"]))
    if have_subscriptions:
        domain = [["subscription_state", "=", IN_PROGRESS], ["locked", "=", True]]
        locked = [str(row["name"]) for row in odoo.search_read("sale.order", domain, ["name"])]
        if locked:
            names = ", ".join(locked[:_MOST_NAMED]) + (", ..." if len(locked) > _MOST_NAMED else "")
            yield Finding(
                "error", f"{len(locked)} running subscriptions are locked: {names}", "Unlock the orders named"
            )
    if in_group(odoo, _LOCKING):
        yield Finding(
            "warning" if have_subscriptions else "error",
            "Orders are locked when they are confirmed, so their lines can't change",
            "Turn off 'Lock Confirmed Sales' (Settings, Sales), or unlock each order that is billed",
        )


def invoices(odoo: Odoo) -> Iterator[Finding]:
    """Yield whether the invoices that bill our lines can be read."""
    advice = (
        "Give the API user the right to read invoices (Sales: User: All Documents has it), so that "
        "invoiced amounts are read from invoices"
    )
    try:
        missing = set(INVOICE_LINE_FIELDS) - set(odoo.fields("account.move.line", INVOICE_LINE_FIELDS))
        odoo.search_read("account.move", [], ["state"], limit=1)
        odoo.search_read("account.move.line", [["sale_line_ids", "!=", False]], ["price_subtotal"], limit=1)
    except PermanentError as error:
        reason = error.message.splitlines()[0]
        text = f"Invoices can't be read, so the invoiced quantity of the order line is used instead: {reason}"
        yield Finding("warning", text, advice)
        return
    if missing:
        yield Finding("warning", f"Invoice lines lack {', '.join(sorted(missing))}", "Odoo 17 or later is needed")
    else:
        yield Finding("ok", "Invoices can be read")


def chain(odoo: Odoo) -> Iterator[Finding]:
    """Yield whether a renewal names the order that it renews."""
    found = odoo.fields("sale.order", ["is_subscription", *CHAIN_FIELDS])
    if "is_subscription" not in found:
        return
    absent = sorted(set(CHAIN_FIELDS) - set(found))
    if absent:
        yield Finding(
            "warning",
            f"Renewals can't be followed automatically: sale.order lacks {', '.join(absent)}",
            "Set the orders of a renewed subscription with PATCH /v1/subscriptions/{id}",
        )
    else:
        yield Finding("ok", "Renewals and upsells name their parent and their first contract")
