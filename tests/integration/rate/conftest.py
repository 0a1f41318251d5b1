"""A small world on DynamoDB Local: a catalog, subscriptions, marked usage, and the parts of rating."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.rate import planner
from functions.rate.dependencies import created_at, hourly_rating, price_book, subscription
from functions.rate.end_announcer import EndAnnouncer
from functions.rate.last_periods import LastPeriods
from functions.rate.line_due_times import LineDueTimes
from functions.rate.rater import Rater
from functions.rate.rating_inputs import Sources
from functions.rate.rating_writer import Writer
from functions.rate.worker import Worker
from fusion_billing.billing.planning import hour_text
from fusion_billing.billing.rating import RatingKey, StoredRating
from fusion_billing.billing.rating_cadence import HOURLY, RatingCadence
from fusion_billing.billing_periods.advance import advance, first_seen
from fusion_billing.catalog.change import Change
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse
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
from fusion_billing.dynamodb.raw_responses import answer_raw
from fusion_billing.dynamodb.state.planner import PlannerState
from fusion_billing.dynamodb.state.runs import RunStore
from fusion_billing.dynamodb.usage.pair_records import UsageRecords
from fusion_billing.instants import rfc3339, sortable
from fusion_billing.messaging.messages import RatingJob, rating_job
from fusion_billing.odoo_lines.line_cadence import LineCadence
from local.tables import Tables
from tests.fakes.outbox import FakeOutbox
from tests.fakes.queue import FakeQueue

SHARDS = 4
NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@dataclass
class World:
    """Everything rating needs, on one set of tables; `now` is what the clock says."""

    client: DynamoDBClient
    tables: Tables
    now: datetime = NOW
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    queue: FakeQueue = field(default_factory=FakeQueue)
    relay: FakeQueue = field(default_factory=FakeQueue)
    reported: list[tuple[ChangedPair, Exception]] = field(default_factory=list)
    cadence: LineCadence = "hourly"
    rating_cadence: RatingCadence = HOURLY
    requested: list[tuple[str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.catalog = CatalogStore(self.client, self.tables.catalog)
        self.subscriptions = SubscriptionStore(self.client, self.tables.catalog)
        self.ratings = RatingsStore(self.client, self.tables.ratings, line_partitions=8)
        self.records = UsageRecords(self.client, self.tables.usage)
        self.pairs = ChangedPairs(self.client, self.tables.markers, shards=SHARDS)
        self.hourly_pairs = HourlyPairs(self.client, self.tables.markers, shards=SHARDS)
        self.statements = StatementStore(self.client, self.tables.ratings)
        self.runs = RunStore(self.client, self.tables.state)
        self.state = PlannerState(self.client, state_table=self.tables.state, markers_table=self.tables.markers)

    def sources(self) -> Sources:
        return Sources(
            subscription=partial(subscription, self.subscriptions),
            prices=partial(price_book, self.catalog),
            records=self.records,
            markers=self.pairs,
            report=lambda pair, error: self.reported.append((pair, error)),
            created_at=partial(created_at, self.catalog),
            request_invoices=lambda subscription, start: self.requested.append((subscription, start)),
        )

    def rater(self, now: datetime | None = None, at_once: bool = False) -> Rater:
        line_due_times = LineDueTimes(self.cadence, at_once)
        writer = Writer(self.ratings, self.outbox, now or self.now, line_due_times)
        return Rater(self.sources(), self.ratings, writer, self.statements)

    def worker(self) -> Worker:
        return Worker(
            rater=self.rater,
            pairs=self.pairs,
            subscriptions=self.subscriptions,
            runs=self.runs,
            queue=self.queue,
            relay=self.relay,
            clock=lambda: self.now,
            end_announcer=EndAnnouncer(self.ratings, AnnouncedEnds(self.client, self.tables.ratings), self.outbox),
            last_periods=LastPeriods(self.ratings, self.relay),
            hourly=hourly_rating(self.hourly_pairs, self.rating_cadence),
        )

    # --- the catalog ---

    def metric(self, code: str = "api_calls", aggregation: str = "sum") -> None:
        made = parse(Metric, {"name": code, "unit": "call", "aggregation": aggregation}, code=code)
        self.catalog.put_metric(made, None)

    def charge(
        self,
        code: str = "api_calls",
        *versions: dict[str, Any],
        defined_at: datetime | None = None,
        **fields: Any,
    ) -> None:
        """Define a charge of 0.10 a unit past 10 included ones, but for what `fields` say."""
        common = {
            "name": code,
            "metric": "api_calls",
            "applies_to": {"plans": ["Pro"]},
            "currency": "USD",
            "odoo_product_id": 7,
            "included_units": "10",
            "model": {"type": "per_unit", "unit_amount": "0.10"},
            **fields,
        }
        made = [parse(Charge, {**common, **version}, code=code) for version in versions or ({},)]
        stored = self.catalog.stored_charge(code)
        change = Change("key", defined_at, "test") if defined_at is not None else None
        self.catalog.put_charge(made, stored.version if stored is not None else None, change)

    def subscription(self, id_: str = "42", **fields: Any) -> None:
        """Put a monthly subscription whose open period is November 2026, UTC, but for what `fields` say."""
        number = int(id_) if id_.isdecimal() else 1000
        common = {
            "odoo_order_id": number,
            "name": f"S{id_}",
            "partner": "Azure Interior",
            "plan": "Pro",
            "state": "3_progress",
            "currency": "USD",
            "timezone": "UTC",
            "start_date": "2026-01-01",
            "billing_period": {"value": 1, "unit": "month"},
            "next_invoice_date": "2026-12-01",
            **fields,
        }
        made = parse(Subscription, common, id=id_)
        self.subscriptions.put(StoredSubscription(made, first_seen(made.terms), "api", 1), None)

    def change(self, id_: str = "42", **fields: Any) -> None:
        """Change a subscription; one whose `next_invoice_date` moves on has its open period invoiced."""
        stored = self.subscriptions.get(id_)
        assert stored is not None
        made = parse(Subscription, {**stored.subscription.as_json(), **fields})
        calendar = advance(stored.calendar, made.terms, self.now)
        stopped = self.now if made.state != "3_progress" else None
        new = replace(stored, subscription=made, calendar=calendar, version=stored.version + 1, stopped=stopped)
        self.subscriptions.put(new, stored)

    def invoice(self, next_invoice_date: str, id_: str = "42") -> None:
        self.change(id_, next_invoice_date=next_invoice_date)

    # --- usage ---

    def push(
        self,
        quantity: str,
        day: date | str = "2026-11-03",
        *,
        key: str | None = None,
        metric: str = "api_calls",
        id_: str = "42",
        marked: bool = True,
    ) -> None:
        """Store a day's counter, under the day as its key unless another is given, and mark its pair."""
        start = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        if marked:
            pair = ChangedPair(id_, metric, f"{start:%Y-%m}")
            item = marker_item([pair.name], hour_text(self.now), SHARDS)
            self.client.put_item(TableName=self.tables.markers, Item=item)
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

    # --- running ---

    def rate(self, *pairs: ChangedPair) -> None:
        self.rater().rate_pairs(pairs or [ChangedPair("42", "api_calls", "2026-11")])

    def rate_hour(self, hour: datetime | None = None) -> None:
        """Do what the hour's messages ask for."""
        for shard in range(SHARDS):
            message = {"job": "hour", "hour": hour_text(hour or self.now), "shard": shard}
            self.do(message)

    def do(self, message: Mapping[str, Any] | RatingJob, *, has_time: Callable[[], bool] = lambda: True) -> None:
        job = rating_job(message) if isinstance(message, Mapping) else message
        self.worker().do(job, has_time=has_time)

    def drain(self) -> None:
        """Do every message that is in the queue, and what they send on."""
        while self.queue.messages:
            self.do(self.queue.messages.pop(0))

    def plan(self) -> None:
        planner.plan(
            self.state,
            self.queue,
            now=self.now,
            shards=SHARDS,
            settling_time=timedelta(seconds=300),
            cadence=self.rating_cadence,
        )

    # --- what came of it ---

    def rating(
        self,
        start: str = "2026-11-01",
        charge: str = "api_calls",
        corrects: str | None = None,
        id_: str = "42",
    ) -> StoredRating | None:
        at = datetime.fromisoformat(f"{start}T00:00:00+00:00")
        of = datetime.fromisoformat(f"{corrects}T00:00:00+00:00") if corrects else None
        return self.ratings.get(RatingKey(id_, at, charge, of))

    def the_rating(self, *args: Any, **fields: Any) -> StoredRating:
        found = self.rating(*args, **fields)
        assert found is not None
        return found

    def acknowledge(self, start: str = "2026-11-01", charge: str = "api_calls", **fields: Any) -> None:
        """Do as the relay does once Odoo has taken a line."""
        lines = LineStore(self.client, self.tables.ratings)
        line = lines.get(self.the_rating(start, charge, **fields).key)
        lines.sent(line, Put(9, line.document.odoo_order_id, str(line.amount), ""), self.now)

    def line_item(self, starts: Sequence[str], charge: str = "api_calls", id_: str = "42") -> Decimal:
        """Return the sum of all ratings of a charge billed in periods, adjustments included."""
        total = Decimal(0)
        for start in starts:
            at = datetime.fromisoformat(f"{start}T00:00:00+00:00")
            for one in self.ratings.in_period(id_, at):
                if one.key.charge == charge:
                    total += one.billed if one.frozen else one.amount
        return total


@pytest.fixture(scope="session")
def raw(connect: Callable[[], DynamoDBClient]) -> Iterator[DynamoDBClient]:
    """A client whose answers are read as rating's are."""
    made = answer_raw(connect())
    yield made
    made.close()


@pytest.fixture
def world(raw: DynamoDBClient, tables: Tables) -> World:
    """An empty world: no metric, no charge, no subscription."""
    return World(raw, tables)


@pytest.fixture
def small_world(world: World) -> World:
    """A world with a metric, a charge on it (0.10 a unit past 10), and a subscription in November 2026."""
    world.metric()
    world.charge()
    world.subscription()
    return world
