"""The planner hands out each hour once, and after it is complete."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from functions.rate import planner
from fusion_billing.errors import Unavailable
from tests.fakes.rating_world import RatingWorld


def test_an_hour_is_planned_once_it_is_settled(world: RatingWorld) -> None:
    world.planner_state.planned_until = datetime(2026, 11, 20, 11, tzinfo=UTC)
    world.clock.now = datetime(2026, 11, 20, 13, 4, tzinfo=UTC)
    assert world.plan().count == 0
    world.clock.now = datetime(2026, 11, 20, 13, 6, tzinfo=UTC)
    assert world.plan().count == 1
    assert world.queue.messages == [{"job": "hour", "hour": "2026-11-20T12", "shard": shard} for shard in range(4)]
    assert world.plan().count == 0


def test_planned_hours_are_rated(world: RatingWorld) -> None:
    world.planner_state.planned_until = datetime(2026, 11, 20, 11, tzinfo=UTC)
    world.push("25")
    world.clock.now += timedelta(hours=1)
    world.plan()
    world.drain()
    assert world.rating().amount == Decimal("1.50")


def test_the_watermark_stays_if_the_queue_takes_a_part_of_the_messages(world: RatingWorld) -> None:
    before = datetime(2026, 11, 20, 10, tzinfo=UTC)
    world.planner_state.planned_until = before
    world.queue.capacity = 2
    with pytest.raises(Unavailable):
        world.plan()
    assert world.planner_state.planned_until == before
    world.queue.capacity = 100
    assert world.plan().count == 1
    assert len(world.queue.messages) == 2 + 4


def test_without_a_watermark_planning_begins_with_the_first_markers(world: RatingWorld) -> None:
    world.planner_state.first_marker = world.clock.now - timedelta(hours=3)
    assert world.plan().count == 3


def test_a_backlog_of_days_is_sent_in_messages_of_up_to_24_hours(world: RatingWorld) -> None:
    world.planner_state.planned_until = world.clock.now.replace(minute=0) - timedelta(hours=51)
    hours = world.plan()
    assert hours.count == 50
    assert [message.get("hours", 1) for message in world.queue.messages if message["shard"] == 0] == [24, 24, 2]


def test_a_sweep_sends_one_message_for_each_shard_of_the_subscription_list(world: RatingWorld) -> None:
    assert planner.sweep(world.queue) == 16
    world.push("25", is_marked=False)
    world.drain()
    assert world.rating().amount == Decimal("1.50")
