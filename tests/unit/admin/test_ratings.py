"""Ratings are listed and explained to whoever may see their metric."""

from datetime import datetime

import pytest

from functions.admin.services import ratings, statements
from functions.admin.services.ratings import RatingDetail, Viewer
from fusion_billing.access.principal import Principal
from fusion_billing.dynamodb.usage.items import StoredUsageRecord
from fusion_billing.errors import Forbidden, NotFound
from fusion_billing.instants import rfc3339
from tests.fakes.rating_world import RatingWorld
from tests.fakes.ratings import an_empty_statement
from tests.fakes.usage import FakeUsageReader
from tests.rating_steps import midnight

SOURCE = "src_" + "a" * 16
ADMIN = Principal("admin", "src_admin", frozenset({"admin"}))
LIMITED = Principal("key", SOURCE, frozenset({"ratings:read"}), metrics=frozenset({"storage"}))


@pytest.fixture
def world() -> RatingWorld:
    """A subscription whose November came to 1.50: 25 units, 10 of them included, at 0.10."""
    world = RatingWorld()
    world.catalog.define_metric()
    world.catalog.define_charge()
    world.subscribe()
    world.push("25")
    world.rate()
    return world


def viewer(world: RatingWorld, principal: Principal = ADMIN) -> Viewer:
    return Viewer(principal, world.subscriptions.items["42"])


def detail(world: RatingWorld, principal: Principal = ADMIN, charge: str = "api_calls") -> RatingDetail:
    key = world.key(charge=charge)
    return ratings.detail(world.ratings, FakeUsageReader(), viewer(world, principal), key, after=None, limit=10)[0]


def test_ratings_are_listed_with_what_was_billed(world: RatingWorld) -> None:
    page, after = ratings.listing(world.ratings, viewer(world), None, None, 10)
    assert after is None
    assert [(shown["charge"], shown["units"], shown["amount"], shown["version"]) for shown in page] == [
        ("api_calls", "25", "1.50", 1)
    ]


def test_ratings_are_listed_page_by_page_and_by_the_period_of_an_instant(world: RatingWorld) -> None:
    world.catalog.define_charge("extra")
    world.rate()
    page, after = ratings.listing(world.ratings, viewer(world), midnight("2026-11-20"), None, 1)
    rest, end = ratings.listing(world.ratings, viewer(world), midnight("2026-11-20"), after, 5)
    assert ([shown["charge"] for shown in page + rest], end) == (["api_calls", "extra"], None)
    assert ratings.listing(world.ratings, viewer(world), midnight("2026-12-20"), None, 5) == ([], None)


def test_a_rating_is_explained_by_its_steps_history_and_records(world: RatingWorld) -> None:
    reader = FakeUsageReader()
    start, end = rfc3339(midnight("2026-11-03")), rfc3339(midnight("2026-11-04"))
    quantity = world.ratings.items[world.key()].amount
    reader.items[SOURCE, "k1"] = StoredUsageRecord(SOURCE, "k1", "42", "api_calls", start, end, quantity, 1, None, "")
    shown, _ = ratings.detail(world.ratings, reader, viewer(world), world.key(), after=None, limit=10)
    assert [step["amount"] for step in shown["steps"]] == ["0", "1.5"]
    assert (shown["steps_total"], shown["steps_next"]) == (2, None)
    assert [entry["version"] for entry in shown["history"]] == [1]
    assert [record["idempotency_key"] for record in shown["records"]] == ["k1"]


def test_a_later_correction_is_shown_with_the_rating_that_it_corrects(world: RatingWorld) -> None:
    world.acknowledge()
    world.invoice("2027-01-01")
    world.rate()
    world.read_invoice("1.50")
    world.push("10", "2026-11-05")
    world.rate()
    [adjustment] = detail(world)["adjustments"]
    assert (adjustment["amount"], adjustment["corrects"]["period_start"]) == ("1.00", "2026-11-01T00:00:00Z")


def test_a_rating_that_does_not_exist_or_may_not_be_seen_is_not_found(world: RatingWorld) -> None:
    with pytest.raises(NotFound):
        detail(world, charge="none")
    with pytest.raises(NotFound):
        detail(world, LIMITED)
    assert ratings.listing(world.ratings, viewer(world, LIMITED), None, None, 10) == ([], None)


def test_statements_of_closed_periods_are_listed_and_shown(world: RatingWorld) -> None:
    starts = ("2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")
    for start in starts:
        world.statements.documents["42", start] = an_empty_statement("42", datetime.fromisoformat(start))
    page, after = statements.listing(world.statements, "42", None, 2)
    assert ([shown["period_start"] for shown in page], after) == ([starts[2], starts[1]], starts[1])
    rest, end = statements.listing(world.statements, "42", midnight("2026-10-01"), 2)
    assert ([shown["period_start"] for shown in rest], end) == ([starts[0]], None)
    assert statements.get(world.statements, "42", midnight("2026-09-01"))["subscription"] == "42"
    with pytest.raises(NotFound):
        statements.get(world.statements, "42", midnight("2026-12-01"))


def test_a_source_that_is_limited_to_metrics_sees_no_statement() -> None:
    statements.check_scope(ADMIN)
    with pytest.raises(Forbidden):
        statements.check_scope(LIMITED)
