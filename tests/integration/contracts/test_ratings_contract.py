"""The port that stores ratings: `FakeRatings` and the ratings table guard versions and frozen ratings alike."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias

import pytest

from functions.rate.ports import Ratings
from fusion_billing.billing.closed_periods import ClosedPeriod
from fusion_billing.billing.decisions import NewVersion, SameVersion, decide
from fusion_billing.billing.rating import ComputedRating, RatingKey, StoredRating, computed_rating
from fusion_billing.dynamodb.ratings.rating_writes import Save
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.errors import VersionConflict
from local.tables import Tables
from tests.fakes.ratings import FakeRatings
from tests.rating_documents import document

pytestmark = pytest.mark.integration

NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ORDER = 42
KEY = RatingKey("42", NOVEMBER, "api_calls")

Way: TypeAlias = Literal["save", "save_many"]


@pytest.fixture
def ratings(adapter: str, request: pytest.FixtureRequest) -> Ratings:
    if adapter == "fake":
        return FakeRatings()
    tables: Tables = request.getfixturevalue("tables")
    return RatingsStore(request.getfixturevalue("dynamodb"), tables.ratings, line_partitions=8)


def rated(units: str, amount: str, key: RatingKey = KEY, *thresholds: str) -> ComputedRating:
    return computed_rating(key, document(units=units, amount=amount), frozenset(thresholds))


def new_version(rating: ComputedRating, stored: StoredRating | None = None) -> NewVersion:
    decision = decide(rating, stored, period="open", has_usage=True)
    assert isinstance(decision, NewVersion)
    return decision


def write(
    ratings: Ratings, decision: NewVersion, stored: StoredRating | None, *, way: Way = "save", now: datetime = NOW
) -> None:
    """Write a version; raise the error of it."""
    if way == "save":
        ratings.save(decision, stored=stored, odoo_order_id=ORDER, now=now)
        return
    (error,) = ratings.save_many([Save(decision, stored, ORDER)], now=now)
    if error is not None:
        raise error


def put(ratings: Ratings, rating: ComputedRating, *, way: Way = "save", now: datetime = NOW) -> StoredRating:
    """Write a rating over the stored one, and return it as it is stored then."""
    stored = ratings.get_many([rating.key]).get(rating.key)
    write(ratings, new_version(rating, stored), stored, way=way, now=now)
    return ratings.get_many([rating.key])[rating.key]


ways = pytest.mark.parametrize("way", ["save", "save_many"])


@ways
def test_a_first_version_is_due(ratings: Ratings, way: Way) -> None:
    stored = put(ratings, rated("1250", "1.00", KEY, "usage:80"), way=way)

    assert (stored.key, stored.version, stored.amount, stored.raised) == (
        KEY,
        1,
        Decimal("1.00"),
        frozenset({"usage:80"}),
    )
    assert (stored.line.state, stored.line.at, stored.line.amount, stored.frozen) == ("due", NOW, None, False)
    assert [(entry.version, entry.units, entry.amount) for entry in stored.history] == [(1, "1250", "1.00")]
    assert ratings.whole(stored) == document(units="1250", amount="1.00")


@ways
def test_a_new_version_replaces_the_one_that_was_read(ratings: Ratings, way: Way) -> None:
    put(ratings, rated("1250", "1.00", KEY, "usage:80"), way=way)

    stored = put(ratings, rated("1500", "2.00", KEY, "usage:80", "usage:100"), way=way, now=LATER)

    assert (stored.version, stored.amount, stored.raised) == (2, Decimal("2.00"), frozenset({"usage:80", "usage:100"}))
    assert (stored.line.state, stored.line.at) == ("due", NOW)  # it was due already
    assert [entry.amount for entry in stored.history] == ["1.00", "2.00"]


@ways
def test_a_version_over_another_than_the_stored_one_is_a_conflict(ratings: Ratings, way: Way) -> None:
    read = put(ratings, rated("1", "0.10"), way=way)
    put(ratings, rated("2", "0.20"), way=way)

    with pytest.raises(VersionConflict):
        write(ratings, new_version(rated("1.5", "0.15"), read), read, way=way)

    stored = ratings.get_many([KEY])[KEY]
    assert (stored.version, stored.amount) == (2, Decimal("0.20"))


@ways
def test_a_first_version_of_a_rating_that_exists_is_a_conflict(ratings: Ratings, way: Way) -> None:
    put(ratings, rated("1", "0.10"), way=way)

    with pytest.raises(VersionConflict):
        write(ratings, new_version(rated("2", "0.20")), None, way=way)

    assert ratings.get_many([KEY])[KEY].amount == Decimal("0.10")


@ways
def test_a_frozen_rating_is_never_written_again(ratings: Ratings, way: Way) -> None:
    read = put(ratings, rated("1", "0.10"), way=way)
    ratings.freeze(read)

    with pytest.raises(VersionConflict):
        write(ratings, new_version(rated("2", "0.20"), read), read, way=way)

    stored = ratings.get_many([KEY])[KEY]
    assert (stored.version, stored.amount, stored.frozen) == (1, Decimal("0.10"), True)


def test_a_frozen_rating_that_odoo_never_took_has_no_line_to_send(ratings: Ratings) -> None:
    ratings.freeze(put(ratings, rated("1", "0.10")))

    assert ratings.get_many([KEY])[KEY].line.state is None


def test_freezing_another_version_than_the_stored_one_is_a_conflict(ratings: Ratings) -> None:
    read = put(ratings, rated("1", "0.10"))
    put(ratings, rated("2", "0.20"))

    with pytest.raises(VersionConflict):
        ratings.freeze(read)

    assert not ratings.get_many([KEY])[KEY].frozen


def test_a_change_around_the_same_version_is_guarded_too(ratings: Ratings) -> None:
    first = put(ratings, rated("1", "0.10"))
    change = SameVersion(first, "keep", frozenset({"usage:80"}))

    ratings.save(change, stored=first, odoo_order_id=ORDER, now=LATER)
    same = ratings.get_many([KEY])[KEY]
    put(ratings, rated("2", "0.20"))
    with pytest.raises(VersionConflict):
        ratings.save(change, stored=first, odoo_order_id=ORDER, now=LATER)

    assert (same.version, same.raised, same.line) == (1, frozenset({"usage:80"}), first.line)


def test_an_order_line_is_sent_at_its_time(ratings: Ratings) -> None:
    decision = new_version(rated("1", "0.10"))

    ratings.save(decision, stored=None, odoo_order_id=ORDER, now=NOW, line_at=LATER)
    waiting = ratings.get_many([KEY])[KEY]
    ratings.save(SameVersion(waiting, "due", frozenset()), stored=waiting, odoo_order_id=ORDER, now=NOW)

    assert (waiting.line.state, waiting.line.at) == ("due", LATER)
    assert ratings.get_many([KEY])[KEY].line.at == NOW


@pytest.mark.parametrize(("period", "state"), [("open", "due"), ("upcoming", "waiting")])
def test_only_the_line_of_an_open_period_is_due(
    ratings: Ratings, period: Literal["open", "upcoming"], state: str
) -> None:
    decision = decide(rated("1", "0.10"), None, period=period, has_usage=True)
    assert isinstance(decision, NewVersion)

    ratings.save(decision, stored=None, odoo_order_id=ORDER, now=NOW)

    assert ratings.get_many([KEY])[KEY].line.state == state


def test_a_conflict_of_one_rating_leaves_the_others_written(ratings: Ratings) -> None:
    put(ratings, rated("1", "0.10"))
    other = RatingKey("42", NOVEMBER, "seats")

    errors = ratings.save_many(
        [Save(new_version(rated("2", "0.20", key)), None, ORDER) for key in (KEY, other)], now=NOW
    )

    assert [type(error) for error in errors] == [VersionConflict, type(None)]
    assert {key.charge: stored.amount for key, stored in ratings.get_many([KEY, other]).items()} == {
        "api_calls": Decimal("0.10"),
        "seats": Decimal("0.20"),
    }


def test_ratings_are_listed_by_the_period_that_bills_them(ratings: Ratings) -> None:
    keys = [
        RatingKey("42", DECEMBER, "seats"),
        RatingKey("42", DECEMBER, "api_calls", corrects=NOVEMBER),
        RatingKey("42", DECEMBER, "api_calls"),
        RatingKey("43", DECEMBER, "api_calls"),
        KEY,
    ]
    for key in keys:
        put(ratings, rated("1", "0.10", key))

    names = [stored.key.name for stored in ratings.in_period("42", DECEMBER)]

    assert names == ["api_calls", "api_calls@2026-11-01T00:00:00Z", "seats"]
    assert ratings.in_period("44", DECEMBER) == []
    assert ratings.get_many([RatingKey("44", DECEMBER, "seats")]) == {}


def test_a_closed_period_is_stored_once(ratings: Ratings) -> None:
    periods = ratings.closed_periods
    first = ClosedPeriod(NOVEMBER, unpriced=frozenset({"seats"}))

    assert periods.put("42", first) == first
    assert periods.put("42", ClosedPeriod(NOVEMBER)) == first
    periods.put("42", ClosedPeriod(DECEMBER))
    periods.note("42", NOVEMBER, "digest")

    assert {start: closed.digest for start, closed in periods.since("42", NOVEMBER).items()} == {
        NOVEMBER: "digest",
        DECEMBER: None,
    }
    assert list(periods.since("42", DECEMBER)) == [DECEMBER]
    assert periods.since("43", NOVEMBER) == {}
