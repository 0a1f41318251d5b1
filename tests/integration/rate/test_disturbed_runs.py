"""Workers that run at once or are killed: the ratings are those of one that was left in peace."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from functions.rate.rater import Rater
from functions.rate.rating_writer import Writer
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

IDS = [str(number) for number in range(100, 160)]
PAIRS = [ChangedPair(id_, "api_calls", "2026-11") for id_ in IDS]


@pytest.fixture
def many(world: "World") -> "World":
    """A world of sixty subscriptions that used 25 units each."""
    world.metric()
    world.charge()
    for id_ in IDS:
        world.subscribe(id_)
        world.push("25", id_=id_)
    return world


def _versions(world: "World") -> set[tuple[int, Decimal]]:
    ratings = [world.rating(id_=id_) for id_ in IDS]
    return {(one.version, one.amount) for one in ratings}


def test_workers_at_the_same_pairs_at_once_make_one_version_of_each(many: "World") -> None:
    with ThreadPoolExecutor(4) as workers:
        raters = list(workers.map(lambda _: _rated(many), range(4)))
    assert _versions(many) == {(1, Decimal("1.50"))}
    assert sum(rater.statistics.changed for rater in raters) == len(IDS)
    assert many.reported == []


def _rated(world: "World") -> Rater:
    rater = world.rater()
    rater.rate_pairs(PAIRS)
    return rater


class _Killed:
    """Ratings whose database is gone after so many calls that write."""

    def __init__(self, world: "World", writes: int) -> None:
        self._ratings = world.ratings
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        if name.startswith("save"):
            if not self._left:
                raise EndpointConnectionError(endpoint_url="http://dynamodb")
            self._left -= 1
        return getattr(self._ratings, name)


def test_a_worker_killed_half_way_is_done_again_to_the_same_end(many: "World") -> None:
    killed: Any = _Killed(many, 1)
    rater = Rater(many.sources(), killed, Writer(killed, many.outbox, many.now))
    with pytest.raises(EndpointConnectionError):
        rater.rate_pairs(PAIRS)
    assert 0 < sum(many.find_rating(id_=id_) is not None for id_ in IDS) < len(IDS)
    assert many.reported == []
    _rated(many)
    assert _versions(many) == {(1, Decimal("1.50"))}
