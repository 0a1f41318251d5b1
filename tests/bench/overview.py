"""Measure the overview of all subscriptions, on DynamoDB Local, each time in a container that knows nothing yet.

The totals were added up three hours before, as by a sweep or an earlier look, so all of them are outdated. The
counterpart is the same overview of a tenth of the subscriptions: the ratio is what the others cost.
"""

import statistics
import time
from collections.abc import Iterator
from datetime import timedelta

from functions.admin.services.overview import OverviewJson, OverviewStores, overview
from fusion_billing.application.amount_totals import AmountTotals
from fusion_billing.billing.planning import hour_text
from fusion_billing.billing.rating import RatingKey
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.catalog.api_keys import KeyStore
from fusion_billing.dynamodb.catalog.sources import SourceStore
from fusion_billing.dynamodb.markers.change_markers import marker_item
from fusion_billing.dynamodb.markers.marked_counts import MarkedCounts
from fusion_billing.dynamodb.ratings.order_lines import LineStore
from fusion_billing.dynamodb.ratings.rated_amounts import RatedAmounts
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.dynamodb.raw_responses import decode_reads_as_json
from fusion_billing.dynamodb.state.amount_totals import StoredTotals
from fusion_billing.dynamodb.state.failing_pairs import FailingPairs
from fusion_billing.dynamodb.webhooks.deliveries import DeliveryStore
from fusion_billing.dynamodb.webhooks.endpoints import EndpointStore
from tests.bench.harness import Figure, Progress
from tests.bench.world import METRICS, MONTH, SHARDS, START, World, engine
from tests.rating_items import rating_save

_SUBSCRIPTIONS, _FEW = 10_000, 1_000
_PERIOD_END = START.replace(month=12)
_AGE = timedelta(hours=3)
_ROUNDS = 3
_MARKED_AT_ONCE = 100
_SAVED_AT_ONCE = 1_000
_BOUND_SECONDS = 2.0
_HOURS = 24


def run(*, full: bool) -> list[Figure]:
    """Measure with one rating a subscription, or with three (`full`)."""
    progress = Progress("overview", 2)
    metrics = METRICS if full else METRICS[:1]
    with engine() as url:
        few, _ = _measured(World(url), _FEW, metrics)
        progress.step(f"{_FEW:,} subscriptions")
        seconds, calls = _measured(World(url), _SUBSCRIPTIONS, metrics)
        progress.step(f"{_SUBSCRIPTIONS:,} subscriptions")
    name = f"{_SUBSCRIPTIONS:,} subscriptions of {len(metrics)} ratings"
    return [
        Figure("overview", f"{name}: complete", seconds, "s", seconds, bound=_BOUND_SECONDS),
        Figure("overview", f"{name}: complete", seconds / few, "s", seconds, f"{_FEW:,} subscriptions", few),
        Figure("overview", f"{name}: calls until complete, if nothing was added up yet", calls, "", calls),
    ]


def _measured(world: World, subscriptions: int, metrics: tuple[str, ...]) -> tuple[float, int]:
    """Return the seconds of a first call hours after the totals were added up, and how many calls that took."""
    _load(world, subscriptions, metrics)
    calls = sum(1 for _ in _until_complete(world))
    later, taken = world.now + _AGE, []
    for _ in range(_ROUNDS):
        stores = _stores(world)
        before = time.perf_counter()
        found = overview(stores, later)
        taken.append(time.perf_counter() - before)
        assert sum(amount["ratings"] for amount in found["amounts"]) == subscriptions * len(metrics)
        later += _AGE
    return statistics.median(taken), calls


def _until_complete(world: World) -> Iterator[OverviewJson]:
    stores = _stores(world)
    while True:
        found = overview(stores, world.now)
        yield found
        if found["amounts_calculated_at"] is not None and len(found["changed_pairs"]) == _HOURS:
            return


def _load(world: World, subscriptions: int, metrics: tuple[str, ...]) -> None:
    """Store ratings of all subscriptions, and the markers of a day in which each changed hourly."""
    names = [f"s{number}" for number in range(subscriptions)]
    saves = [
        rating_save(RatingKey(name, START, metric), _PERIOD_END, amount="1.10", currency="USD", plan="Pro")
        for name in names
        for metric in metrics
    ]
    store = RatingsStore(world.client, world.tables.ratings, line_partitions=8)
    for first in range(0, len(saves), _SAVED_AT_ONCE):
        store.save_many(saves[first : first + _SAVED_AT_ONCE], now=START)
    for hour in range(1, _HOURS + 1):
        at = hour_text(world.now - timedelta(hours=hour))
        for first in range(0, subscriptions, _MARKED_AT_ONCE):
            pairs = [f"{name}#{metrics[0]}#{MONTH}" for name in names[first : first + _MARKED_AT_ONCE]]
            world.client.put_item(TableName=world.tables.markers, Item=marker_item(pairs, at, SHARDS))


def _stores(world: World) -> OverviewStores:
    """Return the stores of a new container."""
    reading, tables = decode_reads_as_json(client.dynamodb(read_timeout=60)), world.tables
    return OverviewStores(
        AmountTotals(RatedAmounts(reading, tables.ratings), StoredTotals(reading, tables.state)),
        LineStore(reading, tables.ratings),
        DeliveryStore(reading, tables.webhooks),
        EndpointStore(reading, tables.webhooks),
        SourceStore(reading, tables.catalog),
        KeyStore(reading, tables.catalog),
        MarkedCounts(reading, markers_table=tables.markers, state_table=tables.state, shards=SHARDS),
        FailingPairs(reading, tables.state),
        time.monotonic,
    )
