"""After the invoice: what was billed stays; what is still due goes into the open period, with its sign."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

NOVEMBER, DECEMBER, JANUARY = "2026-11-01", "2026-12-01", "2027-01-01"
CLOSED = {"job": "subscription", "id": "42"}


@pytest.fixture
def invoiced(small_world: "World") -> "World":
    """A world whose November was rated at 1.50, put into Odoo, and invoiced."""
    small_world.push("25")
    small_world.rate()
    small_world.acknowledge()
    small_world.invoice(JANUARY)
    small_world.now = datetime(2026, 12, 2, tzinfo=UTC)
    small_world.do(CLOSED)
    small_world.outbox.events.clear()
    small_world.relay_queue.messages.clear()
    return small_world


def test_what_was_billed_as_rated_is_frozen_and_needs_no_adjustment(invoiced: "World") -> None:
    frozen = invoiced.rating()
    assert (frozen.frozen, frozen.billed, frozen.line.state) == (True, Decimal("1.50"), "sent")
    assert invoiced.find_rating(DECEMBER, corrects=NOVEMBER) is None


def test_late_usage_becomes_an_adjustment_with_an_event(invoiced: "World") -> None:
    invoiced.push("40")
    invoiced.rate_hour()
    assert invoiced.rating().amount == Decimal("1.50")
    adjusted = invoiced.rating(DECEMBER, corrects=NOVEMBER)
    assert (adjusted.amount, adjusted.line.state) == (Decimal("1.50"), "due")
    assert adjusted.document.corrects is not None
    assert adjusted.document.corrects.period_start == datetime(2026, 11, 1, tzinfo=UTC)
    assert [Decimal(step.amount) for step in adjusted.document.steps] == [Decimal("3.00"), Decimal("-1.50")]
    (late,) = invoiced.outbox.data_of("usage.late")
    assert (late["amount"], late["invoiced_amount"], late["adjustment_amount"]) == ("3.00", "1.50", "1.50")
    assert late["period_start"] == "2026-11-01T00:00:00Z"
    assert invoiced.relay_queue.messages == [{"job": "lines"}]


def test_a_correction_downwards_is_a_credit(invoiced: "World") -> None:
    invoiced.push("12")
    invoiced.rate()
    assert invoiced.rating(DECEMBER, corrects=NOVEMBER).amount == Decimal("-1.30")


def test_an_adjustment_follows_the_usage_for_as_long_as_its_period_is_open(invoiced: "World") -> None:
    for quantity in ("40", "12", "33"):
        invoiced.push(quantity)
        invoiced.rate()
    adjusted = invoiced.rating(DECEMBER, corrects=NOVEMBER)
    assert (adjusted.version, adjusted.amount) == (3, Decimal("0.80"))
    assert len(invoiced.outbox.data_of("usage.late")) == 3
    invoiced.rate()
    assert len(invoiced.outbox.data_of("usage.late")) == 3


def test_an_adjustment_that_was_put_into_odoo_becomes_zero_there(invoiced: "World") -> None:
    invoiced.push("40")
    invoiced.rate()
    invoiced.acknowledge(DECEMBER, corrects=NOVEMBER)
    invoiced.push("25")
    invoiced.rate()
    adjusted = invoiced.rating(DECEMBER, corrects=NOVEMBER)
    assert (adjusted.amount, adjusted.line.state) == (Decimal(0), "due")


def test_what_the_next_invoice_adjusted_is_not_adjusted_again(invoiced: "World") -> None:
    invoiced.push("40")
    invoiced.rate()
    invoiced.acknowledge(DECEMBER, corrects=NOVEMBER)
    invoiced.invoice("2027-02-01")
    invoiced.do(CLOSED)
    invoiced.rate()
    assert invoiced.find_rating(JANUARY, corrects=NOVEMBER) is None
    invoiced.push("50")
    invoiced.rate()
    assert invoiced.rating(DECEMBER, corrects=NOVEMBER).amount == Decimal("1.50")
    assert invoiced.rating(JANUARY, corrects=NOVEMBER).amount == Decimal("1.00")


def test_what_never_reached_odoo_is_billed_with_the_open_period(small_world: "World") -> None:
    small_world.push("25")
    small_world.rate()
    small_world.invoice(JANUARY)
    small_world.do(CLOSED)
    frozen = small_world.rating()
    assert (frozen.frozen, frozen.amount, frozen.billed) == (True, Decimal("1.50"), Decimal(0))
    assert small_world.rating(DECEMBER, corrects=NOVEMBER).amount == Decimal("1.50")
    assert small_world.outbox.data_of("usage.late") == []  # it came in time; it is the invoice that did without it


def test_an_adjustment_that_never_reached_odoo_is_carried_on(small_world: "World") -> None:
    small_world.push("25")
    small_world.rate()
    small_world.invoice(JANUARY)
    small_world.do(CLOSED)
    small_world.invoice("2027-02-01")
    small_world.do(CLOSED)
    assert small_world.rating(DECEMBER, corrects=NOVEMBER).frozen
    assert small_world.rating(JANUARY, corrects=NOVEMBER).amount == Decimal("1.50")
    assert small_world.line_item([NOVEMBER, DECEMBER, JANUARY]) == Decimal("1.50")


def test_usage_of_before_the_subscription_was_first_seen_is_all_adjustment(small_world: "World") -> None:
    small_world.push("25", "2026-10-05")
    small_world.rate(ChangedPair("42", "api_calls", "2026-10"))
    adjusted = small_world.rating(NOVEMBER, corrects="2026-10-01")
    assert adjusted.amount == Decimal("1.50")


@pytest.mark.parametrize(
    "price",
    [
        pytest.param({"model": {"type": "flat", "amount": "9.99"}}, id="a flat amount"),
        pytest.param({"minimum_amount": "9.99"}, id="a minimum"),
    ],
)
def test_a_fee_is_not_due_again_for_a_period_of_before_that_shares_a_month_with_the_usage(
    world: "World", price: dict[str, Any]
) -> None:
    world.metric()
    world.charge(**price)
    world.subscribe(start_date="2026-01-20", next_invoice_date="2026-11-20")
    world.push("5", "2026-10-25")
    world.rate(ChangedPair("42", "api_calls", "2026-10"))  # October has days of the period before, too
    assert world.rating("2026-10-20").amount == Decimal("9.99")
    assert world.find_rating("2026-10-20", corrects="2026-09-20") is None
    world.push("5", "2026-10-05")
    world.rate(ChangedPair("42", "api_calls", "2026-10"))
    assert world.rating("2026-10-20", corrects="2026-09-20").amount == Decimal("9.99")


def test_an_invoiced_period_keeps_the_price_it_had(invoiced: "World") -> None:
    invoiced.charge(model={"type": "per_unit", "unit_amount": "5"})
    invoiced.push("26")
    invoiced.rate()
    assert invoiced.rating(DECEMBER, corrects=NOVEMBER).amount == Decimal("0.10")


def test_a_change_of_plan_leaves_what_the_old_plan_was_billed(invoiced: "World") -> None:
    invoiced.charge("basic_calls", applies_to={"plans": ["Basic"]}, included_units="0")
    invoiced.change(plan="Basic")
    invoiced.push("26")
    invoiced.rate()
    assert invoiced.rating(DECEMBER, corrects=NOVEMBER).amount == Decimal("0.10")
    assert invoiced.find_rating(DECEMBER, "basic_calls", corrects=NOVEMBER) is None


def test_several_periods_invoiced_at_once_are_all_settled(small_world: "World") -> None:
    small_world.push("25")
    small_world.rate()
    small_world.acknowledge()
    small_world.push("30", "2026-12-05")
    small_world.rate(ChangedPair("42", "api_calls", "2026-12"))
    small_world.invoice("2027-02-01")  # December was invoiced too, before anything of it was sent
    small_world.do(CLOSED)
    assert small_world.rating(DECEMBER).frozen
    assert small_world.find_rating(JANUARY, corrects=NOVEMBER) is None
    assert small_world.rating(JANUARY, corrects=DECEMBER).amount == Decimal("2.00")
