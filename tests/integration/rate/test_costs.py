"""What rating an hour and a sweep cost in units, as the tables of docs/cost.md count them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.application.amount_totals import AmountTotals
from fusion_billing.billing.rating import RatingKey
from fusion_billing.dynamodb.keys import list_shard
from fusion_billing.dynamodb.markers.change_markers import marker_item
from fusion_billing.dynamodb.ratings.rated_amounts import RatedAmounts
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.dynamodb.state.amount_totals import StoredTotals
from fusion_billing.messaging.rating_messages import SubscriptionJob, SweepJob
from local.capacity import Consumed
from local.tables import Tables
from tests.bench.cost_model import NOW as MEASURED
from tests.rating_items import rating_save
from tests.rating_steps import SHARDS
from tests.window_records import Keyed

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

METRICS = ("api_calls", "seats", "storage")


@pytest.fixture(params=["key", "window"])
def keyed(request: pytest.FixtureRequest) -> Keyed:
    """Both kinds of records."""
    kind: Keyed = request.param
    return kind


@pytest.fixture
def subscribed(world: "World") -> "World":
    """A subscription with three metrics and a charge on each, and two invoiced periods."""
    for metric in METRICS:
        world.metric(metric)
        world.charge(metric, metric=metric)
    world.subscribe(next_invoice_date="2026-10-01", start_date="2026-08-01")
    for month in (10, 11):
        world.now = datetime(2026, month, 1, 3, tzinfo=UTC)
        world.invoice(f"2026-{month + 1}-01")
        world.do(SubscriptionJob(subscription="42"))
    world.now = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    return world


def push(world: "World", quantity: str) -> None:
    """Push a counter of each metric in one batch."""
    for metric in METRICS:
        world.push(quantity, metric=metric, is_marked=False)
    names = [f"42#{metric}#2026-11" for metric in METRICS]
    hour = world.now.strftime("%Y-%m-%dT%H")
    world.client.put_item(TableName=world.tables.markers, Item=marker_item(names, hour, SHARDS))


def metered_world(world: "World", client: DynamoDBClient) -> "World":
    return world.on(client)


def test_an_hour_reads_each_subscription_once_and_each_rating_once(
    subscribed: "World", metered: tuple[DynamoDBClient, Consumed]
) -> None:
    push(subscribed, "25")
    subscribed.rate_hour()
    push(subscribed, "26")
    client, consumed = metered
    metered_world(subscribed, client).rate_hour()
    assert subscribed.rating(charge="seats").amount == Decimal("1.60")
    definitions = 2.0  # the metrics and the charges, once a message
    assert consumed.units(subscribed.tables.catalog) - definitions <= MEASURED.subscription_read_units
    read = subscribed.tables.usage if subscribed.keyed == "key" else subscribed.tables.window_usage
    assert consumed.units(read) == len(METRICS) * 0.5
    assert consumed.units(subscribed.tables.ratings) <= len(METRICS) * MEASURED.rating_read_units
    writes = [name for name in consumed.operations if name not in {"Query", "BatchGetItem"}]
    # The ratings, then the lines of the period: of a unit each, which the engine does not report.
    assert writes == ["BatchExecuteStatement"] * 2


def test_a_sweep_of_an_unchanged_subscription_reads_these_units(
    subscribed: "World", metered: tuple[DynamoDBClient, Consumed]
) -> None:
    push(subscribed, "25")
    subscribed.rate_hour()
    shard = list_shard("42")
    for _ in range(2):
        subscribed.do(SweepJob(list_shard=shard))
    client, consumed = metered
    metered_world(subscribed, client).do(SweepJob(list_shard=shard))
    definitions, listing = 2.0, 0.5  # once a message, and once for 25 subscriptions
    units = consumed.units(subscribed.tables.catalog) - definitions - listing
    units += consumed.units(subscribed.tables.ratings) + 1  # the newest invoiced period has no ratings here
    assert units <= MEASURED.swept_subscription_units, consumed.operations
    assert set(consumed.operations) == {"Query"}


def test_totals_cost_half_a_read_unit_a_rating_and_write_one_item_a_part(
    dynamodb: DynamoDBClient, tables: Tables, metered: tuple[DynamoDBClient, Consumed]
) -> None:
    ids = [each for each in map(str, range(4_000)) if list_shard(each) == 0][:150]
    start, end = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    saves = [rating_save(RatingKey(each, start, metric), end) for each in ids for metric in METRICS]
    ratings = RatingsStore(dynamodb, tables.ratings, line_partitions=8)
    assert ratings.save_many(saves, now=start) == [None] * len(saves)
    client, consumed = metered
    totals = AmountTotals(RatedAmounts(client, tables.ratings), StoredTotals(client, tables.state))
    totals.refresh(start, lambda: True, shard=0)
    empty_parts = 3 * 0.5
    assert consumed.units(tables.ratings) - empty_parts <= len(saves) * MEASURED.totalled_rating_units
    assert sorted(consumed.operations) == ["BatchGetItem"] * 6 + ["PutItem"] * 4 + ["Query"] * 4
    # A container that begins later reads what is stored, however many ratings there are.
    consumed.clear()
    totals = AmountTotals(RatedAmounts(client, tables.ratings), StoredTotals(client, tables.state))
    totals.refresh(start, lambda: False, shard=0)
    assert sum(total.ratings for _, total in totals.sums(start)) == len(saves)
    assert consumed.operations == ["BatchGetItem"]
