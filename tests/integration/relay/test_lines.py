"""Due lines go to Odoo, once each, to the cent; what can't fails, and what may is tried again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from functions.relay.partition_lease import LEASE
from fusion_billing.dynamodb.keys import line_partition
from fusion_billing.dynamodb.ratings.order_line_items import Put
from fusion_billing.instants import parse_instant
from fusion_billing.odoo.bulk_load import Loader
from fusion_billing.odoo.client import CALL_SECONDS

pytestmark = pytest.mark.integration


def held(row: dict[str, Any]) -> tuple[Decimal, Decimal, Decimal]:
    return tuple(Decimal(str(row[name])) for name in ("product_uom_qty", "price_unit", "price_subtotal"))  # type: ignore[return-value]


def test_a_due_line_is_put_onto_its_order_and_read_back(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    statistics = world.run()
    [row] = world.in_odoo(41)
    assert held(row) == (Decimal(250), Decimal("0.004"), Decimal(1))
    line = world.line(key).line
    assert (line.state, line.version, line.amount, line.id) == ("sent", 1, Decimal("1.00"), row["id"])
    assert statistics["sent"] == 1
    [(event, data)] = world.heard.events
    assert (event, data["odoo_line_id"], data["quantity"], data["unit_price"]) == (
        "line.upserted",
        row["id"],
        "250",
        "0.004",
    )


def test_what_is_sent_costs_no_further_call(world: Any) -> None:
    world.orders(41)
    world.rate(41)
    world.run()
    calls = len(world.admin.calls())
    world.later(minutes=2)
    assert world.run()["sent"] == 0
    assert len(world.admin.calls()) == calls


def test_a_new_version_that_makes_the_same_line_costs_no_load(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.run()
    world.rate(41, price_versions=["2026-11-01"])
    assert world.run()["unchanged"] == 1
    assert world.loads() == 1
    assert (world.line(key).line.state, world.line(key).line.version) == ("sent", 2)


def test_a_newer_version_changes_the_same_line(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.run()
    world.rate(41, "2.37", overage_units="300", steps=[{"units": "300", "unit_amount": "0.0079", "amount": "2.37"}])
    world.run()
    [row] = world.in_odoo(41)
    assert held(row) == (Decimal(300), Decimal("0.0079"), Decimal("2.37"))
    assert world.line(key).line.version == 2


def test_an_amount_that_quantity_and_price_cannot_express_is_sent_as_one_unit_at_the_amount(world: Any) -> None:
    world.orders(41)
    world.rate(41, "4.94", steps=[{"units": "1234.567", "unit_amount": "0.004", "amount": "4.938268"}])
    world.run()
    [row] = world.in_odoo(41)
    assert held(row) == (Decimal(1), Decimal("4.94"), Decimal("4.94"))
    assert "1234.567 × 0.004 = 4.94 USD" in row["name"]  # noqa: RUF001


def test_quantities_use_as_many_digits_as_the_database_stores(world: Any) -> None:
    world.admin.set_precision("Product Unit", 3)
    world.orders(41)
    world.rate(41, "98.73", steps=[{"units": "1234.125", "unit_amount": "0.08", "amount": "98.73"}])
    world.run()
    assert held(world.in_odoo(41)[0]) == (Decimal("1234.125"), Decimal("0.08"), Decimal("98.73"))


def test_a_quantity_that_odoo_rounds_is_repaired_as_one_unit_at_the_amount(world: Any) -> None:
    world.orders(41, 42)
    world.rate(41)
    relay = world.relay()
    relay.run()
    world.admin.set_precision("Product Unit", 0)  # while the relay still believes in two digits
    world.rate(42, "49.42", steps=[{"units": "1235.5", "unit_amount": "0.04", "amount": "49.42"}])
    relay.run()
    assert held(world.in_odoo(42)[0]) == (Decimal(1), Decimal("49.42"), Decimal("49.42"))


def test_a_rating_of_zero_creates_no_line(world: Any) -> None:
    world.orders(41)
    key = world.rate(41, "0.00")
    assert world.run()["unchanged"] == 1
    world.rate(41, "0.00", units="900")
    assert world.run()["unchanged"] == 1
    assert world.in_odoo(41) == []
    assert world.line(key).line.state == "sent"


def test_a_line_whose_amount_becomes_zero_gets_a_quantity_of_zero(world: Any) -> None:
    world.orders(41)
    world.rate(41)
    world.run()
    key = world.rate(41, "0.00")
    world.run()
    [row] = world.in_odoo(41)
    assert held(row)[0::2] == (Decimal(0), Decimal(0))
    assert world.line(key).line.amount == 0


def test_a_credit_is_one_unit_at_a_negative_price(world: Any) -> None:
    world.orders(41)
    world.rate(
        41,
        "-0.80",
        corrected=datetime.fromisoformat("2026-10-01T00:00:00+00:00"),
        corrects={
            "period_start": "2026-10-01T00:00:00Z",
            "period_end": "2026-11-01T00:00:00Z",
            "amount": "4.20",
            "invoiced_amount": "5.00",
            "steps": [],
        },
    )
    world.run()
    [row] = world.in_odoo(41)
    assert held(row) == (Decimal(1), Decimal("-0.8"), Decimal("-0.8"))
    assert "Correction of 2026-10-01 to 2026-10-31: 4.20 - 5.00 = -0.80 USD" in row["name"]


def test_a_line_is_described_in_the_language_of_the_customer_if_the_charge_has_it(world: Any) -> None:
    world.orders(41, partner_id=9)
    world.orders(42)
    for number in (41, 42):
        world.rate(number, names={"de": "API-Aufrufe"})
    world.run()
    assert world.in_odoo(41)[0]["name"].startswith("API-Aufrufe, 2026-11-01 bis 2026-11-30")
    assert world.in_odoo(42)[0]["name"].startswith("API calls, 2026-11-01 to 2026-11-30")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"locked": True}, "order_locked"),
        ({"state": "cancel"}, "order_cancelled"),
        ({"currency_id": 2}, "currency_differs"),
        (None, "record_missing"),
    ],
)
def test_an_order_that_can_t_take_the_line_fails_it_and_none_is_made(
    world: Any, fault: dict[str, Any] | None, code: str
) -> None:
    world.orders(40)
    if fault is not None:
        world.orders(41, **fault)
    key = world.rate(41)
    assert world.run()["failed"] == 1
    assert world.in_odoo(41) == []
    line = world.line(key).line
    assert (line.state, line.error) == ("failed", code)
    assert [(event, data["reason"]) for event, data in world.heard.events] == [("line.failed", code)]
    world.later(hours=3)
    world.run()
    assert world.loads() == 0


def test_a_missing_product_fails_the_line(world: Any) -> None:
    world.orders(41)
    key = world.rate(41, odoo_product_id=99)
    world.run()
    assert (world.line(key).line.state, world.line(key).line.error) == ("failed", "record_missing")


def test_an_order_locked_between_two_versions_keeps_its_line_and_fails_the_newer_one(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.run()
    world.admin.write("sale.order", [41], {"locked": True})
    world.rate(41, "2.00")
    world.run()
    line = world.line(key).line
    assert (line.state, line.error, line.amount) == ("failed", "order_locked", Decimal("1.00"))
    assert held(world.in_odoo(41)[0])[2] == 1


def test_a_rejected_row_does_not_fail_the_other_rows_of_its_batch(world: Any) -> None:
    world.line_partitions = 1
    world.orders(*range(100, 200))
    keys = [world.rate(number, odoo_product_id=99 if number == 157 else 7) for number in range(100, 200)]
    statistics = world.run()
    assert (statistics["sent"], statistics["failed"]) == (99, 1)
    assert [call["rows"] for call in world.admin.calls("sale.order.line", "load")] == [100, 99, 1]
    states = {key.subscription: world.line(key).line.state for key in keys}
    assert states.pop("157") == "failed"
    assert set(states.values()) == {"sent"}


@pytest.mark.parametrize("kind", ["serialization", "load_serialization"])
def test_a_serialization_failure_of_either_shape_is_tried_again_at_once(world: Any, kind: str) -> None:
    world.orders(41)
    key = world.rate(41)
    world.admin.fault(kind, 2, method="load")
    assert world.run()["sent"] == 1
    assert world.line(key).line.state == "sent"
    assert len(world.in_odoo(41)) == 1
    assert world.pauses == [0.3, 0.6]


def test_a_line_that_keeps_failing_is_postponed_and_sent_later(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.admin.fault("load_serialization", 3, method="load")
    assert world.run()["postponed"] == 1
    line = world.line(key).line
    assert (line.state, line.error, line.attempt_count) == ("due", "serialization_failure", 1)
    assert world.run()["sent"] == 0
    world.later(seconds=31)
    assert world.run()["sent"] == 1


def test_a_lost_response_is_retried_without_creating_a_second_line(world: Any) -> None:
    world.orders(41)
    world.rate(41)
    world.admin.fault("lost", method="load")
    assert world.run()["sent"] == 1
    assert len(world.in_odoo(41)) == 1


def test_after_a_timeout_the_partition_pauses_and_the_same_load_resolves_it(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.admin.fault("slow", method="load", delay=7)
    world.seconds = 5.5
    assert world.run()["postponed"] == 1
    assert world.line(key).line.error == "timed_out"
    world.later(seconds=60)
    assert world.run("run-2")["sent"] == 0
    world.later(seconds=61)
    assert world.run("run-2")["sent"] == 1
    assert len(world.in_odoo(41)) == 1
    assert world.admin.overlaps() == []


def test_a_line_with_an_unknown_result_is_set_to_zero_if_its_amount_becomes_zero(world: Any) -> None:
    world.orders(41)
    world.rate(41)
    world.admin.fault("slow", method="load", delay=7)
    world.seconds = 5.5
    world.run()
    world.rate(41, "0.00")
    world.later(seconds=121)
    world.wait_for(lambda: world.in_odoo(41))  # Odoo was still at work on the call
    world.run("run-2")
    assert held(world.in_odoo(41)[0])[2] == 0


def test_when_odoo_asks_for_a_pause_the_run_ends_and_the_lines_wait_for_it(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.admin.fault("status", status=429, retry_after=90, method="load")
    assert world.run()["postponed"] == 1
    world.later(seconds=60)
    assert world.run()["sent"] == 0
    world.later(seconds=31)
    assert world.run()["sent"] == 1
    assert world.line(key).line.attempt_count == 0


def test_the_circuit_opens_when_odoo_is_down_and_closes_by_one_probe(world: Any) -> None:
    world.orders(*range(41, 61))
    keys = [world.rate(number) for number in range(41, 61)]
    world.server.down()
    assert world.run().waiting
    assert {world.line(key).line.attempt_count for key in keys} == {0}
    assert world.run("run-2").waiting
    world.later(seconds=21)
    assert world.run("run-3").waiting  # the probe, which failed: the pause is longer now
    world.later(seconds=21)
    world.server.up()
    assert world.run("run-4").waiting
    world.later(seconds=20)
    assert world.run("run-5")["sent"] == 20
    assert world.circuit.failures() == 0


def test_three_unknown_outcomes_in_a_row_open_the_circuit(world: Any) -> None:
    world.orders(*range(41, 61))
    for number in range(41, 61):
        world.rate(number)
    world.admin.fault("status", 100, status=502)
    assert world.run().waiting
    assert len(world.admin.calls()) <= 12


def test_a_key_that_is_refused_stops_the_run_and_leaves_all_lines_due(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.admin.expire_key("relay-key")
    statistics = world.run()
    assert statistics.alarm == "odoo_key_rejected"
    assert (world.line(key).line.state, world.line(key).line.attempt_count) == ("due", 0)
    world.admin.add_key("relay", "relay-key-2")
    world.key = "relay-key-2"
    assert world.run()["sent"] == 1


def test_a_user_who_sees_no_order_at_all_is_an_alarm_and_not_a_missing_order(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.key = "own-key"
    assert world.run().alarm == "odoo_no_rights"
    assert world.line(key).line.state == "due"


def test_a_user_without_rights_on_sales_is_an_alarm(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.key = "nobody-key"
    assert world.run().alarm == "odoo_no_rights"
    assert world.line(key).line.state == "due"


def test_a_document_that_can_t_be_read_fails_and_the_rest_is_sent(world: Any) -> None:
    world.orders(41, 42)
    broken, good = world.rate(41, odoo_product_id=None), world.rate(42)
    world.run()
    assert world.line(broken).line.error == "rating_unreadable"
    assert world.line(good).line.state == "sent"


def test_a_line_that_odoo_has_invoiced_is_left_alone_until_the_period_closes(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.run()
    world.admin.invoice_period(41)
    world.rate(41, "2.00")
    statistics = world.run()
    assert statistics.invoiced == {41}
    assert held(world.in_odoo(41)[0])[2] == 1
    line = world.line(key).line
    assert (line.state, line.error, line.amount) == ("due", "line_invoiced", Decimal("1.00"))


def invoice_during_the_first_load(world: Any, monkeypatch: pytest.MonkeyPatch, *, before: bool) -> None:
    """Have Odoo invoice order 41 just before the next load, or just after it."""
    load = Loader.load
    waiting = [41]

    def raced(self: Loader, rows: Any, columns: Any) -> Any:
        if before and waiting:
            world.admin.invoice_period(waiting.pop())
        results = load(self, rows, columns)
        if waiting:
            world.admin.invoice_period(waiting.pop())
        return results

    monkeypatch.setattr(Loader, "load", raced)


@pytest.mark.parametrize("before", [True, False])
def test_an_invoice_during_a_change_bills_each_amount_exactly_once(
    world: Any, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    world.orders(41)
    key = world.rate(41)
    world.run()
    world.rate(41, "2.00", steps=[{"units": "500", "unit_amount": "0.004", "amount": "2"}])
    invoice_during_the_first_load(world, monkeypatch, before=before)
    statistics = world.run()
    fields = ["product_uom_qty", "qty_invoiced", "qty_to_invoice"]
    [row] = world.admin.read("sale.order.line", [["order_id", "=", 41]], fields)
    assert row["qty_to_invoice"] == 0
    assert row["qty_invoiced"] == (250 if before else 500)
    stored = world.lines.get(key)
    assert stored.sent_amount == Decimal("1.00" if before else "2.00")
    assert statistics.invoiced == ({41} if before else set())


@pytest.mark.parametrize("before", [True, False])
def test_the_billed_amount_is_read_from_an_invoice_posted_during_a_price_change(
    world: Any, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    world.orders(41)
    key = world.rate(41)
    world.run()
    world.rate(41, "2.00", steps=[{"units": "250", "unit_amount": "0.008", "amount": "2"}])
    invoice_during_the_first_load(world, monkeypatch, before=before)
    assert world.run().invoiced == {41}
    assert held(world.in_odoo(41)[0])[0] == 250
    world.ratings.freeze(world.line(key))
    world.run()
    assert world.line(key).billed == Decimal(1 if before else 2)


def test_a_frozen_rating_is_not_sent(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.ratings.freeze(world.line(key))
    world.run()
    assert world.in_odoo(41) == []


def test_a_line_whose_period_was_invoiced_while_it_was_on_its_way_is_noted_and_rated_again(
    world: Any,
) -> None:
    world.orders(41)
    key = world.rate(41)
    relay = world.relay()

    def freeze(*_: Any, **__: Any) -> Any:
        world.ratings.freeze(world.line(key))
        return world.heard.nothing

    world.heard.prepare = freeze
    assert relay.run()["overtaken"] == 1
    line = world.line(key)
    assert (line.frozen, line.line.state, line.billed) == (True, "sent", Decimal("1.00"))
    assert set(world.rerated) == {"41"}


def test_a_version_overtaken_on_its_way_stays_due_and_what_odoo_holds_is_known(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    store = world.lines
    [line], _ = store.due(int(store.get(key).line_partition[-2:]), world.now, 10)
    world.rate(41, "2.00")
    assert store.sent(line, Put(901, 41, "1.00", "digest"), world.now) == "overtaken"
    now = world.line(key).line
    assert (now.state, now.version, now.amount, now.id) == ("due", 1, Decimal("1.00"), 901)


def test_two_relays_at_once_are_never_at_one_order_together(world: Any) -> None:
    world.orders(*range(101, 121))
    for number in range(101, 121):
        for charge in ("api_calls", "storage", "seats"):
            world.rate(number, charge=charge)
    world.admin.latency(0.02, 0.002)
    relays = [world.relay(f"run-{number}") for number in range(4)]
    world.together(*[relay.run for relay in relays])
    world.run("the-last")
    assert world.admin.overlaps() == []
    assert all(len(world.in_odoo(number)) == 3 for number in range(101, 121))
    assert not any(call["outcome"] != "ok" for call in world.admin.calls())


def test_lines_that_were_stored_with_fewer_partitions_are_moved_and_sent(world: Any) -> None:
    orders = range(41, 61)
    world.orders(*orders)
    world.line_partitions = 3
    for order in orders:
        world.rate(order)
    world.line_partitions = 8
    for order in orders:
        world.rate(order, charge="storage")
    tallies = [world.run() for _ in range(3)]  # the lines of an order are listed under one partition at a time
    assert sum(statistics["sent"] for statistics in tallies) == 40
    assert tallies[0]["moved"] > 0
    assert not world.admin.overlaps()
    assert all(len(world.in_odoo(order)) == 2 for order in orders)


def test_the_lines_of_one_order_go_in_one_call(world: Any) -> None:
    world.orders(41)
    for charge in ("api_calls", "storage", "seats"):
        world.rate(41, charge=charge)
    world.run()
    assert [call["rows"] for call in world.admin.calls("sale.order.line", "load")] == [3]


def test_a_run_short_of_time_leaves_the_rest_due(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.run(remaining=lambda: 19.0)
    assert world.line(key).line.state == "due"
    assert world.loads() == 0


@pytest.mark.parametrize("world", ["17.0", "18.0", "19.0"], indirect=True)
@pytest.mark.parametrize("protocol", ["jsonrpc", "xmlrpc"])
def test_the_older_protocols_do_the_same(world: Any, protocol: str) -> None:
    world.protocol = protocol
    world.orders(41, 43)
    world.orders(42, locked=True)
    good, locked, missing = world.rate(41), world.rate(42), world.rate(43, odoo_product_id=99)
    world.admin.fault("load_serialization", method="load")
    world.run()
    assert world.line(good).line.state == "sent"
    assert held(world.in_odoo(41)[0])[2] == 1
    assert world.line(locked).line.error == "order_locked"
    assert world.line(missing).line.error == "record_missing"
    world.admin.expire_key("relay-key")
    world.rate(41, "2.00")
    assert world.run().alarm == "odoo_key_rejected"


@pytest.mark.parametrize("world", ["17.0", "18.0"], indirect=True)
def test_an_odoo_that_rounds_prices_gets_one_at_the_amount(world: Any) -> None:
    world.protocol = "jsonrpc"
    world.orders(41)
    world.rate(41)
    world.run()
    [row] = world.in_odoo(41)
    assert held(row) == (Decimal(1), Decimal(1), Decimal(1))
    assert "250 × 0.004 = 1.00 USD" in row["name"]  # noqa: RUF001


@pytest.mark.parametrize("world", ["17.0"], indirect=True)
@pytest.mark.parametrize("protocol", ["jsonrpc", "xmlrpc"])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "serialization", "times": 2},
        {"kind": "load_serialization", "times": 2},
        {"kind": "lost"},
        {"kind": "status", "status": 502},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_errors_are_classified_over_the_older_protocols(world: Any, protocol: str, fault: dict[str, Any]) -> None:
    world.protocol = protocol
    world.orders(41)
    world.rate(41)
    world.admin.fault(**fault, method="load")
    assert world.run()["sent"] == 1
    assert len(world.in_odoo(41)) == 1


@pytest.mark.parametrize("protocol", ["json2", "jsonrpc", "xmlrpc"])
def test_a_wrong_database_is_an_alarm_over_every_protocol(world: Any, protocol: str) -> None:
    world.protocol = protocol
    world.database = "nope"
    world.orders(41)
    world.rate(41)
    assert world.run().alarm == "odoo_wrong_database"


class Slow:
    """A wire on which each call takes a while of the world's time; notes how long order 41's lease lasts."""

    def __init__(self, world: Any, wire: Any, seconds: float) -> None:
        self.world, self.wire, self.seconds = world, wire, seconds
        self.left: list[timedelta] = []

    def call(self, *arguments: Any) -> Any:
        key = {"pk": {"S": f"LEASE#LANE#{line_partition(41, self.world.line_partitions):02d}"}}
        lease = self.world.dynamodb.get_item(TableName=self.world.tables.state, Key=key)["Item"]
        self.left.append(parse_instant(lease["until"]["S"]) - self.world.now)
        self.world.later(seconds=self.seconds)
        return self.wire.call(*arguments)


def test_a_lease_lasts_twice_as_long_as_any_call_made_under_it(world: Any) -> None:
    world.orders(41)
    world.rate(41)
    relay = world.relay()
    relay.dependencies.odoo._wire = slow = Slow(world, relay.dependencies.odoo._wire, seconds=35)

    assert relay.run()["sent"] == 1
    assert len(slow.left) * 35 > LEASE.total_seconds(), "it had to be renewed"
    assert min(slow.left[1:]) >= timedelta(seconds=2 * world.seconds)


def test_a_partition_whose_lease_expired_is_left_to_the_run_that_holds_it(world: Any) -> None:
    world.orders(41)
    world.rate(41)
    relay = world.relay()
    relay.dependencies.odoo._wire = Slow(world, relay.dependencies.odoo._wire, seconds=LEASE.total_seconds() + 1)

    assert not any(relay.run().as_dict().values())
    assert world.loads() == 0
    assert world.run("run-2")["sent"] == 1


def test_a_lease_outlasts_every_call_under_it() -> None:
    assert 2 * timedelta(seconds=CALL_SECONDS) < LEASE


def test_a_new_line_is_last_in_its_order_and_stays_where_a_user_moves_it(world: Any) -> None:
    world.orders(41)
    lines = [{"id": 900, "order_id": 41, "name": "Usage", "display_type": "line_section", "sequence": 40}]
    world.admin.seed({"sale.order.line": lines})
    for charge in ("api_calls", "storage"):
        world.rate(41, charge=charge)
    world.run()
    rows = world.admin.read("sale.order.line", [["order_id", "=", 41]], ["sequence"])
    assert [row["sequence"] for row in rows] == [40, 41, 42]
    world.admin.write("sale.order.line", [rows[1]["id"]], {"sequence": 5})
    world.rate(41, "2.37", steps=[])
    world.rate(41, charge="seats")
    world.run()
    rows = world.admin.read("sale.order.line", [["order_id", "=", 41]], ["sequence"])
    assert [row["sequence"] for row in rows] == [40, 5, 42, 43]


def test_a_charge_s_analytic_distribution_is_written_with_its_line(world: Any) -> None:
    world.orders(41)
    world.rate(41, analytic_distribution={"12": "60.5", "31,7": "39.5"})
    world.rate(41, charge="storage")
    world.run()
    rows = world.admin.read("sale.order.line", [["order_id", "=", 41]], ["analytic_distribution"])
    distributions = [row["analytic_distribution"] for row in rows]
    assert {"12": Decimal("60.5"), "31,7": Decimal("39.5")} in [
        {key: Decimal(str(value)) for key, value in (one or {}).items()} for one in distributions
    ]
    assert False in distributions
    world.rate(41, analytic_distribution={"12": "100"})
    world.run()
    rows = world.admin.read("sale.order.line", [["order_id", "=", 41]], ["analytic_distribution"])
    assert {"12": 100} in [row["analytic_distribution"] for row in rows]


def test_lines_go_onto_an_ordinary_order_of_an_odoo_without_subscriptions(
    world: Any, without_subscriptions: Callable[[], None]
) -> None:
    world.orders(41, is_subscription=False, subscription_state=None, plan_id=None, next_invoice_date=None)
    without_subscriptions()
    key = world.rate(41)
    world.run()
    assert world.line(key).line.state == "sent"
    assert world.admin.invoice_order(41)["amount_untaxed"] == 1
