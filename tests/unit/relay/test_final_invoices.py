"""A line of an ended subscription is listed until a person invoices it, then its period is closed."""

from datetime import datetime

import pytest

from functions.relay.final_invoices import waiting
from fusion_billing.errors import Unavailable
from tests.fakes.relay_world import PERIOD_START, RelayWorld


@pytest.fixture
def world() -> RelayWorld:
    """A line of a final invoice that is sent."""
    world = RelayWorld()
    world.odoo.order(42, subscription_state="6_churn")
    world.rate(fields={"final_invoice": True})
    world.run()
    return world


def count_waiting(world: RelayWorld, closed: list[tuple[str, datetime]]) -> int:
    def close(subscription: str, start: datetime) -> None:
        closed.append((subscription, start))

    return waiting(world.lines, world.odoo.client, lambda: world.seconds_left, close)


def test_a_sent_line_waits_until_a_person_invoices_it(world: RelayWorld) -> None:
    closed: list[tuple[str, datetime]] = []
    assert world.line().state == "final_invoice"
    assert (count_waiting(world, closed), closed) == (1, [])
    world.odoo.admin.invoice_order(42)
    assert (count_waiting(world, closed), closed) == (0, [("42", PERIOD_START)])
    assert world.line().state == "sent"


def test_a_line_stays_listed_while_its_period_cannot_be_closed(world: RelayWorld) -> None:
    def unavailable(subscription: str, start: datetime) -> None:
        raise Unavailable("The database is throttled")

    world.odoo.admin.invoice_order(42)
    assert waiting(world.lines, world.odoo.client, lambda: 300.0, unavailable) == 1
    assert world.line().state == "final_invoice"


def test_lines_are_counted_while_odoo_is_unavailable_or_time_is_short(world: RelayWorld) -> None:
    world.odoo.is_down = True
    assert count_waiting(world, []) == 1
    world.seconds_left = 1.0
    assert count_waiting(world, []) == 1


def test_a_change_of_an_invoiced_line_names_its_period_to_close(world: RelayWorld) -> None:
    world.odoo.admin.invoice_order(42)
    world.rate(amount="2.37", fields={"final_invoice": True})
    assert world.run().final_invoices == {("42", PERIOD_START)}
