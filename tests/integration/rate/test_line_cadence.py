"""When a changed rating's line is due: daily, in the closing hours at once, and at once on demand."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fusion_billing.billing.rating import StoredRating
from fusion_billing.dynamodb.keys import line_partition
from fusion_billing.dynamodb.ratings.order_lines import LineStore

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

END = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def daily(small_world: "World") -> "World":
    """A world whose lines are sent daily, its rating's first version sent."""
    small_world.cadence = "daily"
    small_world.now = datetime(2026, 11, 10, 8, 6, tzinfo=UTC)
    small_world.push("25")
    _rate(small_world)
    _sent(small_world)
    return small_world


def _rate(world: "World", **message: Any) -> None:
    world.queue.messages.append({"job": "subscription", "id": "42", **message})
    world.drain()


def _due(world: "World") -> StoredRating | None:
    """Return the rating if the relay would send its line now."""
    lines = LineStore(world.client, world.tables.ratings)
    due, _ = lines.due(line_partition(world.rating().document.odoo_order_id, 8), world.now, 10, None)
    return world.rating() if due else None


def _sent(world: "World") -> None:
    """Acknowledge the line, as the relay does."""
    world.acknowledge()


def test_the_first_amount_is_due_at_once(small_world: "World") -> None:
    small_world.cadence = "daily"
    small_world.now = datetime(2026, 11, 10, 8, 6, tzinfo=UTC)
    small_world.push("25")
    _rate(small_world)
    assert _due(small_world) is not None
    assert small_world.relay_queue.messages == [{"job": "lines"}]


def test_what_changes_after_it_is_due_once_a_day(daily: "World") -> None:
    daily.relay_queue.messages.clear()
    for hour in range(9, 24):
        daily.now = daily.now.replace(hour=hour)
        daily.push(str(30 + hour))
        _rate(daily)
        assert _due(daily) is None
    assert daily.relay_queue.messages == [], "nobody is asked to send what is not due"
    assert daily.rating().line.at == datetime(2026, 11, 11, tzinfo=UTC)
    daily.now = datetime(2026, 11, 11, 0, 2, tzinfo=UTC)
    assert _due(daily) is not None
    daily.now = datetime(2026, 11, 11, 5, 6, tzinfo=UTC)
    daily.push("99")
    _rate(daily)
    assert _due(daily) is not None, "a slot that passed is kept"


def test_in_the_closing_hours_each_change_is_due_at_once(daily: "World") -> None:
    daily.now = END - timedelta(hours=29)
    daily.push("70")
    _rate(daily)
    assert _due(daily) is not None


def test_a_run_on_demand_sends_at_once_what_waits_for_its_slot(daily: "World") -> None:
    daily.now += timedelta(hours=2)
    daily.push("80")
    _rate(daily)
    assert _due(daily) is None
    daily.relay_queue.messages.clear()
    _rate(daily, run="run_1")
    assert _due(daily) is not None
    assert daily.rating().version == 2, "nothing changed but when it is sent"
    assert daily.relay_queue.messages == [{"job": "lines"}]


def test_only_in_the_closing_hours_if_that_is_the_setting(small_world: "World") -> None:
    small_world.cadence = "closing"
    small_world.now = datetime(2026, 11, 10, 8, 6, tzinfo=UTC)
    small_world.push("25")
    _rate(small_world)
    assert _due(small_world) is None
    small_world.now = END - timedelta(hours=29)
    assert _due(small_world) is not None
