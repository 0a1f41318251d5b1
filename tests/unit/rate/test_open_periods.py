"""Open periods are rated from their records; a pair that fails costs the others nothing."""

from dataclasses import replace
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from fusion_billing.billing.groups import TooManyGroups
from fusion_billing.billing.pricing import Pricing
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.errors import Unavailable, VersionConflict
from tests.fakes.rating_world import RatingWorld

NOVEMBER = ChangedPair("42", "api_calls", "2026-11")


def test_a_changed_pair_is_rated_and_announced(world: RatingWorld) -> None:
    world.push("25")
    world.rate()
    assert (world.rating().version, world.rating().amount) == (1, Decimal("1.50"))
    [data] = world.outbox.data_of("rating.updated")
    assert (data["units"], data["amount"], data["version"]) == ("25", "1.50", 1)


def test_rating_again_changes_nothing(world: RatingWorld) -> None:
    world.push("25")
    world.rate()
    before = dict(world.ratings.items)
    world.rate()
    assert world.ratings.items == before
    assert len(world.outbox.data_of("rating.updated")) == 1


def test_a_pair_marked_twice_is_rated_once(world: RatingWorld) -> None:
    world.push("25")
    rater = world.rater()
    rater.rate_pairs([NOVEMBER, NOVEMBER])
    assert rater.statistics.as_counts() == {"evaluated": 1, "changed": 1, "failed": 0}


def test_an_unknown_subscription_is_skipped(world: RatingWorld) -> None:
    world.rate(ChangedPair("7", "api_calls", "2026-11"))
    assert (world.ratings.items, world.reported) == ({}, [])


def test_a_worker_that_was_overtaken_rates_again(world: RatingWorld) -> None:
    world.push("25")
    world.rate()
    first = world.rating()
    world.push("30")
    world.ratings.overtaken[first.key] = replace(first, version=2, digest="of another worker")
    world.rate()
    assert (world.rating().version, world.rating().amount) == (3, Decimal("2.00"))
    assert world.reported == []


def test_a_rating_frozen_meanwhile_becomes_an_adjustment(world: RatingWorld) -> None:
    world.push("25")
    world.rate()
    world.acknowledge()
    stored = world.subscriptions.items["42"]
    rater = world.rater()
    rater._inputs.subscription("42")  # reads the calendar before the invoice comes
    world.invoice("2027-01-01")
    world.ratings.freeze(world.rating())
    world.push("40")
    rater.rate_subscription("42", charge="api_calls")
    world.rate()
    assert stored != world.subscriptions.items["42"]
    assert world.rating().amount == Decimal("1.50")
    assert world.rating("2026-12-01", corrects="2026-11-01").amount == Decimal("1.50")


def test_a_charge_that_cannot_be_rated_is_reported_and_its_pair_marked_again(
    world: RatingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(price: Pricing, _: object) -> None:
        if price.charge.code == "grouped":
            raise TooManyGroups("Charge grouped has too many groups")

    monkeypatch.setattr("functions.rate.open_periods.check_groups", check)
    world.catalog.define_charge("grouped")
    world.push("25")
    rater = world.rater()
    world.markers.hours.clear()
    rater.rate_pairs([NOVEMBER])
    assert world.rating().amount == Decimal("1.50")
    assert [pair for pair, _ in world.reported] == [NOVEMBER]
    assert rater.statistics.failed == 1
    assert world.markers.names() == [NOVEMBER.name]


def test_throttled_subscriptions_fail_alone_up_to_three(world: RatingWorld) -> None:
    for number in range(100, 104):
        world.subscribe(str(number))
        world.push("25", id_=str(number))
    world.push("25")
    pairs = [ChangedPair(str(number), "api_calls", "2026-11") for number in range(100, 104)]
    world.ratings.unavailable = {"100", "101", "102"}
    world.rate(*pairs, NOVEMBER)
    assert world.rating().version == 1
    assert [pair.subscription for pair, _ in world.reported] == ["100", "101", "102"]
    world.ratings.unavailable.add("103")
    with pytest.raises(Unavailable):
        world.rate(*pairs)


def test_a_message_about_one_subscription_fails_if_it_is_throttled(world: RatingWorld) -> None:
    world.ratings.unavailable = {"42"}
    with pytest.raises(Unavailable):
        world.rate_subscription()
    assert world.reported == []


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://dynamodb"),
        ClientError({"Error": {"Code": "AccessDeniedException"}}, "Query"),
    ],
    ids=["no connection", "no right"],
)
def test_what_concerns_every_pair_fails_the_message(
    world: RatingWorld, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(world.usage, "between", refuse)
    with pytest.raises(type(error)):
        world.rate()
    assert world.reported == []


def test_a_rating_the_table_cannot_take_is_reported(world: RatingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    error = ClientError({"Error": {"Code": "ValidationException"}}, "PutItem")
    monkeypatch.setattr(world.ratings, "save_many", lambda saves, now: [error for _ in saves])
    world.push("25")
    world.rate()
    assert [reason for _, reason in world.reported] == [error]


def test_endless_conflicts_are_reported_as_unavailable(world: RatingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def conflict(*_: object, **__: object) -> None:
        raise VersionConflict("Another worker wrote the rating")

    monkeypatch.setattr(world.ratings, "_save_version", conflict)
    world.push("25")
    world.rate()
    [(pair, error)] = world.reported
    assert (pair, type(error)) == (NOVEMBER, Unavailable)


def test_events_are_written_with_the_rating(world: RatingWorld) -> None:
    world.outbox.has_listeners = True
    world.push("25")
    world.rate()
    assert world.ratings.events == world.outbox.events
    assert len(world.outbox.woken_up_for) == len(world.outbox.events)


def test_a_charge_that_no_longer_applies_is_brought_to_zero(world: RatingWorld) -> None:
    world.push("25")
    world.rate()
    world.acknowledge()
    world.change(plan="Basic")
    world.rate_subscription()
    assert (world.rating().amount, world.rating().line.state) == (Decimal(0), "due")


def test_usage_of_the_next_period_waits_for_it(world: RatingWorld) -> None:
    world.push("25", "2026-12-03")
    world.rate(ChangedPair("42", "api_calls", "2026-12"))
    assert world.rating("2026-12-01").line.state == "waiting"
    world.invoice("2027-01-01")
    world.rate_subscription()
    assert world.rating("2026-12-01").line.state == "due"


def test_a_corrected_start_brings_ratings_under_the_former_start_to_zero(world: RatingWorld) -> None:
    world.subscriptions.items.clear()
    world.subscribe(start_date="2026-11-01")
    world.push("25", "2026-11-10")
    world.rate()
    world.change(start_date="2026-11-05")
    world.rate_subscription()
    amounts = {f"{key.period_start:%m-%d}": rating.amount for key, rating in world.ratings.items.items()}
    assert sum(amounts.values()) == Decimal("1.50")
