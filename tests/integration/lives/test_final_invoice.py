"""The last period of an ended subscription, by the whole service: its final invoice, and what comes late."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from typing import Any

import pytest

from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
from fusion_billing.instants import rfc3339
from fusion_billing.statements.chain import findings
from tests.integration.lives.test_taxes_end_to_end import DATABASE, ORDER, charge, must, run
from tests.lives.killing import Kill
from tests.lives.service import Service, service
from tests.rating_definitions import subscription_body

pytestmark = pytest.mark.integration

METRIC = {"name": "API calls", "aggregation": "sum"}
CALLS = {**charge(20, "exclusive"), "model": {"type": "per_unit", "unit_amount": "0.004"}}
FEE = {**charge(21, "exclusive"), "included_units": "0", "model": {"type": "flat", "amount": "30"}}
START = datetime(2026, 11, 1, 1, tzinfo=UTC)
NOVEMBER_20 = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOVEMBER, DECEMBER, JANUARY, FEBRUARY = (f"{day}T00:00:00Z" for day in (
    "2026-11-01", "2026-12-01", "2027-01-01", "2027-02-01"
))  # fmt: skip


@dataclass
class World:
    """A subscription with 1.00 of usage in November and, if asked, a prorated fee of 30.00."""

    made: Service

    def set_up(self, *, fee: bool = False) -> None:
        self.made.odoo.seed(DATABASE)
        self.made.odoo.seed({"sale.order": [{**ORDER, "id": 41}]})
        must(self.made.call("PUT", "/v1/metrics/api_calls", METRIC))
        must(self.made.call("PUT", "/v1/charges/calls", CALLS))
        if fee:
            must(self.made.call("PUT", "/v1/charges/fee", {**FEE, "prorate": True}))
        run(self.made)
        self.push("1250", "2026-11-03")
        self.made.clock.now = NOVEMBER_20

    def push(self, quantity: str, day: str) -> None:
        record = {
            "idempotency_key": f"41:{day}",
            "subscription": "41",
            "metric": "api_calls",
            "period_start": f"{day}T00:00:00Z",
            "period_end": f"{day}T01:00:00Z",
            "quantity": quantity,
        }
        must(self.made.push(record))

    def run(self, *, hours: float = 26) -> None:
        """Let time pass, and have everything done."""
        for _ in range(2):
            self.made.clock.now += timedelta(hours=hours / 2)
            self.made.rate("plan")
            run(self.made)

    def close(self) -> None:
        self.made.odoo.close(41)
        self.run(hours=2)

    def invoice(self, *, post: bool = True) -> int:
        invoice = int(self.made.odoo.invoice_order(41, post=post)["id"])
        self.run()
        return invoice

    def listed(self, state: str = "final_invoice") -> list[tuple[str, str, str | None]]:
        """Return the amounts of the lines of a state, where they are billed, and what they correct."""
        items = must(self.made.call("GET", f"/v1/lines?state={state}"))["items"]
        return [(item["amount"], item["period_start"], item.get("corrects")) for item in items]

    def invoiced(self) -> Decimal:
        """Return what all invoices of the order come to, less credit notes."""
        moves = self.made.odoo.read("account.move", [], ["amount_untaxed", "move_type"])
        signs = {"out_invoice": 1, "out_refund": -1}
        return sum((signs[move["move_type"]] * Decimal(str(move["amount_untaxed"])) for move in moves), Decimal(0))

    def periods(self) -> list[tuple[str, str]]:
        client: Any = self.made.dynamodb
        stored = SubscriptionStore(client, self.made.tables.catalog).get("41")
        assert stored is not None
        return [(rfc3339(period.start), period.state) for period in stored.calendar.known]

    def statements(self) -> dict[str, tuple[str, str]]:
        """Return what was rated and adjusted, and invoiced, by the statements, which must hold."""
        found = must(self.made.call("GET", "/v1/subscriptions/41/statements"))["items"]
        assert findings(found) == []
        return {item["period_start"]: item["totals"]["invoiced"] for item in found}


def late_usage() -> dict[str, Any]:
    """Invoice, and be late, three times: more, less, and nothing more."""
    with service(START) as made:
        world = World(made)
        world.set_up()
        world.close()
        seen: dict[str, Any] = {"closed": world.listed()}
        world.invoice()
        seen["invoiced"] = (world.listed(), world.periods(), world.statements())
        world.push("500", "2026-11-05")
        world.run()
        seen["late"] = world.listed()
        world.invoice()
        world.push("100", "2026-11-05")
        world.run()
        seen["less"] = world.listed()
        world.invoice()
        seen["end"] = (world.listed(), world.listed("failed"), world.invoiced(), world.statements())
        assert made.failures == []
        return seen


def given_back(way: str) -> dict[str, Any]:
    """Delete the draft of the final invoice, or credit it; invoice again."""
    with service(START) as made:
        world = World(made)
        world.set_up()
        world.close()
        invoice = world.invoice(post=way != "delete_invoice")
        getattr(made.odoo, way)(invoice)
        world.run()
        world.run()
        seen: dict[str, Any] = {"listed": world.listed()}
        world.invoice()
        seen["end"] = (world.listed(), world.listed("failed"), world.invoiced())
        assert made.failures == []
        return seen


def nothing_due() -> dict[str, Any]:
    """End with less used than is included; have usage arrive after the period."""
    with service(START) as made:
        world = World(made)
        world.set_up()
        world.push("900", "2026-11-03")
        world.close()
        seen: dict[str, Any] = {"closed": (world.listed(), world.periods())}
        made.clock.now = datetime(2026, 12, 2, 3, tzinfo=UTC)
        world.run()
        world.run(hours=24 * 8)
        seen["later"] = (world.listed(), world.periods(), world.statements())
        world.push("350", "2026-11-05")
        world.run()
        seen["late"] = world.listed()
        world.invoice()
        world.run(hours=24 * 60)
        seen["end"] = (world.listed(), world.invoiced(), world.statements(), world.periods())
        assert made.failures == []
        return seen


def two_periods() -> dict[str, Any]:
    """Have Odoo invoice nothing, and end in the period after the open one."""
    with service(START) as made:
        world = World(made)
        world.set_up()
        made.clock.now = datetime(2026, 12, 5, 12, tzinfo=UTC)
        world.push("1500", "2026-12-03")
        world.close()
        seen: dict[str, Any] = {"closed": world.listed()}
        world.invoice()
        seen["next"] = world.listed()
        world.invoice()
        world.push("500", "2026-11-05")
        world.push("500", "2026-12-04")
        world.run()
        seen["late"] = sorted(world.listed())
        world.invoice()
        seen["end"] = (world.listed(), world.listed("failed"), world.invoiced(), world.statements())
        assert made.failures == []
        return seen


def reopened(rounds: int) -> dict[str, Any]:
    """Have it run again after its final invoice, and be invoiced by Odoo from then on."""
    with service(START) as made:
        world = World(made)
        world.set_up(fee=True)
        world.close()
        world.invoice()
        for number in range(rounds):
            world.push("300", f"2026-11-{5 + number:02}")
            world.run()
            world.invoice()
        made.odoo.write("sale.order", [41], {"subscription_state": "3_progress", "end_date": False})
        world.run()
        world.push("100", "2026-11-28")
        by_day = []
        invoice_dates = ("2026-12-01", "2027-01-01", "2027-02-01", "2027-03-01")
        for day in invoice_dates:
            at = datetime.fromisoformat(f"{day}T02:00:00+00:00")
            made.clock.now = max(made.clock.now, at)
            world.run(hours=2)
            made.odoo.invoice_period(41)
            by_day.append(world.invoiced())
            world.run(hours=2)
            world.push("1100", f"{day[:8]}10")
            world.run(hours=24 * 12)
        assert made.failures == []
        return {
            "invoiced": world.invoiced(),
            "by_day": by_day,
            "failed": world.listed("failed"),
            "periods": world.periods(),
            "statements": world.statements(),
        }


def seen_by_a_killed_run(kill: Kill | None) -> tuple[Any, int]:
    """Kill the synchronisation that sees a final invoice, then go on; return the end, and its calls."""
    with service(START) as made:
        world = World(made)
        world.set_up()
        world.close()
        made.odoo.invoice_order(41, post=True)
        made.clock.now += timedelta(hours=1)
        made.relay({"job": "sync", "full": True}, kill)
        calls = made.killer._calls
        world.push("500", "2026-11-05")
        made.relay({"job": "relay"})
        world.run()
        world.invoice()
        end = world.invoiced(), (*world.listed(),), (*world.listed("failed"),), len(world.periods())
        return end, calls


def killed() -> list[Any]:
    """Kill a synchronisation at each of its last calls: what it reads of Odoo comes before."""
    end, calls = seen_by_a_killed_run(None)
    kills = [Kill(call, after) for call in range(max(1, calls - 15), calls + 1) for after in (False, True)]
    return [end, *(seen_by_a_killed_run(kill)[0] for kill in kills)]


def api_kept() -> dict[str, Any]:
    """End a subscription that the API keeps, on an order without a state of Odoo's."""
    with service(START) as made:
        world = World(made)
        made.odoo.seed(DATABASE)
        made.odoo.seed({"sale.order": [{"id": 41, "partner_id": 6, "user_id": 2, "state": "sale"}]})
        must(made.call("PUT", "/v1/metrics/api_calls", METRIC))
        must(made.call("PUT", "/v1/charges/calls", CALLS))
        body = subscription_body(41, customer_name="A customer", start_date="2026-11-01")
        must(made.call("PUT", "/v1/subscriptions/41", body))
        world.push("1250", "2026-11-03")
        made.clock.now = NOVEMBER_20
        world.run()
        must(made.call("PATCH", "/v1/subscriptions/41", {"state": "6_churn"}))
        world.run()
        seen: dict[str, Any] = {"closed": world.listed()}
        draft = world.invoice(post=False)
        made.odoo.delete_invoice(draft)
        world.run()
        world.run()
        seen["deleted"] = world.listed()
        world.invoice()
        world.push("500", "2026-11-05")
        world.run()
        seen["late"] = world.listed()
        world.invoice()
        seen["end"] = (world.listed(), world.listed("failed"), world.invoiced(), world.statements())
        assert made.failures == []
        return seen


