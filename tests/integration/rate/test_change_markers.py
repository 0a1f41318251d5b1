"""Every marker is read: of one pair or of a batch, of an earlier release or of this one, each pair once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fusion_billing.dynamodb.markers.change_markers import ChangeMarkers
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.retry import Deadline
from tests.rating_steps import SHARDS

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

HOUR = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIRST_RELEASE = "D#2026-11-20T12#{shard:02d}"


def mark(world: "World", *batches: Sequence[str], now: datetime = HOUR) -> None:
    """Mark batches, each by a container of its own."""
    for names in batches:
        markers = ChangeMarkers(world.client, world.tables.markers, SHARDS)
        deadline = Deadline(5, lambda: 0.0, lambda _: None)
        assert markers.mark(names, now, deadline) == set()


def names(ids: range, metric: str = "api_calls") -> list[str]:
    return [f"{id_}#{metric}#2026-11" for id_ in ids]


def marked(world: "World", hours: Sequence[datetime] = (HOUR,), **request: Any) -> list[list[str]]:
    """Return the pages of each shard, one after the other."""
    return [
        [pair.name for pair in page] for shard in range(SHARDS) for page in world.markers.pages(hours, shard, **request)
    ]


def test_a_pair_of_several_batches_and_hours_is_read_once(world: "World") -> None:
    mark(world, names(range(100, 160)), names(range(140, 200)), names(range(150, 151)))
    mark(world, names(range(130, 170)), now=HOUR + timedelta(hours=1))
    pages = marked(world, [HOUR, HOUR + timedelta(hours=1)])
    assert sorted(name for page in pages for name in page) == names(range(100, 200))


def test_all_pairs_of_a_subscription_are_in_one_shard_whatever_batch_they_came_in(world: "World") -> None:
    mark(world, *(names(range(100, 120), metric) for metric in ("api_calls", "seats", "storage")))
    for page in marked(world):
        assert all(page.count(name.replace("#api_calls#", "#seats#")) == 1 for name in page if "#api_calls#" in name)
        assert page == sorted(page)


def test_pages_go_on_after_a_name(world: "World") -> None:
    mark(world, names(range(100, 200)), names(range(150, 250)))
    for shard in range(SHARDS):
        all_names = [pair.name for page in world.markers.pages([HOUR], shard) for pair in page]
        rest = [pair.name for page in world.markers.pages([HOUR], shard, after=all_names[7], limit=3) for pair in page]
        assert rest == all_names[8:]


def test_a_pair_is_urgent_if_one_of_its_markers_is(world: "World") -> None:
    pair = ChangedPair("42", "api_calls", "2026-11")
    mark(world, [pair.name, "43#api_calls#2026-11"])
    world.markers.put(pair, HOUR)
    urgent = {
        found.subscription: found.is_urgent
        for shard in range(SHARDS)
        for page in world.markers.pages([HOUR], shard)
        for found in page
    }
    assert urgent == {"42": True, "43": False}


def test_markers_of_earlier_releases_are_read_beside_those_of_this_one(small_world: "World") -> None:
    small_world.push("25", is_marked=False)
    for shard in range(SHARDS):  # the release before wrote it into one of them
        item = {"pk": {"S": FIRST_RELEASE.format(shard=shard)}, "sk": {"S": "42#api_calls#2026-11"}}
        small_world.client.put_item(TableName=small_world.tables.markers, Item=item)
    mark(small_world, names(range(100, 103)))
    small_world.rate_hour(HOUR)
    assert small_world.rating().version == 1


def test_the_shards_that_may_have_marked_pairs_are_found(world: "World") -> None:
    assert world.markers.marked_shards([HOUR]) == set()
    mark(world, names(range(100, 101)))
    assert len(world.markers.marked_shards([HOUR - timedelta(hours=1), HOUR])) == 1
    mark(world, names(range(100, 110)))
    assert world.markers.marked_shards([HOUR]) == set(range(SHARDS))
