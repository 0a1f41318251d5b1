"""The ports of change markers: `FakeChangeMarkers` and the markers table name the same pairs in the same order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from functions.admin.ports import MarkedPairs
from functions.ingest.ports import ChangeMarkers as MarkerWriting
from functions.rate.ports import ChangeMarkers as MarkerReading
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.markers.change_markers import ChangeMarkers
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair, ChangedPairs
from fusion_billing.retry import Deadline
from local.tables import Tables
from tests.fakes.change_markers import FakeChangeMarkers

pytestmark = pytest.mark.integration

SHARDS = 4
HOUR = datetime(2026, 11, 20, 12, tzinfo=UTC)
NEXT_HOUR = HOUR + timedelta(hours=1)


@dataclass
class Markers:
    """The markers table as its users see it."""

    writing: MarkerWriting
    reading: MarkerReading
    shards: MarkedPairs
    deadline: Deadline

    def mark(self, *names: str, at: datetime = HOUR) -> set[str]:
        return self.writing.mark(names, at + timedelta(minutes=30), self.deadline)

    def pairs(
        self, hours: Sequence[datetime] = (HOUR,), *, after: str | None = None, limit: int = 500
    ) -> list[ChangedPair]:
        """Return the pairs of all shards, by name."""
        pages = [page for shard in range(SHARDS) for page in self.reading.pages(hours, shard, after=after, limit=limit)]
        assert all(len(page) <= limit for page in pages)
        return sorted((pair for page in pages for pair in page), key=lambda pair: pair.name)


@pytest.fixture
def markers(adapter: str, request: pytest.FixtureRequest, deadline: Deadline) -> Markers:
    if adapter == "fake":
        fake = FakeChangeMarkers(shards=SHARDS)
        return Markers(fake, fake, fake, deadline)
    client = request.getfixturevalue("dynamodb")
    tables: Tables = request.getfixturevalue("tables")
    pairs = ChangedPairs(client, tables.markers, shards=SHARDS)
    return Markers(ChangeMarkers(client, tables.markers, SHARDS), pairs, pairs, deadline)


def marker(subscription: str, metric: str = "api_calls", *, is_urgent: bool = False) -> str:
    return keys.change_marker(keys.pair(subscription, metric), "2026-11", is_urgent=is_urgent)


def test_every_marked_pair_is_read_once(markers: Markers) -> None:
    assert markers.mark(marker("42"), marker("42", "seats"), marker("43")) == set()
    assert markers.mark(marker("42"), marker("44")) == set()

    assert [(pair.subscription, pair.metric, pair.month) for pair in markers.pairs()] == [
        ("42", "api_calls", "2026-11"),
        ("42", "seats", "2026-11"),
        ("43", "api_calls", "2026-11"),
        ("44", "api_calls", "2026-11"),
    ]


def test_all_pairs_of_a_subscription_are_in_one_shard(markers: Markers) -> None:
    names = [marker(str(number), metric) for number in range(20) for metric in ("api_calls", "seats")]
    markers.mark(*names)

    shards = [
        {pair.subscription for page in markers.reading.pages([HOUR], shard) for pair in page} for shard in range(SHARDS)
    ]

    assert sum(map(len, shards)) == len(set.union(*shards)) == 20
    marked = markers.shards.marked_shards([HOUR])  # a shard may turn out to have none
    assert marked >= {shard for shard, subscriptions in enumerate(shards) if subscriptions}


def test_a_pair_marked_in_several_hours_is_read_once(markers: Markers) -> None:
    markers.mark(marker("42"))
    markers.mark(marker("42"), marker("43"), at=NEXT_HOUR)

    assert [pair.subscription for pair in markers.pairs([HOUR])] == ["42"]
    assert [pair.subscription for pair in markers.pairs([HOUR, NEXT_HOUR])] == ["42", "43"]
    assert markers.pairs([NEXT_HOUR + timedelta(hours=1)]) == []


def test_a_pair_is_urgent_if_one_of_its_markers_is(markers: Markers) -> None:
    markers.mark(marker("42"), marker("43", is_urgent=True), marker("44"))
    markers.mark(marker("44", is_urgent=True))

    assert {pair.subscription: pair.is_urgent for pair in markers.pairs()} == {"42": False, "43": True, "44": True}


def test_a_pair_that_rating_marks_again_is_urgent_in_that_hour(markers: Markers) -> None:
    markers.mark(marker("42"))

    markers.reading.put(ChangedPair("42", "api_calls", "2026-11"), NEXT_HOUR)

    assert [pair.is_urgent for pair in markers.pairs([HOUR])] == [False]
    assert [pair.is_urgent for pair in markers.pairs([NEXT_HOUR])] == [True]
    assert [pair.is_urgent for pair in markers.pairs([HOUR, NEXT_HOUR])] == [True]


def test_pages_have_at_most_their_limit_and_start_after_a_name(markers: Markers) -> None:
    markers.mark(*(marker("42", f"metric_{number}") for number in range(5)))

    pairs = markers.pairs(limit=2)

    assert [pair.metric for pair in pairs] == [f"metric_{number}" for number in range(5)]
    assert markers.pairs(after=pairs[2].name, limit=2) == pairs[3:]


def test_nothing_is_marked_in_an_hour_without_usage(markers: Markers) -> None:
    assert markers.shards.marked_shards([HOUR]) == set()

    markers.mark(marker("42"))

    assert len(markers.shards.marked_shards([HOUR])) == 1
    assert markers.shards.marked_shards([NEXT_HOUR]) == set()
    assert markers.shards.marked_shards([NEXT_HOUR, HOUR]) == markers.shards.marked_shards([HOUR])
