"""A world to rate: subscriptions, usage and change markers, loaded in bulk onto DynamoDB Local.

The items are those that the stores write, 25 in a call, since loading is not measured. All usage lies in one billing
period, November 2026 in UTC. The clock is set to an hour of it, and advances by one with every hour that is rated.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fusion_billing.billing.planning import HOUR, hour_text
from fusion_billing.billing_periods.advance import first_seen
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse
from fusion_billing.decimals import ZERO
from fusion_billing.dynamodb.catalog import subscription_items
from fusion_billing.dynamodb.catalog.definitions import CatalogStore
from fusion_billing.dynamodb.markers.change_markers import partition_of
from fusion_billing.dynamodb.state.planner import PlannerState
from fusion_billing.instants import rfc3339, sortable
from fusion_billing.messaging.messages import Job
from local import tables as template_tables
from local.dynamodb import DynamoDBLocal
from local.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from functions.rate.worker import Worker

START = datetime(2026, 11, 1, tzinfo=UTC)
MONTH = "2026-11"
SHARDS = 16
METRICS = ("api_calls", "storage", "messages")
_BATCH = 25
_WRITERS = 4

_TIERS = [
    {"up_to": bound, "unit_amount": price}
    for bound, price in (("1000", "0.10"), ("5000", "0.08"), ("20000", "0.06"), ("100000", "0.05"))
]


@dataclass(frozen=True, slots=True)
class Pair:
    """A subscription and a metric."""

    subscription: str
    metric: str

    @property
    def name(self) -> str:
        """Return the key of the pair in the index of usage records."""
        return f"{self.subscription}#{self.metric}"


@dataclass(slots=True)
class Sent:
    """A queue that stores its messages."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    def send(self, messages: Iterable[Job]) -> int:
        """Keep the messages; return how many they were."""
        more = [message.to_json() for message in messages]
        self.messages += more
        return len(more)


@contextmanager
def engine() -> Iterator[str]:
    """Run DynamoDB Local, with an environment in which the functions' own clients find it."""
    with (
        DynamoDBLocal() as running,
        environment(client_environment(running.url) | {"CHANGE_SHARDS": str(SHARDS)}),
    ):
        yield running.url


