"""Due order lines reach Odoo once, and every result is written, whatever happens on the way."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from functions.relay.batch_results import UNRESOLVED_FOR
from functions.relay.line_results import MAX_ATTEMPTS
from functions.relay.partition_lease import LEASE
from local.odoo.models.lines import Line
from local.odoo.state import Record
from tests.fakes.relay_world import PARTITION, RelayWorld


@pytest.fixture
def world() -> RelayWorld:
    world = RelayWorld()
    world.odoo.order(42)
    return world


def test_a_due_line_is_sent_and_reported(world: RelayWorld) -> None:
    world.rate()
    assert world.run()["sent"] == 1
    assert world.odoo.subtotals(42) == ["1.00"]
    line = world.line()
    assert (line.state, line.sent_version, line.sent_amount, line.intent) == ("sent", 1, Decimal("1.00"), None)
    [event] = world.outbox.data_of("line.upserted")
    assert (event["odoo_line_id"], event["quantity"], event["unit_price"]) == (line.odoo_id, "250", "0.004")
    assert len(world.lines.events) == len(world.outbox.woken_up_for) == 1
    assert world.leases.held == {}


def test_a_sent_line_costs_no_further_call(world: RelayWorld) -> None:
    world.rate()
    world.run()
    calls = len(world.odoo.calls)
    assert world.run()["sent"] == 0
    assert len(world.odoo.calls) == calls


def test_a_new_version_of_the_same_line_costs_no_load(world: RelayWorld) -> None:
    world.rate()
    world.run()
    world.rate(fields={"price_versions": ["2026-11-01"]})
    assert world.run()["unchanged"] == 1
    assert (world.odoo.loads(), world.line().sent_version) == (1, 2)


def test_a_new_amount_changes_the_same_line(world: RelayWorld) -> None:
    world.rate()
    world.run()
    world.rate(amount="2.37")
    world.run()
    assert world.odoo.subtotals(42) == ["2.37"]


def test_a_line_of_nothing_makes_no_order_line(world: RelayWorld) -> None:
    world.rate(amount="0.00")
    assert world.run()["unchanged"] == 1
    assert (world.odoo.lines(42), world.line().state) == ([], "sent")


def test_a_line_on_a_cancelled_order_fails(world: RelayWorld) -> None:
    world.odoo.admin.write("sale.order", [42], {"state": "cancel"})
    world.rate()
    assert world.run()["failed"] == 1
    line = world.line()
    assert (line.state, line.error) == ("failed", "order_cancelled")
    assert [event["reason"] for event in world.outbox.data_of("line.failed")] == ["order_cancelled"]


def test_an_unreadable_document_fails_without_an_event(world: RelayWorld) -> None:
    world.rate(fields={"units": "many"})
    assert world.run()["failed"] == 1
    assert (world.line().state, world.outbox.events) == ("failed", [])


def test_a_line_is_postponed_for_longer_each_time_and_fails_at_last(world: RelayWorld) -> None:
    world.odoo.admin.fault("serialization", times=1000, method="load")
    world.rate()
    pauses = []
    for _ in range(MAX_ATTEMPTS):
        assert world.line().state == "due"
        world.run()
        pauses.append(world.line().at)
        world.circuit.succeeded()
        world.later(hours=2)
    assert pauses == sorted(pauses)
    assert (world.line().state, world.odoo.lines(42)) == ("failed", [])


def test_a_lost_result_is_resolved_before_the_next_call(world: RelayWorld) -> None:
    world.rate()
    world.odoo.admin.fault("lost", times=3, method="load")
    assert world.run()["postponed"] == 1
    line = world.line()
    assert line.intent is not None
    assert line.is_unresolved
    world.rate(amount="2.37")
    assert world.run()["sent"] == 0  # Odoo may still be processing the call
    world.later(seconds=UNRESOLVED_FOR.total_seconds())
    assert world.run()["sent"] == 1
    assert world.odoo.subtotals(42) == ["2.37"]
    assert world.line().intent is None


def test_a_lost_result_that_odoo_has_invoiced_is_not_written_over(world: RelayWorld) -> None:
    world.rate(amount="99.50")
    world.odoo.admin.fault("lost", times=3, method="load")
    world.run()
    world.later(minutes=10)
    world.odoo.admin.invoice_period(42)
    world.rate(amount="2.37")
    statistics = world.run()
    assert (statistics["postponed"], statistics.invoiced) == (1, {42})
    assert world.odoo.subtotals(42) == ["99.50"]


def test_a_partition_stays_leased_while_odoo_may_process_a_call(world: RelayWorld) -> None:
    world.rate()
    world.odoo.admin.fault("slow", method="load", delay=45.0)
    world.run()
    assert world.leases.held[PARTITION] > world.clock.now
    assert world.line().intent is not None
    assert world.run()["sent"] == 0
    world.later(minutes=10)
    world.run()
    assert world.odoo.subtotals(42) == ["1.00"]
    assert world.line().state == "sent"


def test_an_amount_that_comes_out_otherwise_is_taken_back(world: RelayWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.rate()
    world.run()
    subtotal = Line._compute_price_subtotal

    def without_tax(self: Line, record: Record) -> Decimal:
        whole = Decimal(subtotal(self, record))
        return (whole / Decimal("1.2")).quantize(Decimal("0.01")) if whole > Decimal("1.5") else whole

    monkeypatch.setattr(Line, "_compute_price_subtotal", without_tax)
    monkeypatch.setattr(Line, "_compute_price_total", subtotal)
    world.rate(amount="6.00")
    assert world.run()["failed"] == 1
    assert (world.line().error, world.line().sent_amount) == ("tax_differs", Decimal("1.00"))
    assert world.odoo.subtotals(42) == ["1.00"]


def test_a_line_that_moves_to_another_order_is_emptied_on_the_former_one(world: RelayWorld) -> None:
    world.odoo.order(43)
    world.rate()
    world.run()
    world.rate(order=43)
    assert world.run()["retired"] == 1
    assert world.run()["sent"] == 1
    assert (world.odoo.subtotals(42), world.odoo.subtotals(43)) == (["0.00"], ["1.00"])


def test_a_version_that_was_overtaken_is_not_sent(world: RelayWorld) -> None:
    world.rate()
    world.odoo.before_call = partial(world.rate, amount="2.37")
    assert world.run()["overtaken"] == 1
    assert world.run()["sent"] == 1
    assert world.odoo.subtotals(42) == ["2.37"]


def test_a_result_that_the_table_refuses_is_written_by_the_next_run(world: RelayWorld) -> None:
    world.rate()
    world.lines.is_throttled = True
    assert world.run()["not_written"] == 1
    world.lines.is_throttled = False
    assert world.run()["sent"] == 1
    assert world.odoo.subtotals(42) == ["1.00"]


def test_nothing_is_sent_while_the_circuit_is_open(world: RelayWorld) -> None:
    world.rate()
    world.odoo.is_down = True
    assert world.run().waiting
    world.odoo.is_down = False
    assert world.run().waiting
    assert (world.odoo.calls, world.line().attempt_count) == ([], 0)
    world.later(minutes=1)
    assert world.run()["sent"] == 1
    assert world.circuit.failures() == 0


def test_a_failed_probe_opens_the_circuit_for_longer(world: RelayWorld) -> None:
    world.rate()
    world.odoo.is_down = True
    world.run()
    world.later(minutes=1)
    assert world.run().waiting
    assert world.circuit.failures() == 2


def test_an_error_of_the_configuration_is_an_alarm_and_postpones_nothing(world: RelayWorld) -> None:
    world.odoo.admin.revoke_key("relay-key")
    world.rate()
    assert world.run().alarm
    assert (world.line().state, world.line().attempt_count) == ("due", 0)


def test_a_partition_that_another_run_holds_is_left_to_it(world: RelayWorld) -> None:
    world.rate()
    world.leases.of_another_owner().take(PARTITION, world.clock.now, world.clock.now + LEASE)
    assert world.run()["sent"] == 0
    assert world.odoo.calls == []


def test_a_run_that_lost_its_lease_sends_nothing(world: RelayWorld) -> None:
    world.rate()
    world.odoo.before_call = lambda: world.clock.sleep(LEASE.total_seconds())
    assert world.run()["sent"] == 0
    assert (world.odoo.loads(), world.line().state) == (0, "due")


def test_a_run_without_time_left_sends_nothing(world: RelayWorld) -> None:
    world.rate()
    world.seconds_left = 19.0
    assert world.run()["sent"] == 0
    assert (world.odoo.loads(), world.line().state) == (0, "due")


def test_an_invoice_is_read_once_its_period_is_closed(world: RelayWorld) -> None:
    key = world.rate()
    world.run()
    world.odoo.admin.invoice_period(42)
    world.lines.freeze(key, world.clock.now)
    assert world.run()["invoices_read"] == 1
    assert (world.line().billed, world.line().billed_state, world.rerated) == (Decimal("1.00"), "posted", ["42"])
    assert world.run()["invoices_read"] == 0
    world.later(days=1)
    assert world.run()["invoices_read"] == 1
    assert world.rerated == ["42"]


def test_a_credited_invoice_stands_on_the_order_again(world: RelayWorld) -> None:
    key = world.rate()
    world.run()
    invoice = world.odoo.admin.invoice_period(42)["invoice"]
    world.lines.freeze(key, world.clock.now)
    world.run()
    world.odoo.admin.credit_invoice(invoice)
    world.clock.sleep(timedelta(days=2).total_seconds())
    world.run()
    assert (world.line().billed, world.line().billed_state) == (Decimal("1.00"), "pending")


def test_the_result_of_a_frozen_rating_is_found_before_its_invoice_is_read(world: RelayWorld) -> None:
    key = world.rate(amount="99.50")
    world.odoo.admin.fault("lost", times=3, method="load")
    world.run()
    world.later(minutes=10)
    world.odoo.admin.invoice_period(42)
    world.lines.freeze(key, world.clock.now)
    world.run()
    assert (world.line().billed, world.line().intent) == (Decimal("99.50"), None)
