"""A line that does not come out as rated is taken back; one that would not be invoiced is not called sent."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from fusion_billing.errors import Unavailable
from fusion_billing.odoo.line_rollback import LineRollback
from fusion_billing.odoo_lines.quantity_and_price import Precision, Unrepresentable, one_at_amount
from local.odoo.models.lines import Line
from tests.integration.relay.conftest import START

pytestmark = pytest.mark.integration

DELIVERED = 20


def form(world: Any, order: int = 41) -> Any:
    return [(Decimal(str(row["product_uom_qty"])), Decimal(str(row["price_subtotal"]))) for row in world.in_odoo(order)]


@pytest.fixture
def taxed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Include a tax of 20 % in the price of what comes to more than 1.50."""
    subtotal = Line._compute_price_subtotal

    def without_tax(self: Line, record: Any) -> Decimal:
        whole = subtotal(self, record)
        return (whole / Decimal("1.2")).quantize(Decimal("0.01")) if whole > Decimal("1.5") else whole

    monkeypatch.setattr(Line, "_compute_price_subtotal", without_tax)
    monkeypatch.setattr(Line, "_compute_price_total", subtotal)


@pytest.mark.usefixtures("taxed")
def test_a_new_line_that_comes_out_otherwise_goes_to_zero_and_its_cause_is_named(world: Any) -> None:
    world.orders(41)
    key = world.rate(41, "6.00")
    assert world.run()["failed"] == 1
    assert form(world) == [(0, 0)]
    stored = world.lines.get(key)
    assert (stored.error, stored.sent_amount) == ("tax_differs", 0)
    assert "a tax is included in the price, 5 without and 6 with it" in stored.message
    assert "it was set to a quantity of 0" in stored.message


@pytest.mark.usefixtures("taxed")
def test_a_changed_line_that_comes_out_otherwise_is_what_it_was_before(world: Any) -> None:
    world.orders(41)
    key = world.rate(41)
    world.run()
    world.rate(41, "6.00")
    world.run()
    assert form(world) == [(250, 1)]
    stored = world.lines.get(key)
    assert (stored.state, stored.sent_amount) == ("failed", Decimal("1.00"))
    assert "it was set back to 250 at 0.004" in stored.message
    world.admin.invoice_period(41)
    world.ratings.freeze(world.line(key))
    world.run()
    assert world.line(key).billed == Decimal("1.00")


@pytest.mark.usefixtures("taxed")
def test_a_line_that_cannot_be_rolled_back_raises_an_alarm_and_counts_as_invoiced(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LineRollback, "_write", lambda *_: None)
    world.orders(41)
    key = world.rate(41, "6.00")
    assert world.run().alarm == "line_not_taken_back"
    stored = world.lines.get(key)
    assert "it could not be rolled back" in stored.message
    world.admin.invoice_period(41)
    world.ratings.freeze(world.line(key))
    world.run()
    [invoiced] = world.admin.read("account.move.line", [], ["price_subtotal"])
    assert world.line(key).billed == invoiced["price_subtotal"] != 0


def test_a_product_invoiced_by_what_is_delivered_gets_its_delivered_quantity(world: Any) -> None:
    world.admin.seed({"product.product": [{"id": DELIVERED, "name": "Hours", "invoice_policy": "delivery"}]})
    world.orders(41, 42)
    relay = world.relay()
    for number in (41, 42):
        world.rate(number, odoo_product_id=DELIVERED)
        relay.run()
    fields = ["qty_delivered", "qty_to_invoice"]
    rows = world.admin.read("sale.order.line", [], fields)
    assert [(row["qty_delivered"], row["qty_to_invoice"]) for row in rows] == [(250, 250)] * 2
    assert world.loads() == 3, "what was found out about the product is remembered"
    world.rate(41, "0.00", odoo_product_id=DELIVERED)
    relay.run()
    [row] = world.admin.read("sale.order.line", [["order_id", "=", 41]], fields)
    assert (row["qty_delivered"], row["qty_to_invoice"]) == (0, 0)


def test_a_line_set_to_zero_after_a_cold_start_keeps_no_delivered_quantity(world: Any) -> None:
    world.admin.seed({"product.product": [{"id": DELIVERED, "name": "Hours", "invoice_policy": "delivery"}]})
    world.orders(41)
    world.rate(41, odoo_product_id=DELIVERED)
    world.run()
    key = world.rate(41, "0.00", odoo_product_id=DELIVERED)
    world.run()  # a new relay, which does not know the product yet
    [row] = world.admin.read("sale.order.line", [], ["product_uom_qty", "qty_delivered", "qty_to_invoice"])
    assert (row["product_uom_qty"], row["qty_delivered"], row["qty_to_invoice"]) == (0, 0, 0)
    assert world.line(key).line.state == "sent"


