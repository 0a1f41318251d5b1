"""Rating on fakes."""

from datetime import UTC, datetime

import pytest

from tests.fakes.rating_world import RatingWorld


@pytest.fixture
def world() -> RatingWorld:
    """A metric, a charge on it (0.10 USD a unit after 10), and a subscription whose open period is November 2026."""
    world = RatingWorld()
    world.catalog.define_metric()
    world.catalog.define_charge()
    world.subscribe()
    return world


@pytest.fixture
def invoiced(world: RatingWorld) -> RatingWorld:
    """The same world after November was rated at 1.50, sent to Odoo, and invoiced."""
    world.push("25")
    world.rate()
    world.acknowledge()
    world.clock.now = datetime(2026, 12, 2, tzinfo=UTC)
    world.invoice("2027-01-01")
    world.rate_subscription()
    world.outbox.events.clear()
    world.relay_queue.messages.clear()
    return world
