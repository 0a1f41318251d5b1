"""What ingest takes in is what rating rates: stores and markers of the one, read by the other."""

import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from fusion_billing import strict_json
from fusion_billing.dynamodb.markers.change_markers import ChangeMarkers, late_before, marker_of
from fusion_billing.dynamodb.usage.batch_write import UsageBatch
from fusion_billing.dynamodb.usage.single_write import UsageStore
from fusion_billing.metering.parsing import parse
from fusion_billing.retry import Deadline
from tests.window_records import Keyed, keyed_by_window

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

SHARDS = 4


@pytest.fixture(params=["key", "window"])
def keyed(request: pytest.FixtureRequest) -> Keyed:
    """Both kinds of records."""
    kind: Keyed = request.param
    return kind


class Pusher:
    """Does as ingest does: marks first, then stores."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.markers = ChangeMarkers(world.client, world.tables.markers, SHARDS)
        self.single = UsageStore(world.client, world.tables.usage, world.tables.window_usage)
        self.batch = UsageBatch(world.client, world.tables.usage, world.tables.window_usage)

    def push(self, *records: dict[str, Any]) -> list[str]:
        deadline = Deadline(20, time.monotonic, time.sleep)
        common = {"subscription": "42", "metric": "api_calls"}
        bodies = [strict_json.loads(json.dumps(common | record)) for record in records]
        pushes = [parse(body, lambda: "made") for body in bodies]
        if self.world.keyed == "window":
            pushes = [keyed_by_window(push) for push in pushes]
        self.markers.mark({marker_of(push, late_before(self.world.now)) for push in pushes}, self.world.now, deadline)
        at = "2026-11-20T12:30:00Z"
        if len(pushes) == 1:
            return [self.single.push("src_1", pushes[0], at, deadline).outcome]
        return [answer.outcome for answer in self.batch.push("src_1", pushes, at, deadline)]


def _day(day: int, quantity: str, **fields: Any) -> dict[str, Any]:
    return {
        "idempotency_key": f"day-{day}",
        "period_start": f"2026-11-{day:02d}T00:00:00Z",
        "period_end": f"2026-11-{day + 1:02d}T00:00:00+00:00",
        "quantity": quantity,
        **fields,
    }


def test_a_month_of_counters_with_re_sends_and_corrections_is_rated_to_the_cent(small_world: "World") -> None:
    ingest = Pusher(small_world)
    assert ingest.push(*(_day(day, "1.5", sequence=1) for day in range(1, 29))) == ["created"] * 28
    assert ingest.push(_day(3, "1.5", sequence=1)) == ["unchanged"]
    assert ingest.push(_day(4, "12.25", sequence=2)) == ["updated"]
    assert ingest.push(_day(4, "99", sequence=1)) == ["stale"]
    small_world.rate_hour()
    rating = small_world.rating()
    assert rating.document.units == "52.75"
    assert rating.amount == Decimal("4.28")  # 42.75 units past 10, at 0.10: 4.275, half-up


def test_members_and_properties_reach_the_rating(world: "World") -> None:
    world.metric("seats", "unique_count")
    world.charge(
        "seats",
        metric="seats",
        included_units="0",
        group_by=["region"],
        model={"type": "per_unit", "unit_amount": "2"},
    )
    world.subscribe()
    ingest = Pusher(world)
    seats = [("ada", "eu"), ("ada", "us"), ("bob", "eu"), ("ada", "eu")]
    records = [
        _day(day, "1", metric="seats", member=member, properties={"region": region})
        for day, (member, region) in enumerate(seats, 1)
    ]
    assert ingest.push(*records) == ["created"] * 4
    world.rate_hour()
    rating = world.rating(charge="seats")
    assert (rating.document.units, rating.amount) == ("3", Decimal(6))
    assert any("eu" in step.description for step in rating.document.steps)
