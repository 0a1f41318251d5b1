"""A period that the subscription's start cuts short: what is prorated counts by the share of a whole one."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

LIMITED: dict[str, Any] = {
    "included_units": "1000",
    "minimum_amount": "6",
    "model": {"type": "per_unit", "unit_amount": "0.01"},
}


@pytest.mark.parametrize(
    ("prorate", "start", "included", "amount"),
    [
        (True, "2026-11-16", "500", "3.00"),  # 15 of 30 days: 120 units at 0.01, raised to 3
        (False, "2026-11-16", "1000", "6.00"),
        (True, "2026-11-01", "1000", "6.00"),
        (True, "2026-10-16", "1000", "6.00"),  # the first period was October's; November is whole
    ],
)
def test_a_start_in_mid_period_gives_its_share(
    world: "World", prorate: bool, start: str, included: str, amount: str
) -> None:
    world.metric()
    world.charge(prorate=prorate, **LIMITED)
    world.subscribe(start_date=start)
    world.push("620", "2026-11-20")
    world.rate()
    rating = world.rating(max(start, "2026-11-01"))
    assert (rating.document.included_units, rating.amount) == (included, Decimal(amount))


def test_the_share_stays_when_the_period_is_invoiced_and_late_usage_comes(world: "World") -> None:
    world.metric()
    world.charge(prorate=True, **LIMITED)
    world.subscribe(start_date="2026-11-16")
    world.push("620", "2026-11-20")
    world.rate()
    world.acknowledge("2026-11-16")
    world.invoice("2027-01-01")
    world.push("1000", "2026-11-21")
    world.rate()
    # 1,620 less 500: 11.20; 3.00 of it is billed.
    assert world.rating("2026-12-01", corrects="2026-11-16").amount == Decimal("8.20")
