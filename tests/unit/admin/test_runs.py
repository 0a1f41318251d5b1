"""A run on demand rates now what the schedule would rate, and counts what it did."""

from datetime import timedelta

import pytest

from functions.admin.services import runs
from fusion_billing.billing.planning import hour_of
from fusion_billing.errors import NotFound
from tests.fakes.rating_world import RatingWorld


@pytest.fixture
def world() -> RatingWorld:
    world = RatingWorld()
    world.catalog.define_metric()
    world.catalog.define_charge()
    world.subscribe()
    world.push("25")
    return world


def service(world: RatingWorld, wait: float = 0.0) -> runs.Runs:
    return runs.Runs(
        store=world.runs,
        planner=world.planner_state,
        queue=world.queue,
        pairs=world.markers,
        subscriptions=world.subscriptions,
        shards=world.markers.shards,
        wait=wait,
        clock=world.clock.monotonic,
        pause=world.clock.sleep,
    )


def test_a_run_of_one_subscription(world: RatingWorld) -> None:
    run = runs.start(service(world), "run_1", world.clock.now, subscription="42", sweep=True)
    assert (run.done, run.remaining_tasks) == (False, frozenset({"subscription:42"}))
    world.drain()
    document = runs.as_json(runs.get(world.runs, "run_1"))
    assert (document["status"], document["remaining_tasks"]) == ("done", 0)
    assert (document["evaluated"], document["changed"], document["failed"]) == (2, 1, 0)


def test_a_run_of_everything_sends_the_shards_that_hold_anything(world: RatingWorld) -> None:
    world.planner_state.planned_until = hour_of(world.clock.now) - timedelta(hours=1)
    runs.start(service(world), "run_1", world.clock.now, subscription=None, sweep=True)
    assert sorted(str(message["job"]) for message in world.queue.messages) == ["hour", "sweep"]
    world.drain()
    assert runs.get(world.runs, "run_1").done
    assert world.planner_state.planned_until == hour_of(world.clock.now) - timedelta(hours=1)


def test_a_run_with_nothing_to_do_is_done_at_once() -> None:
    world = RatingWorld()
    assert runs.start(service(world, 5), "run_1", world.clock.now, subscription=None, sweep=True).done


def test_a_response_waits_for_a_run_for_a_while(world: RatingWorld) -> None:
    run = runs.start(service(world, 5), "run_1", world.clock.now, subscription="42", sweep=True)
    assert not run.done
    assert 3 < world.clock.monotonic_seconds <= 5


def test_an_unknown_run_is_not_found(world: RatingWorld) -> None:
    with pytest.raises(NotFound):
        runs.get(world.runs, "run_2")
