"""Whatever goes wrong between a line's intent and its acknowledgement, just what is rated is invoiced.

Each case: a line is sent, and something happens at one step of that; the rating is corrected; Odoo invoices
at some moment; the period closes, what is still owed becomes an adjustment, and that is invoiced too. Then
the invoices' lines come to what was rated last, and nothing is left to invoice.

Every kind of disturbance is played at every step; corrections take turns, another one each step and kind.
With SWEEP_ALL=1 in the environment every correction is played at every step: minutes instead of seconds.
"""

import contextlib
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from fusion_billing.dynamodb.ratings.billed_lines import BilledLines
from fusion_billing.dynamodb.state.leases import Leases
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.keys import KeyRing
from fusion_billing.odoo.protocols.json2 import Json2
from tests.integration.relay.disturbances import Disturbance, Killed, Kind, Table, Wire

pytestmark = pytest.mark.integration

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
FEWEST_STEPS, MAX_STEPS = 5, 40

UNITS = {"1.00": "250", "2.00": "500", "0.40": "100"}
CORRECTIONS = ("none", "up", "down", "zero", "back")
KINDS: tuple[Kind, ...] = (
    "killed_before",
    "killed_after",
    "lost",
    "lost_from_here",
    "late",
    "repeated",
    "invoiced",
)


@dataclass
class Case:
    """One subscription of its own, on an order of its own."""

    world: Any
    order: int
    rated: str = ""
    owner = count()

    def rate(self, amount: str) -> None:
        """Rate November: as units at a price where the amount is one of those, else as one amount."""
        steps = [{"units": UNITS[amount], "unit_amount": "0.004", "amount": amount}] if amount in UNITS else []
        self.key = self.world.rate(self.order, amount, steps=steps)
        self.rated = amount

    def run(self, disturbance: Disturbance | None = None) -> Disturbance:
        """Run the relay once; then minutes pass, and Odoo carries out what it was still at work on."""
        happening = disturbance or Disturbance()
        table = Table(self.world.dynamodb, happening)
        keys = KeyRing(lambda: '{"keys": ["relay-key"], "login": "relay"}', lambda: 0.0)
        relay = self.world.relay(
            store=BilledLines(table, self.world.tables.ratings),  # type: ignore[arg-type]
            leases=Leases(table, self.world.tables.state, f"run-{next(self.owner)}"),  # type: ignore[arg-type]
            odoo=Odoo(Json2(Wire(self.world.server, happening), "demo"), keys),  # type: ignore[arg-type]
            precision=self.world.precision,
        )
        with contextlib.suppress(Killed):
            relay.run()
        for call in happening.late:
            call()
        self.world.later(minutes=10)
        self.world.dynamodb.delete_item(TableName=self.world.tables.state, Key={"pk": {"S": "CIRCUIT"}})
        return happening

    def invoice(self) -> None:
        self.world.admin.invoice_period(self.order)

    def close(self) -> None:
        """Close November: freeze its rating, and have adjusted in December what it still owes."""
        for _ in range(4):
            stored = self.world.line(self.key)
            if not stored.frozen:
                self.world.ratings.freeze(stored)
            self.run()
        stored = self.world.line(self.key)
        assert not stored.unresolved
        line_item = Decimal(self.rated) - stored.billed
        if line_item:
            self.world.rate(
                self.order,
                f"{line_item:.2f}",
                start=DECEMBER,
                corrected=datetime(2026, 11, 1, tzinfo=UTC),
                period_start="2026-12-01T00:00:00Z",
                period_end="2027-01-01T00:00:00Z",
                corrects={
                    "period_start": "2026-11-01T00:00:00Z",
                    "period_end": "2026-12-01T00:00:00Z",
                    "amount": self.rated,
                    "invoiced_amount": f"{stored.billed:.2f}",
                    "steps": [],
                },
            )
            self.run()

    def invoiced(self) -> Decimal:
        """Return what all invoices of the order come to."""
        lines = [row["id"] for row in self.world.in_odoo(self.order)]
        total = Decimal(0)
        for row in self.world.admin.read(
            "account.move.line", [["sale_line_ids", "in", lines]], ["move_id", "price_subtotal"]
        ):
            [move] = self.world.admin.read("account.move", [["id", "=", row["move_id"][0]]], ["move_type"])
            total += row["price_subtotal"] * (-1 if move["move_type"] == "out_refund" else 1)
        return total

    def left(self) -> Any:
        rows = self.world.admin.read(
            "sale.order.line", [["order_id", "=", self.order]], ["qty_to_invoice", "price_unit"]
        )
        return [row for row in rows if row["qty_to_invoice"] * row["price_unit"]]


def corrected(correction: str, first: str, second: str) -> str:
    return {"none": second, "up": "3750.10", "down": "0.40", "zero": "0.00", "back": first}[correction]


@pytest.fixture
def sweep(world: Any) -> Any:
    """A world with one partition and a fresh order for each case."""
    world.line_partitions = 1
    world.number = count(100)
    return world


@dataclass(frozen=True)
class Plan:
    """What happens in a case: `kind` at step `at` of sending `second` over `first`, and an invoice `when`."""

    kind: Kind
    at: int
    first: str
    second: str
    correction: str
    when: str


def play(world: Any, plan: Plan) -> bool:
    """Play one case; tell whether the run had a step `at` at all."""
    kind, at, first, second = plan.kind, plan.at, plan.first, plan.second
    number = next(world.number)
    world.orders(number)
    case = Case(world, number)
    if first != "0.00":
        case.rate(first)
        case.run()
    case.rate(second)
    happened = case.run(Disturbance(kind, at, case.invoice))
    is_invoiced = kind == "invoiced" and happened.steps > at
    if plan.when == "at_once" and not is_invoiced:
        case.invoice()
        is_invoiced = True
    amount = corrected(plan.correction, first, second)
    if amount != case.rated:
        case.rate(amount)
    case.run()
    case.run()
    if not is_invoiced:
        case.invoice()
    case.close()
    case.invoice()
    assert (case.invoiced(), case.left()) == (Decimal(amount), []), plan
    return happened.steps > at


@pytest.mark.parametrize("when", ["at_once", "at_the_end"])
@pytest.mark.parametrize(("first", "second"), [("0.00", "99.50"), ("99.50", "1048.73"), ("1.00", "2.00")])
@pytest.mark.parametrize("kind", KINDS)
def test_exactly_the_rated_amount_is_invoiced(sweep: Any, kind: Kind, first: str, second: str, when: str) -> None:
    turn = KINDS.index(kind) + (when == "at_once") + len(first)
    at = 0
    while _play_all(sweep, Plan(kind, at, first, second, "", when), turn):
        at += 1
        assert at < MAX_STEPS
    assert at >= FEWEST_STEPS


def _play_all(sweep: Any, plan: Plan, turn: int) -> bool:
    """Play the corrections that have their turn at a step; tell whether there was such a step."""
    mine = [CORRECTIONS[(plan.at + turn) % len(CORRECTIONS)]]
    played = CORRECTIONS if os.environ.get("SWEEP_ALL") else mine
    return all(play(sweep, replace(plan, correction=correction)) for correction in played)
