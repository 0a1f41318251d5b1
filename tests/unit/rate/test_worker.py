"""The worker does each message of the rating queue, and sends on what it has no time for."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fusion_billing.billing.planning import hour_of
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.messaging.rating_messages import sweep_jobs
from tests.fakes.rating_world import RatingWorld, runs_out_after

HOUR = "2026-11-20T12"


def subscribe_many(world: RatingWorld, count: int) -> list[str]:
    ids = [str(100 + number) for number in range(count)]
    for id_ in ids:
        world.subscribe(id_)
        world.push("25", id_=id_)
    return ids


def test_an_hour_is_rated_and_the_relay_is_woken_up(world: RatingWorld) -> None:
    world.push("25")
    for shard in range(4):
        world.do({"job": "hour", "hour": HOUR, "shard": shard})
    assert (world.rating().amount, world.rating().line.state) == (Decimal("1.50"), "due")
    assert world.relay_queue.messages == [{"job": "lines"}]


def test_several_hours_of_one_message_are_rated(world: RatingWorld) -> None:
    world.push("25", "2026-11-03")
    world.clock.now += timedelta(hours=2)
    world.push("5", "2026-11-04")
    for shard in range(4):
        world.do({"job": "hour", "hour": HOUR, "hours": 3, "shard": shard})
    assert world.rating().amount == Decimal("2.00")


def test_a_shard_too_long_for_one_worker_continues_in_another(
    world: RatingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.rate.worker._PAIRS", 3)
    ids = subscribe_many(world, 20)
    world.runs.begin("run_1", [f"hour:{HOUR}:{shard}" for shard in range(4)], world.clock.now)
    for shard in range(4):
        message = {"job": "hour", "hour": HOUR, "shard": shard, "run": "run_1"}
        world.do(message, has_time=runs_out_after(1))
    assert any("after_pair" in message for message in world.queue.messages)
    assert world.runs.runs["run_1"].remaining_parts
    world.drain()
    assert not world.runs.runs["run_1"].remaining_parts
    assert {world.rating(id_=id_).version for id_ in ids} == {1}


def test_a_sweep_without_time_continues_after_the_last_subscription(world: RatingWorld) -> None:
    ids = subscribe_many(world, 40)
    for message in sweep_jobs():
        world.do(message, has_time=runs_out_after(1))
    assert world.queue.messages
    while world.queue.messages:
        world.do(world.queue.messages.pop(0), has_time=runs_out_after(1))
    assert {world.rating(id_=id_).amount for id_ in ids} == {Decimal("1.50")}


def test_a_repeated_message_of_a_run_is_counted_once(world: RatingWorld) -> None:
    world.push("25")
    world.runs.begin("run_1", ["subscription:42"], world.clock.now)
    message = {"job": "subscription", "id": "42", "run": "run_1"}
    world.do(message)
    counts = dict(world.runs.runs["run_1"].counts)
    world.do(message)
    assert world.runs.runs["run_1"].counts == counts


def test_a_late_attempt_at_an_hour_is_divided_by_subscription(world: RatingWorld) -> None:
    ids = subscribe_many(world, 6)
    for shard in range(4):
        world.do({"job": "hour", "hour": HOUR, "shard": shard}, attempt=3)
    assert sorted(str(message["pairs"]) for message in world.queue.messages) == sorted(
        str([f"{id_}#api_calls#2026-11"]) for id_ in ids
    )
    world.drain()
    assert {world.rating(id_=id_).version for id_ in ids} == {1}


def test_a_late_attempt_at_a_sweep_is_divided_by_subscription(world: RatingWorld) -> None:
    for message in sweep_jobs("api_calls"):
        world.do(message, attempt=3)
    assert world.queue.messages == [{"job": "subscription", "id": "42", "charge": "api_calls"}]


def test_an_unknown_job_is_an_error(world: RatingWorld) -> None:
    with pytest.raises(ValueError, match="paint"):
        world.do({"job": "paint"})


def test_the_history_names_why_a_rating_changed(world: RatingWorld) -> None:
    world.push("25")
    world.do({"job": "pairs", "pairs": ["42#api_calls#2026-11"]})
    world.push("26")
    world.rate_subscription()
    world.push("27")
    world.do({"job": "subscription", "id": "42", "charge": "api_calls"})
    world.push("28")
    world.do({"job": "subscription", "id": "42", "run": "run_1"})
    assert [entry.cause for entry in world.rating().history] == ["usage", "subscription", "definition", "run"]


def test_a_run_on_demand_sends_order_lines_at_once(world: RatingWorld) -> None:
    world.cadence = "closing"
    world.push("25")
    world.rate_subscription()
    due_at = world.rating().line.at
    assert due_at is not None
    assert due_at > world.clock.now
    assert world.relay_queue.messages == []
    world.do({"job": "subscription", "id": "42", "run": "run_1"})
    assert world.rating().line.at == world.clock.now
    assert world.relay_queue.messages == [{"job": "lines"}]


def test_a_sweep_marks_a_subscription_about_the_end_of_its_period(world: RatingWorld) -> None:
    world.clock.now = datetime(2026, 11, 30, 2, tzinfo=UTC)
    for message in sweep_jobs():
        world.do(message)
    marked = sorted(hour for hour, names in world.markers.hours.items() if "!42#*#2026-11" in names)
    assert marked == [datetime(2026, 11, 30, hour, tzinfo=UTC) for hour in (22, 23)]


def test_a_sweep_announces_an_end_date_that_passed(world: RatingWorld) -> None:
    world.change(end_date="2026-11-17")
    for _ in range(2):
        for message in sweep_jobs():
            world.do(message)
    [data] = world.outbox.data_of("subscription.ended")
    assert (data["ended_at"], data["reason"]) == ("2026-11-18T00:00:00Z", "end_date")


def test_a_sweep_has_the_last_period_closed_if_nothing_is_due(world: RatingWorld) -> None:
    world.change(end_date="2026-11-30")
    world.clock.now = datetime(2026, 12, 2, 3, tzinfo=UTC)
    for message in sweep_jobs():
        world.do(message)
    assert {"job": "close", "subscription": "42", "period_start": "2026-11-01T00:00:00Z"} in world.relay_queue.messages


def test_pairs_are_marked_by_hour() -> None:
    world = RatingWorld()
    world.markers.put(ChangedPair("42", "api_calls", "2026-11"), hour_of(world.clock.now))
    assert world.markers.names() == ["42#api_calls#2026-11"]