def test_a_line_that_odoo_would_not_invoice_is_never_called_sent(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Line, "_compute_qty_to_invoice", lambda *_: Decimal(0))
    world.orders(41)
    key = world.rate(41)
    assert world.run()["failed"] == 1
    assert world.lines.get(key).error == "nothing_to_invoice"
    assert form(world) == [(0, 0)]


def test_a_pricelist_s_discount_is_learnt_once_a_line(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Line._store

    def discounted(self: Line, record_id: int, values: Any) -> None:
        store(self, record_id, values if "discount" in values else {**values, "discount": Decimal(10)})

    created = Line._defaults
    monkeypatch.setattr(Line, "_defaults", lambda self, values: {**created(self, values), "discount": Decimal(10)})
    monkeypatch.setattr(Line, "_store", discounted)
    world.orders(41)
    key = world.rate(41)
    world.run()
    assert world.loads() == 2
    assert world.lines.get(key).is_plain
    for amount in ("2.00", "3.00"):
        world.rate(41, amount)
        world.run()
    assert world.loads() == 4
    assert form(world) == [(1, 3)]


@pytest.mark.parametrize("amount", ["9999999999999.99", "123456789012345", "1234567890123.45"])
def test_an_amount_of_fifteen_digits_is_refused_by_name_before_any_call(world: Any, amount: str) -> None:
    world.orders(41)
    key = world.rate(41, amount)
    world.run()
    assert world.lines.get(key).error == "unrepresentable"
    assert world.loads() == 0
    with pytest.raises(Unrepresentable, match="14 digits"):
        one_at_amount(Decimal(amount), Precision())


def test_one_of_fourteen_digits_is_sent(world: Any) -> None:
    world.orders(41)
    world.rate(41, "999999999999.99")
    world.run()
    assert form(world) == [(1, Decimal("999999999999.99"))]


@pytest.mark.parametrize("protocol", ["json2", "jsonrpc", "xmlrpc"])
def test_a_database_that_is_down_is_waited_for_and_counts_as_no_attempt(world: Any, protocol: str) -> None:
    world.protocol = protocol
    world.orders(41)
    key = world.rate(41)
    world.admin.database(up=False)
    statistics = world.run()
    assert (statistics.waiting, statistics.alarm) == (True, "")
    line = world.lines.get(key)
    assert (line.state, line.attempt_count, line.error) == ("due", 0, None)
    world.admin.database(up=True)
    world.later(minutes=10)
    assert world.run()["sent"] == 1


class Slow:
    """A wire on which a load takes some of the world's time for each of its rows."""

    def __init__(self, world: Any, wire: Any, seconds: float) -> None:
        self.world, self.wire, self.seconds = world, wire, seconds

    def call(self, credentials: Any, model: str, method: str, arguments: Any, seconds: float) -> Any:
        if method == "load":
            self.world.later(seconds=self.seconds * len(arguments["data"]))
        return self.wire.call(credentials, model, method, arguments, seconds)


def test_a_slow_odoo_gets_smaller_batches_at_once_and_larger_ones_again(world: Any) -> None:
    world.line_partitions = 1
    world.orders(*range(100, 350))
    for number in range(100, 350):
        world.rate(number)
    relay = world.relay()
    relay.dependencies.odoo._wire = Slow(world, relay.dependencies.odoo._wire, seconds=0.4)
    relay.run()
    sizes = [call["rows"] for call in world.admin.calls("sale.order.line", "load")]
    assert (sizes[0], max(sizes[1:-1])) == (100, 20)
    relay.dependencies.odoo._wire = relay.dependencies.odoo._wire.wire
    for number in range(100, 350):
        world.rate(number, "2.00")
    world.admin.clear_calls()
    relay.run()
    sizes = [call["rows"] for call in world.admin.calls("sale.order.line", "load")]
    assert sizes[:4] == [25, 31, 38, 47]


def test_a_final_invoice_is_listed_until_it_is_created(world: Any) -> None:
    from functions.relay.final_invoices import waiting  # noqa: PLC0415

    world.orders(41)
    key = world.rate(41, final_invoice=True)
    world.run()
    assert world.lines.get(key).state == "final_invoice"
    store = world.relay().dependencies.store
    closed: list[tuple[str, datetime]] = []

    def close(subscription: str, start: datetime) -> None:
        if world.now.day < 24:
            raise Unavailable("not now")
        closed.append((subscription, start))

    def count() -> int:
        return int(waiting(store, world.odoo(), lambda: 100.0, close))

    assert count() == 1
    world.admin.invoice_order(41)
    assert (count(), closed, world.lines.get(key).state) == (1, [], "final_invoice")
    world.later(days=2)
    assert (count(), closed) == (0, [("41", START)])
    assert (world.lines.get(key).state, world.lines.get(key).line_partition) == ("sent", "")
