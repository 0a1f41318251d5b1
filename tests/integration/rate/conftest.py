"""The rate function on DynamoDB: a catalog, subscriptions, marked usage, and everything rating writes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.rate import dependencies, ports
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.planning import hour_text
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.catalog.change import Change
from fusion_billing.dynamodb.catalog.definitions import CatalogStore
from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
from fusion_billing.dynamodb.markers.change_markers import marker_item
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair, ChangedPairs
from fusion_billing.dynamodb.markers.hourly_pairs import HourlyPairs
from fusion_billing.dynamodb.ratings.announced_ends import AnnouncedEnds
from fusion_billing.dynamodb.ratings.order_line_items import Put
from fusion_billing.dynamodb.ratings.order_lines import LineStore
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.dynamodb.ratings.statements import StatementStore
from fusion_billing.dynamodb.state.planner import PlannerState
from fusion_billing.dynamodb.state.runs import RunStore
from fusion_billing.dynamodb.usage.metric_keying import MetricKeying
from fusion_billing.dynamodb.usage.pair_records import UsageRecords
from fusion_billing.instants import rfc3339, sortable
from local.tables import Tables
from tests.fakes.clock import START, FakeClock
from tests.rating_definitions import a_charge, a_metric
from tests.rating_steps import SHARDS, RatingSteps, Stores, midnight
from tests.window_records import Keyed

NOW = START


@dataclass
class _Tables:
    """The tables of a world, before the fields that the steps have by default."""

    client: DynamoDBClient
    tables: Tables
    keyed: Keyed


@dataclass
class World(RatingSteps, _Tables):
    """The rate function on one set of tables, at `now`."""

    def __post_init__(self) -> None:
        client, tables = self.client, self.tables
        self.catalog = CatalogStore(client, tables.catalog)
        self.subscriptions = SubscriptionStore(client, tables.catalog)
        self.ratings = RatingsStore(client, tables.ratings, line_partitions=8)
        self.keying = MetricKeying(client, tables.catalog)
        self.usage: ports.UsageRecords = UsageRecords(client, tables.usage, tables.window_usage, self.keying)
        self.markers = ChangedPairs(client, tables.markers, shards=SHARDS)
        self.hourly_pairs = HourlyPairs(client, tables.markers, shards=SHARDS)
        self.statements = StatementStore(client, tables.ratings)
        self.announced_ends = AnnouncedEnds(client, tables.ratings)
        self.runs = RunStore(client, tables.state)
        self.planner_state = PlannerState(client, state_table=tables.state, markers_table=tables.markers)

    def on(self, client: DynamoDBClient) -> "World":
        """Return a world on the same tables by another client: another container."""
        return World(client, self.tables, self.keyed, clock=FakeClock(self.now))

    # --- what the steps need ---

    def prices(self) -> PriceBook:
        return dependencies.price_book(self.catalog, self.keying)

    def created_at(self, charge: str) -> datetime | None:
        return dependencies.created_at(self.catalog, charge)

    def billed_subscription(self, id_: str) -> BilledSubscription | None:
        return dependencies.subscription(self.subscriptions, id_)

    def stores(self) -> Stores:
        return Stores(
            subscriptions=self.subscriptions,
            usage=self.usage,
            markers=self.markers,
            hourly_pairs=self.hourly_pairs,
            ratings=self.ratings,
            statements=self.statements,
            announced_ends=self.announced_ends,
            runs=self.runs,
            planner_state=self.planner_state,
        )

    # --- what happens ---

    def metric(self, code: str = "api_calls", aggregation: str = "sum") -> None:
        """Define a metric."""
        self.catalog.put_metric(a_metric(code, aggregation, "window" if self.keyed == "window" else None), None)

    def charge(
        self,
        code: str = "api_calls",
        *versions: Mapping[str, object],
        defined_at: datetime | None = None,
        **fields: object,
    ) -> None:
        """Define a charge of 0.10 USD a unit, 10 units included, except for `fields` and those of its versions."""
        made = [a_charge(code, {**fields, **version}) for version in versions or ({},)]
        stored = self.catalog.stored_charge(code)
        change = Change("key", defined_at, "test") if defined_at is not None else None
        self.catalog.put_charge(made, stored.version if stored is not None else None, change)

    def push(
        self,
        quantity: str,
        day: date | str = "2026-11-03",
        *,
        key: str | None = None,
        metric: str = "api_calls",
        id_: str = "42",
        is_marked: bool = True,
    ) -> None:
        """Store a day's counter, under the day as its key unless another is given, and mark its pair."""
        start = midnight(str(day))
        if is_marked:
            pair = ChangedPair(id_, metric, f"{start:%Y-%m}")
            item = marker_item([pair.name], hour_text(self.now), SHARDS)
            self.client.put_item(TableName=self.tables.markers, Item=item)
        if self.keyed == "window":
            sort_key = f"{start:%Y%m%dT%H%M%S}#86400#src_1" + (f"~{key}" if key else "")
            self.client.put_item(
                TableName=self.tables.window_usage,
                Item={"pk": {"S": f"{id_}#{metric}"}, "sk": {"S": sort_key}, "q": {"N": quantity}},
            )
            return
        self.client.put_item(
            TableName=self.tables.usage,
            Item={
                "pk": {"S": f"U#src_1#{key or f'{id_}:{metric}:{day}'}"},
                "pair": {"S": f"{id_}#{metric}"},
                "ws": {"S": sortable(start)},
                "we": {"S": rfc3339(start + timedelta(days=1))},
                "q": {"N": quantity},
                "rev": {"N": "1"},
            },
        )

    def rate_hour(self, hour: datetime | None = None) -> None:
        """Do what the hour's messages ask for."""
        for shard in range(SHARDS):
            message = {"job": "hour", "hour": hour_text(hour or self.now), "shard": shard}
            self.do(message)

    # --- what is stored ---

    def acknowledge(
        self, start: str = "2026-11-01", charge: str = "api_calls", corrects: str | None = None, id_: str = "42"
    ) -> None:
        """Do as the relay does once Odoo has taken a line."""
        lines = LineStore(self.client, self.tables.ratings)
        line = lines.get(self.rating(start, charge, corrects, id_).key)
        lines.sent(line, Put(9, line.document.odoo_order_id, str(line.amount), ""), self.now)

    def line_item(self, starts: Sequence[str], charge: str = "api_calls", id_: str = "42") -> Decimal:
        """Return the sum of all ratings of a charge billed in periods, adjustments included."""
        total = Decimal(0)
        for start in starts:
            for rating in self.ratings.in_period(id_, midnight(start)):
                if rating.key.charge == charge:
                    total += rating.billed if rating.frozen else rating.amount
        return total


@pytest.fixture(scope="session")
def raw(connect: Callable[[], DynamoDBClient]) -> Iterator[DynamoDBClient]:
    """The client as the rate function has it."""
    made = dependencies.optimized(connect())
    yield made
    made.close()


@pytest.fixture
def keyed() -> Keyed:
    """How the records of the metrics are keyed: tests that hold for both have a fixture of their own."""
    return "key"


@pytest.fixture
def world(raw: DynamoDBClient, tables: Tables, keyed: Keyed) -> World:
    """An empty world: no metric, no charge, no subscription."""
    return World(raw, tables, keyed)


@pytest.fixture
def small_world(world: World) -> World:
    """A world with a metric, a charge on it (0.10 a unit past 10), and a subscription in November 2026."""
    world.metric()
    world.charge()
    world.subscribe()
    return world