def played(scenario: Callable[..., Any], *arguments: Any) -> Any:
    with get_context("spawn").Pool(1) as pool:  # the whole service is patched: not in this process
        return pool.apply(scenario, arguments)


def test_late_usage_after_a_final_invoice_is_adjusted_and_listed_again_until_invoiced() -> None:
    seen = played(late_usage)
    assert seen["closed"] == [("1.00", NOVEMBER, None)]
    assert seen["invoiced"] == ([], [(NOVEMBER, "invoiced"), (DECEMBER, "open")], {NOVEMBER: "1.00"})
    assert seen["late"] == [("2.00", DECEMBER, NOVEMBER)]
    assert seen["less"] == [("-1.60", JANUARY, NOVEMBER)]
    totals = {NOVEMBER: "1.00", DECEMBER: "2.00", JANUARY: "-1.60"}
    assert seen["end"] == ([], [], Decimal("1.40"), totals)


def test_a_last_period_without_charges_is_closed_after_its_end() -> None:
    seen = played(nothing_due)
    assert seen["closed"] == ([], [(NOVEMBER, "open")])
    november = [(NOVEMBER, "invoiced"), (DECEMBER, "open")]
    assert seen["later"] == ([], november, {NOVEMBER: "0.00"})
    assert seen["late"] == [("1.00", DECEMBER, NOVEMBER)]
    totals = {NOVEMBER: "0.00", DECEMBER: "1.00"}
    periods = [*november[:1], (DECEMBER, "invoiced"), (JANUARY, "open")]
    assert seen["end"] == ([], Decimal("1.00"), totals, periods)


