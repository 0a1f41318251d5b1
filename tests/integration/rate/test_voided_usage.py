"""A voided record is rated as if it had never been pushed: each aggregation, and an invoiced period."""

import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from fusion_billing import strict_json
from fusion_billing.billing.rating import StoredRating
from fusion_billing.dynamodb.markers.change_markers import ChangeMarkers, late_before, marker_of
from fusion_billing.dynamodb.usage.metric_keying import MetricKeying
from fusion_billing.dynamodb.usage.reading import UsageReader
from fusion_billing.dynamodb.usage.single_write import UsageStore
from fusion_billing.dynamodb.usage.voiding import UsageVoiding
from fusion_billing.metering.parsing import parse
from fusion_billing.retry import Deadline
from tests.window_records import Keyed, keyed_by_window

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

AGGREGATIONS = ["sum", "count", "max", "min", "last", "average", "unique_count", "time_weighted"]
QUANTITIES = {3: "8", 9: "2", 15: "40", 20: "1", 24: "5"}
VOIDED = (15, 20, 24)  # the greatest, the least, the last


@pytest.fixture(params=["key", "window"])
def keyed(request: pytest.FixtureRequest) -> Keyed:
    """Both kinds of records."""
    kind: Keyed = request.param
    return kind


class Usage:
    """Does as ingest and admin do: marks first, then writes."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.markers = ChangeMarkers(world.client, world.tables.markers, 4)
        self.store = UsageStore(world.client, world.tables.usage, world.tables.window_usage)
        self.reader = UsageReader(
            world.client,
            world.tables.usage,
            world.tables.window_usage,
            MetricKeying(world.client, world.tables.catalog),
        )
        self.voiding = UsageVoiding(world.client, world.tables.usage, world.tables.window_usage)

    def push(self, day: int, subscription: str = "42", **fields: Any) -> str:
        record = {
            "idempotency_key": f"{subscription}-{day}",
            "subscription": subscription,
            "metric": "api_calls",
            "period_start": f"2026-11-{day:02d}T00:00:00Z",
            "period_end": f"2026-11-{day + 1:02d}T00:00:00Z",
            "quantity": QUANTITIES[day],
            **fields,
        }
        push = parse(strict_json.loads(json.dumps(record)), lambda: "made")
        if self.world.keyed == "window":
            push = keyed_by_window(push)
        self.markers.mark({marker_of(push, late_before(self.world.now))}, self.world.now, deadline())
        return self.store.push("src_1", push, "2026-11-20T12:30:00Z", deadline()).outcome

    def void(self, day: int, subscription: str = "42") -> str:
        key = f"{subscription}-{day}"
        if self.world.keyed == "window":
            key = f"window~{subscription}~api_calls~202611{day:02d}T000000Z~202611{day + 1:02d}T000000Z~{key}"
        record = self.reader.get("src_1", key)
        assert record is not None
        self.markers.mark({marker_of(record, late_before(self.world.now))}, self.world.now, deadline())
        return self.voiding.void(record, "2026-11-20T12:40:00Z", deadline(), actor="key").outcome


def deadline() -> Deadline:
    return Deadline(20, time.monotonic, time.sleep)


def said(rating: StoredRating) -> Any:
    document = rating.document
    figures = (document.units, document.billable_units, document.amount, document.unrounded_amount)
    return figures, document.steps, rating.amount


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_voided_record_leaves_no_trace_in_what_is_owed(world: "World", aggregation: str) -> None:
    world.metric(aggregation=aggregation)
    world.charge(included_units="0")
    fee = {"type": "percentage", "rate_percent": "10", "fixed_amount": "1"}
    world.charge("fee", included_units="0", model=fee) if aggregation == "sum" else None
    world.subscribe("42")
    world.subscribe("43")
    usage = Usage(world)
    for day in QUANTITIES:
        usage.push(day)
        if day not in VOIDED:
            usage.push(day, "43")
    world.rate_hour()
    charges = ["api_calls", "fee"] if aggregation == "sum" else ["api_calls"]
    before = said(world.rating())
    assert [usage.void(day) for day in VOIDED] == ["voided"] * 3
    world.rate_hour()
    for charge in charges:
        assert said(world.rating(charge=charge)) == said(world.rating(charge=charge, id_="43"))
    assert usage.push(15) == usage.push(20) == usage.push(24) == "updated"
    world.rate_hour()
    assert said(world.rating()) == before


def test_voiding_all_there_was_brings_the_amount_to_zero(small_world: "World") -> None:
    usage = Usage(small_world)
    usage.push(15)
    small_world.rate_hour()
    assert small_world.rating().amount == Decimal(3)
    usage.void(15)
    small_world.rate_hour()
    assert small_world.rating().amount == 0


def test_voiding_what_was_invoiced_is_an_adjustment(small_world: "World") -> None:
    usage = Usage(small_world)
    usage.push(15)
    small_world.rate_hour()
    small_world.acknowledge()
    small_world.now = small_world.now.replace(month=12, day=2)
    small_world.invoice("2027-01-01")
    usage.void(15)
    small_world.rate_hour()
    adjustment = small_world.rating("2026-12-01", corrects="2026-11-01")
    assert adjustment.amount == Decimal(-3)
