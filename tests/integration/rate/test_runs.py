"""Planner, worker and sweep: every hour is handed out, whatever is killed, repeated or late."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.billing.planning import hours_until_now
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.errors import Unavailable
from fusion_billing.messaging.messages import rating_job
from fusion_billing.messaging.rating_messages import hour_jobs, sweep_jobs
from local.capacity import Consumed

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration


def test_the_hour_is_planned_once_it_is_settled_and_rated_then(small_world: "World") -> None:
    small_world.planner_state.advance(small_world.now.replace(minute=0) - timedelta(hours=1))
    small_world.push("25")
    small_world.now = datetime(2026, 11, 20, 13, 4, tzinfo=UTC)
    small_world.plan()
    assert small_world.queue.messages == []
    small_world.now = datetime(2026, 11, 20, 13, 6, tzinfo=UTC)
    small_world.plan()
    assert [(one["hour"], one["shard"]) for one in small_world.queue.messages] == [
        ("2026-11-20T12", shard) for shard in range(4)
    ]
    small_world.drain()
    assert small_world.rating().amount == Decimal("1.50")
    small_world.plan()
    assert small_world.queue.messages == []


def test_a_planner_killed_in_between_is_repeated_whole(small_world: "World") -> None:
    small_world.planner_state.advance(small_world.now.replace(minute=0) - timedelta(hours=1))
    small_world.push("25")
    small_world.now += timedelta(hours=1)
    small_world.queue.capacity = 2
    with pytest.raises(Unavailable):
        small_world.plan()
    small_world.drain()
    small_world.queue.capacity = 100
    small_world.plan()
    small_world.drain()
    assert (small_world.rating().amount, small_world.rating().version) == (Decimal("1.50"), 1)


def test_a_schedule_that_stood_still_for_days_catches_up(small_world: "World") -> None:
    small_world.planner_state.advance(datetime(2026, 11, 17, 5, tzinfo=UTC))
    small_world.now = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
    small_world.push("25")
    small_world.now = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    small_world.plan()
    assert len(small_world.queue.messages) == 4 * 4  # 78 hours, up to 24 in a message, of four shards
    small_world.drain()
    assert small_world.rating().amount == Decimal("1.50")
    assert small_world.planner_state.watermark() == datetime(2026, 11, 20, 11, tzinfo=UTC)


def test_the_watermark_never_goes_back(small_world: "World") -> None:
    small_world.planner_state.advance(datetime(2026, 11, 20, 5, tzinfo=UTC))
    small_world.planner_state.advance(datetime(2026, 11, 20, 4, tzinfo=UTC))
    assert small_world.planner_state.watermark() == datetime(2026, 11, 20, 5, tzinfo=UTC)


def test_without_a_watermark_the_hours_since_the_table_was_made_are_planned(small_world: "World") -> None:
    made = small_world.planner_state.markers_since()
    small_world.now = made + timedelta(hours=3)
    small_world.push("25")
    small_world.now += timedelta(hours=1, minutes=6)
    small_world.plan()
    covered = sum(int(str(one.get("hours", 1))) for one in small_world.queue.messages if one["shard"] == 0)
    assert covered in {4, 5}
    small_world.drain()
    assert small_world.find_rating() is not None


def _runs_out(after: int) -> Callable[[], bool]:
    left = [after]

    def has_time() -> bool:
        left[0] -= 1
        return left[0] > 0

    return has_time


def test_a_shard_too_long_for_one_worker_goes_on_in_another(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.rate.worker._PAIRS", 3)
    world.metric()
    world.charge()
    for number in range(20):
        world.subscribe(str(100 + number))
        world.push("25", id_=str(100 + number))
    world.runs.begin("run_1", [f"hour:2026-11-20T12:{shard}" for shard in range(4)], world.now)
    for shard in range(4):
        message = {"job": "hour", "hour": "2026-11-20T12", "shard": shard, "run": "run_1"}
        world.do(message, has_time=_runs_out(1))
    assert any("after_pair" in one for one in world.queue.messages)
    half_way = world.runs.get("run_1")
    assert half_way is not None
    assert not half_way.done
    world.drain()
    done = world.runs.get("run_1")
    assert done is not None
    assert (done.done, done.counts) == (True, {"evaluated": 20, "changed": 20, "failed": 0})
    assert all(world.rating(id_=str(100 + number)).version == 1 for number in range(20))


def test_a_message_that_comes_again_is_counted_once(small_world: "World") -> None:
    small_world.push("25")
    small_world.runs.begin("run_1", ["subscription:42"], small_world.now)
    message = {"job": "subscription", "id": "42", "run": "run_1"}
    small_world.do(message)
    once = small_world.runs.get("run_1")
    assert once is not None
    assert (once.done, once.counts["changed"]) == (True, 1)
    small_world.do(message)
    assert small_world.runs.get("run_1") == once


def test_a_sweep_rates_what_a_lost_marker_left_out(small_world: "World") -> None:
    small_world.push("25", is_marked=False)
    for message in sweep_jobs():
        small_world.do(message)
    assert small_world.rating().amount == Decimal("1.50")


def test_a_sweep_too_long_for_one_worker_goes_on_in_another(world: "World") -> None:
    world.metric()
    world.charge()
    for number in range(40):
        world.subscribe(str(100 + number))
        world.push("25", id_=str(100 + number), is_marked=False)
    for message in sweep_jobs():
        world.do(message, has_time=_runs_out(1))
    assert world.queue.messages
    world.drain()
    assert all(world.find_rating(id_=str(100 + number)) for number in range(40))


def test_a_sweep_rates_charges_that_are_due_without_usage_and_no_others(world: "World") -> None:
    world.metric()
    world.charge("unused")
    world.charge("fee", model={"type": "flat", "amount": "5"})
    world.charge("least", minimum_amount="3")
    tiers = [{"up_to": None, "unit_amount": "1", "flat_amount": "2"}]
    world.charge("tiers", model={"type": "graduated", "tiers": tiers})
    world.subscribe()
    for message in sweep_jobs():
        world.do(message)
    stored = world.ratings.in_period("42", datetime(2026, 11, 1, tzinfo=UTC))
    assert {one.key.charge: (one.amount, one.line.state) for one in stored} == {
        "fee": (Decimal(5), "due"),
        "least": (Decimal(3), "due"),
        "tiers": (Decimal(2), "due"),
    }


def test_the_next_sweep_sets_a_charge_that_no_longer_applies_to_zero(small_world: "World") -> None:
    small_world.push("25")
    small_world.rate()
    small_world.charge(active=False)
    for message in sweep_jobs("api_calls"):
        small_world.do(message)
    rating = small_world.rating()
    assert (rating.version, rating.amount, rating.line.state) == (2, Decimal(0), "due")
    for message in sweep_jobs():
        small_world.do(message)
    assert small_world.rating().version == 2
    small_world.charge()
    small_world.do({"job": "subscription", "id": "42"})
    assert small_world.rating().amount == Decimal("1.50")


def test_a_sweep_of_one_charge_leaves_the_others_alone(small_world: "World") -> None:
    small_world.charge("other", included_units="0")
    small_world.push("25", is_marked=False)
    for message in sweep_jobs("other"):
        small_world.do(message)
    assert small_world.find_rating() is None
    assert small_world.rating(charge="other").amount == Decimal("2.50")


def test_a_whole_subscription_is_rated_around_the_end_of_its_period(small_world: "World") -> None:
    small_world.now = datetime(2026, 11, 30, 2, 36, tzinfo=UTC)
    for message in sweep_jobs():
        small_world.do(message)
    small_world.push("25", "2026-11-30", is_marked=False)
    small_world.now = datetime(2026, 11, 30, 23, 6, tzinfo=UTC)
    small_world.rate_hour(datetime(2026, 11, 30, 22, tzinfo=UTC))
    assert small_world.rating().amount == Decimal("1.50")
    small_world.push("35", "2026-11-30", is_marked=False)
    small_world.now = datetime(2026, 12, 1, 0, 6, tzinfo=UTC)
    small_world.rate_hour(datetime(2026, 11, 30, 23, tzinfo=UTC))
    assert small_world.rating().amount == Decimal("2.50")


def test_a_run_on_demand_covers_the_current_hour_and_does_not_move_the_watermark(small_world: "World") -> None:
    watermark = datetime(2026, 11, 20, 10, tzinfo=UTC)
    small_world.planner_state.advance(watermark)
    small_world.push("25")
    messages = hour_jobs(hours_until_now(watermark, watermark, small_world.now), 4)
    assert [job.hours for job in messages] == [2, 2, 2, 2]
    assert len({job.part_name for job in messages}) == 4
    for message in messages:
        small_world.do(message)
    assert small_world.rating().amount == Decimal("1.50")
    assert small_world.planner_state.watermark() == watermark


def test_an_hour_in_which_nothing_changed_costs_the_marker_queries_alone(
    small_world: "World", metered: tuple[DynamoDBClient, Consumed]
) -> None:
    client, consumed = metered
    quiet = small_world.on(client)
    quiet.rate_hour()
    assert consumed.operations == ["Query"] * 8  # of each shard, and of the batches of several shards
    assert consumed.units(small_world.tables.markers) <= 8


def test_nothing_is_ever_scanned_and_a_changed_pair_costs_one_write_of_its_rating_and_one_of_its_lines(
    small_world: "World", metered: tuple[DynamoDBClient, Consumed]
) -> None:
    client, consumed = metered
    small_world.push("25")
    busy = small_world.on(client)
    busy.rate_hour()
    for message in sweep_jobs():
        busy.do(message)
    assert "Scan" not in consumed.operations
    writes = {"PutItem", "UpdateItem", "BatchExecuteStatement", "TransactWriteItems"}
    assert [one for one in consumed.operations if one in writes] == ["BatchExecuteStatement"] * 2


def test_a_pair_marked_in_several_hours_of_a_message_is_rated_once(small_world: "World") -> None:
    for hour in (10, 11, 12):
        small_world.markers.put(ChangedPair("42", "api_calls", "2026-11"), datetime(2026, 11, 20, hour, tzinfo=UTC))
    small_world.push("25", is_marked=False)
    rater = small_world.rater()
    hours = [datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (10, 11, 12)]
    for shard in range(4):
        for page in small_world.markers.pages(hours, shard):
            rater.rate_pairs(page)
    assert rater.statistics.evaluated == 1


@pytest.mark.parametrize("message", [{"job": "hour", "hour": "2026-11-20T12"}, {"job": "sweep"}])
def test_a_message_that_keeps_failing_is_divided_so_one_subscription_does_not_fail_the_others(
    world: "World", message: dict[str, Any]
) -> None:
    world.metric()
    world.charge()
    ids = [str(100 + number) for number in range(30)]
    for id_ in ids:
        world.subscribe(id_)
        world.push("25", id_=id_)
    count = 4 if message["job"] == "hour" else 16
    shard_field = "shard" if message["job"] == "hour" else "list_shard"
    for shard in range(count):
        world.worker().do(rating_job({**message, shard_field: shard}), has_time=lambda: True, attempt=3)
    assert not any(world.find_rating(id_=id_) for id_ in ids)
    assert len(world.queue.messages) == len(ids)
    world.drain()
    assert all(world.rating(id_=id_).version == 1 for id_ in ids)


def test_the_history_of_a_rating_names_why_each_version_was_made(small_world: "World") -> None:
    small_world.push("25")
    small_world.rate_hour()
    small_world.charge(model={"type": "per_unit", "unit_amount": "0.20"})
    for message in sweep_jobs("api_calls"):
        small_world.do(message)
    small_world.push("26", is_marked=False)
    for message in sweep_jobs():
        small_world.do(message)
    small_world.push("27", is_marked=False)
    small_world.do({"job": "subscription", "id": "42"})
    small_world.push("28", is_marked=False)
    small_world.do({"job": "subscription", "id": "42", "run": "run_1"})
    causes = [entry.cause for entry in small_world.rating().history]
    assert causes == ["usage", "definition", "run", "subscription", "run"]