def test_what_was_used_after_the_period_that_odoo_left_out_is_for_a_second_final_invoice() -> None:
    seen = played(two_periods)
    assert seen["closed"] == [("1.00", NOVEMBER, None)]
    assert seen["next"] == [("2.00", DECEMBER, None)]
    assert seen["late"] == [("2.00", JANUARY, NOVEMBER), ("2.00", JANUARY, DECEMBER)]
    totals = {NOVEMBER: "1.00", DECEMBER: "2.00", JANUARY: "4.00"}
    assert seen["end"] == ([], [], Decimal("7.00"), totals)


@pytest.mark.parametrize("way", ["delete_invoice", "credit_invoice"])
def test_what_a_final_invoice_no_longer_bills_is_listed_again(way: str) -> None:
    seen = played(given_back, way)
    assert seen["listed"] == [("1.00", DECEMBER, NOVEMBER)]
    assert seen["end"] == ([], [], Decimal("1.00"))


def test_a_synchronisation_that_is_killed_at_a_final_invoice_closes_its_period_once() -> None:
    ends = played(killed)
    assert len(ends) > 20
    assert set(ends) == {(Decimal("3.00"), (), (), 3)}


def test_a_subscription_of_the_api_s_ends_in_the_same_way() -> None:
    seen = played(api_kept)
    assert seen["closed"] == [("1.00", NOVEMBER, None)]
    assert seen["deleted"] == [("1.00", DECEMBER, NOVEMBER)]
    assert seen["late"] == [("2.00", JANUARY, NOVEMBER)]
    totals = {NOVEMBER: "1.00", DECEMBER: "1.00", JANUARY: "2.00"}  # November's was made of the draft
    assert seen["end"] == ([], [], Decimal("3.00"), totals)


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_a_subscription_that_runs_again_is_billed_once_for_everything(rounds: int) -> None:
    seen = played(reopened, rounds)
    usage = Decimal("1.40") + rounds * Decimal("1.20") + 3 * Decimal("0.40")
    assert (seen["invoiced"], seen["failed"]) == (4 * 30 + usage, [])
    if not rounds:  # each period by the invoice at its end
        assert seen["by_day"] == [Decimal("31.40") + month * Decimal("30.40") for month in range(4)]
    assert sum(map(Decimal, seen["statements"].values())) <= seen["invoiced"]
    starts = [start for start, _ in seen["periods"]]
    assert starts == sorted({*starts})
