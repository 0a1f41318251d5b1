"""Levels over time: a window pays its part in every period it reaches into, late corrections included."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.instants import rfc3339, sortable
from fusion_billing.messaging.rating_messages import sweep_jobs

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = "2026-09-01", "2026-10-01", "2026-11-01", "2026-12-01"


def _level(world: "World", quantity: str, start: str, end: str, *, is_marked: bool = True) -> None:
    first, last = (datetime.fromisoformat(f"{day}T00:00:00+00:00") for day in (start, end))
    if is_marked:
        hour = world.now.replace(minute=0, second=0, microsecond=0)
        world.markers.put(ChangedPair("42", "seats", start[:7]), hour)
    world.client.put_item(
        TableName=world.tables.usage,
        Item={
            "pk": {"S": f"U#src_1#{start}"},
            "pair": {"S": "42#seats"},
            "ws": {"S": sortable(first)},
            "we": {"S": rfc3339(last)},
            "q": {"N": quantity},
            "rev": {"N": quantity},
        },
    )


@pytest.fixture
def seats(world: "World") -> "World":
    """A world of seats at 1.00 a month, whose October is open."""
    world.metric("seats", "time_weighted")
    world.charge("seats", metric="seats", included_units="0", model={"type": "per_unit", "unit_amount": "1"})
    world.subscribe(next_invoice_date=NOVEMBER)
    world.now = datetime(2026, 10, 20, 12, 30, tzinfo=UTC)
    return world


def test_a_window_over_the_end_of_the_open_period_is_rated_in_both(seats: "World") -> None:
    _level(seats, "10", "2026-10-16", "2026-11-16")
    seats.rate_hour()
    assert seats.rating(OCTOBER, "seats").amount == Decimal("5.16")  # 10 x 16/31
    upcoming = seats.rating(NOVEMBER, "seats")
    assert (upcoming.amount, upcoming.line.state) == (Decimal("5.00"), "waiting")


@pytest.mark.parametrize("found_by", ["its marker", "a sweep", "a subscription job"])
def test_a_late_window_is_adjusted_in_the_invoiced_period_and_rated_in_the_open_one(
    seats: "World", found_by: str
) -> None:
    seats.invoice(DECEMBER)
    seats.now = datetime(2026, 11, 2, 12, 30, tzinfo=UTC)
    seats.do({"job": "subscription", "id": "42"})
    _level(seats, "10", "2026-10-16", "2026-11-16", is_marked=found_by == "its marker")
    _found(seats, found_by)
    assert seats.rating(NOVEMBER, "seats").amount == Decimal("5.00")
    assert seats.rating(NOVEMBER, "seats", corrects=OCTOBER).amount == Decimal("5.16")


@pytest.mark.parametrize("found_by", ["its marker", "a sweep", "a subscription job"])
def test_a_correction_of_a_window_changes_both_periods(seats: "World", found_by: str) -> None:
    _level(seats, "10", "2026-10-16", "2026-11-16")
    seats.rate_hour()
    seats.acknowledge(OCTOBER, "seats")
    seats.invoice(DECEMBER)
    seats.now = datetime(2026, 11, 2, 12, 30, tzinfo=UTC)
    seats.do({"job": "subscription", "id": "42"})
    for message in sweep_jobs():
        seats.do(message)
    _level(seats, "20", "2026-10-16", "2026-11-16", is_marked=found_by == "its marker")
    _found(seats, found_by)
    assert seats.rating(NOVEMBER, "seats").amount == Decimal("10.00")
    assert seats.rating(NOVEMBER, "seats", corrects=OCTOBER).amount == Decimal("5.16")


def test_a_late_window_over_the_end_of_an_invoiced_period_adjusts_both_of_two_invoiced_ones(
    seats: "World",
) -> None:
    seats.invoice("2027-01-01")  # October and November
    seats.now = datetime(2026, 12, 2, 12, 30, tzinfo=UTC)
    seats.do({"job": "subscription", "id": "42"})
    _level(seats, "10", "2026-10-16", "2026-11-16")
    seats.rate_hour()
    assert seats.rating(DECEMBER, "seats", corrects=OCTOBER).amount == Decimal("5.16")
    assert seats.rating(DECEMBER, "seats", corrects=NOVEMBER).amount == Decimal("5.00")


def _found(world: "World", by: str) -> None:
    match by:
        case "its marker":
            world.rate_hour()
        case "a sweep":
            for message in sweep_jobs():
                world.do(message)
        case _:
            world.do({"job": "subscription", "id": "42"})
