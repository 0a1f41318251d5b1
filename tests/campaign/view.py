"""What an outsider sees: ratings and deliveries by the API, lines and invoices in Odoo, what receivers got."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.campaign.customers import Amounts, Pair
from tests.campaign.world import World
from tests.lives.odoo import PRODUCTS

_EXTERNAL = re.compile(
    r"(?P<of>[^-]+)--(?P<charge>[a-z0-9]+)--(?P<start>\d{8}T\d{6}Z)(?:--(?P<corrects>\d{8}T\d{6}Z))?(?:--[op]\d+)*"
)


@dataclass(frozen=True, slots=True)
class OdooLine:
    """A line of ours in Odoo: what was invoiced of it, and what is to be invoiced."""

    pair: Pair
    billed_in: datetime
    """The start of the period that it was made for."""
    invoiced: Fraction
    open: Fraction


def ratings(world: World, subscription: str) -> list[dict[str, Any]]:
    """Return all ratings of a subscription, as the API shows them."""
    return world.pages(f"/v1/subscriptions/{subscription}/ratings")


def about(rating: dict[str, Any]) -> Pair:
    """Return what the amount of a rating is about."""
    corrected = rating.get("corrects")
    start = corrected["period_start"] if corrected else rating["period_start"]
    return rating["subscription"], rating["charge"], datetime.fromisoformat(start)


def lines(world: World) -> tuple[list[OdooLine], list[str]]:
    """Return our lines in Odoo, and what is wrong with them by themselves."""
    odoo = world.odoo
    names = odoo.read("ir.model.data", [["model", "=", "sale.order.line"]], ["name", "res_id"])
    rows = odoo.read("sale.order.line", [["product_id", "in", list(PRODUCTS)]], ["qty_to_invoice", "price_unit"])
    by_id = {row["id"]: row for row in rows}
    invoiced = _invoiced(world)
    named = Counter(row["res_id"] for row in names)
    wrong = [
        f"line {row['id']} of Odoo is named {named[row['id']]} times, and {row['qty_to_invoice']} is to invoice of it"
        for row in rows
        if named[row["id"]] > 1 or (not named[row["id"]] and row["qty_to_invoice"])
    ]
    found = []
    for row in names:
        match = _EXTERNAL.fullmatch(row["name"])
        line = by_id.get(row["res_id"])
        if match is None:
            wrong.append(f"a line has the external id {row['name']}")
            continue
        if line is None:
            continue  # deleted by a person; its replacement has a row of its own
        start = _instant(match["corrects"] or match["start"])
        amount = Fraction(Decimal(line["qty_to_invoice"])) * Fraction(Decimal(line["price_unit"]))
        cents = Fraction(round(amount * 100), 100)
        pair = match["of"], match["charge"], start
        found.append(OdooLine(pair, _instant(match["start"]), invoiced.get(row["res_id"], Fraction(0)), cents))
    return found, wrong


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _invoiced(world: World) -> dict[int, Fraction]:
    found: dict[int, Fraction] = {}
    moves = {move["id"]: move for move in world.odoo.read("account.move", [], ["move_type"])}
    for row in world.odoo.read("account.move.line", [], ["move_id", "sale_line_ids", "price_subtotal"]):
        sign = -1 if moves[row["move_id"][0]]["move_type"] == "out_refund" else 1
        for line in row["sale_line_ids"]:
            found[line] = found.get(line, Fraction(0)) + sign * Fraction(Decimal(row["price_subtotal"]))
    return found


def totals(pairs: list[tuple[Pair, Fraction]]) -> dict[Pair, Fraction]:
    """Add up amounts by what they are about."""
    total: dict[Pair, Fraction] = {}
    for pair, amount in pairs:
        total[pair] = total.get(pair, Fraction(0)) + amount
    return total


def differences(what: str, expected: dict[Pair, Amounts], found: dict[Pair, Fraction]) -> list[str]:
    """Return where amounts are none of those that they may be."""
    nothing = frozenset({Fraction(0)})
    return [
        f"{pair[0]} {pair[1]} of {pair[2]:%Y-%m-%d}: {what} come to {float(found.get(pair, 0))}, "
        f"all records to {in_words(expected.get(pair, nothing))}"
        for pair in sorted({*expected, *found})
        if found.get(pair, 0) not in expected.get(pair, nothing)
    ]


def in_words(amounts: Amounts) -> str:
    """Return amounts as a text."""
    return " or ".join(str(float(amount)) for amount in sorted(amounts))