def client_environment(url: str) -> dict[str, str]:
    """Return the environment in which the functions' own clients find the engine at `url`."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "POWERTOOLS_SERVICE_NAME": "bench",
    }


@contextmanager
def environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables while the block runs."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


class World:
    """Tables of its own on an engine, with a catalog of three metrics and a tiered charge for each."""

    def __init__(self, url: str, tables: Tables | None = None) -> None:
        """Make the tables and the catalog, or take `tables` that exist."""
        from fusion_billing.dynamodb import client  # noqa: PLC0415  it reads the environment of `engine`

        self.url = url
        self.client: DynamoDBClient = client.dynamodb(read_timeout=60)
        self.tables: Tables = tables or template_tables.create(self.client, template_tables.definitions())
        self.now = START + timedelta(days=19, hours=12, minutes=30)
        self.queue = Sent()
        if tables is None:
            self._catalog()

    @classmethod
    def existing(cls, url: str, tables: Tables, now: datetime) -> "World":
        """Return a world on tables that exist, at an instant: the same one, in another process."""
        world = cls(url, tables)
        world.now = now
        return world

    def _catalog(self) -> None:
        store = CatalogStore(self.client, self.tables.catalog)
        for place, metric in enumerate(METRICS):
            defined = {"name": metric, "unit": "unit", "aggregation": "sum"}
            store.put_metric(parse(Metric, defined, code=metric), None)
            charge = {
                "name": metric,
                "metric": metric,
                "applies_to": {"plans": ["Pro"]},
                "currency": "USD",
                "odoo_product_id": 7 + place,
                "included_units": "100",
                "model": {
                    "type": "graduated",
                    "tiers": [*_TIERS, {"up_to": None, "unit_amount": "0.04"}],
                },
            }
            store.put_charge([parse(Charge, charge, code=metric)], None)

    def group_by(self, metric: str, name: str) -> None:
        """Have a metric's charge priced for each value of a property."""
        store = CatalogStore(self.client, self.tables.catalog)
        stored = store.stored_charge(metric)
        assert stored is not None
        versions = [
            version.model_copy(update={"group_by": (name,), "included_units": ZERO}) for version in stored.value
        ]
        store.put_charge(versions, stored.version)

    # --- loading ------------------------------------------------------------------------------------

    def add_subscriptions(self, ids: Iterable[str]) -> None:
        """Add monthly subscriptions whose open period is November."""
        defined = {
            "odoo_order_id": 1,
            "name": "S1",
            "partner": "Azure Interior",
            "plan": "Pro",
            "state": "3_progress",
            "currency": "USD",
            "timezone": "UTC",
            "start_date": "2026-01-01",
            "billing_period": {"value": 1, "unit": "month"},
            "next_invoice_date": "2026-12-01",
        }
        one = parse(Subscription, defined, id="1")
        calendar = first_seen(one.terms)

        def items() -> Iterator[dict[str, Any]]:
            for place, id_ in enumerate(ids, 1):
                made = one.model_copy(update={"id": id_, "odoo_order_id": place, "name": f"S{id_}"})
                yield subscription_items.write_subscription(StoredSubscription(made, calendar, "api", 1))
                for period in calendar.known:
                    yield subscription_items.write_period(id_, period)

        self.write(self.tables.catalog, items())

    def add_usage(self, pairs: Iterable[Pair], records: int) -> None:
        """Add that many records to each pair, with consecutive windows in the open period."""
        step = timedelta(days=28) / records
        windows = [(sortable(START + n * step), sortable(START + (n + 1) * step)) for n in range(records)]
        self.write(
            self.tables.usage,
            (_record(pair, place, window, "12.5") for pair in pairs for place, window in enumerate(windows)),
        )

    def add_groups(self, pairs: Iterable[Pair], groups: int) -> None:
        """Add a record of each of that many regions to each pair."""
        window = sortable(START), sortable(START + HOUR)
        self.write(
            self.tables.usage,
            (
                _record(pair, place, window, "12.5") | {"prop": {"S": f'{{"region":"r{place}"}}'}}
                for pair in pairs
                for place in range(groups)
            ),
        )

    def change(self, pairs: Iterable[Pair], records: int, quantity: int) -> None:
        """Change the quantity of the first of the `records` of each pair, and mark the pair as changed in this hour."""
        pairs = list(pairs)
        window = sortable(START), sortable(START + timedelta(days=28) / records)
        self.write(self.tables.usage, (_record(pair, 0, window, str(quantity)) for pair in pairs))
        self.mark(pairs)

    def mark(self, pairs: Iterable[Pair]) -> None:
        """Mark pairs as changed in the current hour."""
        hour = hour_text(self.now)
        markers = (f"{pair.name}#{MONTH}" for pair in pairs)
        self.write(
            self.tables.markers,
            ({"pk": {"S": partition_of(one, hour, SHARDS)}, "sk": {"S": one}} for one in markers),
        )

    def write(self, table: str, items: Iterable[dict[str, Any]]) -> None:
        """Write items, 25 in a call, several calls at once."""

        def write(chunk: list[dict[str, Any]]) -> None:
            pending: Any = {table: [{"PutRequest": {"Item": item}} for item in chunk]}
            while pending:
                pending = self.client.batch_write_item(RequestItems=pending).get("UnprocessedItems")

        with ThreadPoolExecutor(_WRITERS) as pool:
            for _ in pool.map(write, _chunks(items)):
                pass

    # --- rating -------------------------------------------------------------------------------------

    def worker(self) -> "Worker":
        """Return the worker of the rate function, with queues and a clock of its own."""
        from functions.rate import dependencies  # noqa: PLC0415  it reads the environment

        queues = {"RATING_QUEUE_URL": f"{self.url}/rating", "RELAY_QUEUE_URL": f"{self.url}/relay"}
        with environment(self.tables.environment() | queues):
            dependencies.worker.cache_clear()
            made = dependencies.worker()
            dependencies.worker.cache_clear()
        return replace(made, queue=self.queue, relay=Sent(), clock=lambda: self.now)

    def plan(self) -> list[dict[str, Any]]:
        """End the hour, wait until it has settled, and return what the planner sends for it."""
        from functions.rate import planner  # noqa: PLC0415

        state = PlannerState(self.client, state_table=self.tables.state, markers_table=self.tables.markers)
        if state.watermark() is None:
            state.advance(self.now.replace(minute=0, second=0, microsecond=0) - HOUR)
        self.now += HOUR
        self.queue.messages.clear()
        planner.plan(state, self.queue, now=self.now, shards=SHARDS, settling_time=timedelta(seconds=300))
        return list(self.queue.messages)


def pairs_of(ids: Iterable[str]) -> list[Pair]:
    """Return every pair of the subscriptions."""
    return [Pair(id_, metric) for id_ in ids for metric in METRICS]


def _record(pair: Pair, place: int, window: tuple[str, str], quantity: str) -> dict[str, Any]:
    start, end = window
    at = {"S": rfc3339(START)}
    return {
        "pk": {"S": f"U#src_bench#{pair.subscription}:{pair.metric}:{place}"},
        "tgt": {"S": f"{pair.name}#{start}#{end}#"},
        "pair": {"S": pair.name},
        "ws": {"S": start},
        "we": {"S": end},
        "q": {"N": quantity},
        "rev": {"N": "1"},
        "at": at,
        "hist": {"L": [{"M": {"q": {"N": quantity}, "at": at}}]},
    }


def _chunks(items: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == _BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
