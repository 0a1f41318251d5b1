"""With a cadence of six hours, pairs are rated once a slot, and hourly where that can't wait; nothing is lost."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from fusion_billing.billing.groups import TooManyGroups
from fusion_billing.billing.pricing import Pricing
from fusion_billing.billing.rating_cadence import HOURLY, RatingCadence
from fusion_billing.messaging.rating_messages import sweep_jobs
from fusion_billing.retry import Deadline
from tests.fakes.rating_world import RatingWorld

SIX_HOURS = RatingCadence(6)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def slow(world: RatingWorld) -> RatingWorld:
    """A world whose last slot ended at noon, in which nothing nears a step: 25 of 10 included units are used."""
    world.rating_cadence = SIX_HOURS
    world.planner_state.planned_until = NOON - timedelta(hours=1)
    return world


def plan_until(world: RatingWorld, until: datetime) -> list[int]:
    """Run the planner and the workers hourly; return the hours in which a rating got a new version."""
    changed = []
    while world.clock.now.replace(minute=0) < until:
        world.clock.now = (world.clock.now + timedelta(hours=1)).replace(minute=6)
        before = {key: rating.version for key, rating in world.ratings.items.items()}
        world.plan()
        world.drain()
        if before != {key: rating.version for key, rating in world.ratings.items.items()}:
            changed.append(world.clock.now.hour)
    return changed


def test_a_pair_is_rated_when_its_slot_is_over(slow: RatingWorld) -> None:
    slow.push("25")
    assert plan_until(slow, NOON + timedelta(hours=12)) == [18]
    assert slow.rating().amount == Decimal("1.50")


def test_a_pair_that_changes_every_hour_is_rated_once_a_slot(slow: RatingWorld) -> None:
    rated = []
    for hour in range(24):
        slow.push(str(1000 + hour))
        rated += plan_until(slow, NOON + timedelta(hours=hour + 1))
    assert rated == [18, 0, 6, 12]


def test_a_pair_that_nears_its_included_units_is_rated_hourly_until_it_has_reached_them(slow: RatingWorld) -> None:
    slow.push("9.6")  # of 10, in twenty days: the rest takes less than a day at this pace
    assert plan_until(slow, NOON + timedelta(hours=6)) == [18]
    slow.push("9.7")
    assert plan_until(slow, NOON + timedelta(hours=7)) == [19]
    slow.push("10")
    assert plan_until(slow, NOON + timedelta(hours=8)) == [20]
    slow.push("10.5")
    assert plan_until(slow, NOON + timedelta(hours=12)) == [0]


def test_a_subscription_is_rated_hourly_around_the_end_of_its_period(slow: RatingWorld) -> None:
    slow.clock.now = datetime(2026, 11, 30, 2, 36, tzinfo=UTC)
    slow.planner_state.planned_until = datetime(2026, 11, 30, 1, tzinfo=UTC)
    for message in sweep_jobs():
        slow.do(message)
    slow.markers.hours.clear()  # those of the whole subscription in the last two hours
    rated = []
    for hour in range(3, 28):
        slow.push(str(1000 + hour))
        rated += plan_until(slow, datetime(2026, 11, 30, tzinfo=UTC) + timedelta(hours=hour))
    assert rated == [6, 12, 18, 19, 20, 21, 22, 23, 0, 1, 2, 3]


def test_late_usage_of_an_invoiced_period_is_rated_hourly(slow: RatingWorld) -> None:
    slow.push("25")
    slow.rate()
    slow.acknowledge()
    slow.clock.now = datetime(2026, 12, 10, 12, 30, tzinfo=UTC)
    slow.planner_state.planned_until = datetime(2026, 12, 10, 11, tzinfo=UTC)
    slow.invoice("2027-01-01")
    slow.read_invoice("1.50")
    slow.push("40", is_marked=False)
    slow.markers.mark(["!42#api_calls#2026-11"], slow.clock.now, Deadline(1, slow.clock.monotonic, slow.clock.sleep))
    assert plan_until(slow, datetime(2026, 12, 10, 13, tzinfo=UTC)) == [13]
    assert slow.rating("2026-12-01", corrects="2026-11-01").amount == Decimal("1.50")


def test_a_pair_whose_rating_failed_is_rated_with_each_hour_until_it_succeeds(
    slow: RatingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(price: Pricing, _: object) -> None:
        raise TooManyGroups(f"Charge {price.charge.code} has too many groups")

    monkeypatch.setattr("functions.rate.open_periods.check_groups", check)
    slow.push("25")
    assert plan_until(slow, NOON + timedelta(hours=7)) == []
    assert len(slow.reported) == 2  # when the slot was over, and an hour later
    monkeypatch.undo()
    assert plan_until(slow, NOON + timedelta(hours=8)) == [20]


def test_a_cadence_that_becomes_shorter_loses_no_hour(slow: RatingWorld) -> None:
    slow.push("25")
    plan_until(slow, NOON + timedelta(hours=3))
    assert slow.find_rating() is None
    slow.rating_cadence = HOURLY
    assert plan_until(slow, NOON + timedelta(hours=4)) == [16]


def test_a_cadence_that_becomes_longer_loses_no_hour(slow: RatingWorld) -> None:
    slow.rating_cadence = HOURLY
    slow.push("25")
    plan_until(slow, NOON + timedelta(hours=1))
    slow.rating_cadence = SIX_HOURS
    slow.push("26")
    assert plan_until(slow, NOON + timedelta(hours=12)) == [18]
    assert slow.rating().amount == Decimal("1.60")


@pytest.mark.parametrize("hours", [3, 6, 24])
def test_each_change_is_rated_within_a_slot_whatever_the_planner_misses(world: RatingWorld, hours: int) -> None:
    random = Random(hours)
    world.rating_cadence = RatingCadence(hours)
    world.planner_state.planned_until = NOON - timedelta(hours=1)
    for number in range(72):
        if random.random() < 0.5:
            world.push(str(1000 + number))
        world.clock.now += timedelta(hours=1)
        if random.random() < 0.6:
            world.plan()
            world.drain()
        if random.random() < 0.1:
            world.rating_cadence = RatingCadence(random.choice([1, hours]))
    world.push("5000")
    world.clock.now += timedelta(hours=hours + 1)
    world.plan()
    world.drain()
    assert world.rating().document.units == "5000"


def test_after_an_upgrade_the_planner_repeats_three_hours(world: RatingWorld) -> None:
    world.planner_state.planned_until = NOON - timedelta(hours=1)
    world.planner_state.is_of_earlier_release = True
    world.clock.now = NOON + timedelta(hours=1, minutes=6)
    world.plan()
    assert {(message["hour"], message["hours"]) for message in world.queue.messages} == {("2026-11-20T09", 4)}
    world.queue.messages.clear()
    world.clock.now += timedelta(hours=1)
    assert world.plan().count == 1
