"""The pairs that are rated hourly and the planner's watermarks, on DynamoDB."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from fusion_billing.billing.rating_cadence import RatingCadence
from fusion_billing.dynamodb.keys import change_marker_shard
from fusion_billing.messaging.rating_messages import sweep_jobs
from tests.rating_steps import SHARDS

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_pair_is_rated_hourly_within_its_time_alone(world: "World") -> None:
    shard = change_marker_shard("42", SHARDS)
    world.hourly_pairs.put("42", "api_calls", since=NOON, until=NOON + timedelta(hours=2))
    world.hourly_pairs.put("42", "*", since=NOON + timedelta(hours=1), until=NOON + timedelta(hours=3))
    found = [sorted(world.hourly_pairs.of(shard, NOON + timedelta(hours=hour))) for hour in range(-1, 4)]
    assert found == [[], [("42", "api_calls")], [("42", "*"), ("42", "api_calls")], [("42", "*")], []]
    assert world.hourly_pairs.of((shard + 1) % SHARDS, NOON) == set()


def test_the_watermarks_advance_alone_and_never_go_back(world: "World") -> None:
    assert (world.planner_state.watermark(), world.planner_state.urgent_watermark()) == (None, None)
    world.planner_state.advance(None, urgent=NOON)
    assert (world.planner_state.watermark(), world.planner_state.urgent_watermark()) == (None, NOON)
    world.planner_state.advance(NOON, urgent=NOON + timedelta(hours=1))
    world.planner_state.advance(NOON - timedelta(hours=1), urgent=NOON + timedelta(hours=2))
    world.planner_state.advance(NOON + timedelta(hours=1), urgent=NOON)
    assert (world.planner_state.watermark(), world.planner_state.urgent_watermark()) == (
        NOON,
        NOON + timedelta(hours=1),
    )


def test_the_watermark_of_an_earlier_release_is_read(small_world: "World") -> None:
    item = {"pk": {"S": "PLANNER"}, "hour": {"S": "2026-11-20T11"}}
    small_world.client.put_item(TableName=small_world.tables.state, Item=item)
    small_world.now = NOON + timedelta(hours=1, minutes=6)
    small_world.plan()
    assert {(job["hour"], job["hours"]) for job in small_world.queue.messages} == {("2026-11-20T09", 4)}
    assert small_world.planner_state.watermark() == small_world.planner_state.urgent_watermark() == NOON


def test_a_slot_is_rated_when_it_is_over_and_the_end_of_a_period_hourly(small_world: "World") -> None:
    small_world.rating_cadence = RatingCadence(6)
    small_world.planner_state.advance(datetime(2026, 11, 29, 23, tzinfo=UTC))
    amounts = []
    for hour in range(30):
        small_world.now = datetime(2026, 11, 30, tzinfo=UTC) + timedelta(hours=hour, minutes=6)
        small_world.plan()
        if hour == 2:
            for message in sweep_jobs():
                small_world.do(message)
        small_world.drain()
        found = small_world.find_rating()
        amounts.append(None if found is None else found.version)
        if hour < 24:
            small_world.push(str(1000 + hour), "2026-11-29")
    assert amounts[6:12] == [2] * 6  # the sweep, and the slot
    assert amounts[12:18] == [3] * 6
    assert amounts[18:25] == [4, 5, 6, 7, 8, 9, 10]
    assert small_world.rating().amount == Decimal("101.30")
