"""A relay against the stand-in Odoo and DynamoDB Local, and ratings that owe something."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.relay.line_dependencies import RelayDependencies
from functions.relay.line_relay import LineRelay
from functions.relay.line_results import RunStatistics
from fusion_billing.billing.decisions import NewVersion
from fusion_billing.billing.large_documents import canonical
from fusion_billing.billing.rating import RatingKey, StoredRating, computed_rating
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.dynamodb.ratings.billed_lines import BilledLines
from fusion_billing.dynamodb.ratings.guarded_lines import GuardedLines
from fusion_billing.dynamodb.ratings.ratings import RatingsStore
from fusion_billing.dynamodb.state.circuit_breaker import CircuitBreaker
from fusion_billing.dynamodb.state.leases import Leases
from fusion_billing.odoo import precision
from fusion_billing.odoo.client import Odoo, connect
from fusion_billing.odoo.keys import KeyRing
from fusion_billing.odoo.line_guarding import LineGuarding
from fusion_billing.odoo.precision import Cached
from fusion_billing.webhooks.publishing import NOTHING
from local.odoo.models.orders import Order
from local.odoo.server import Server, serve
from local.tables import Tables
from tests.rating_documents import JSON

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
START = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)
PARTITIONS = 8
API_CALLS, STORAGE = 7, 8

DATABASE: dict[str, list[dict[str, Any]]] = {
    "product.product": [
        {"id": API_CALLS, "name": "API calls overage", "lst_price": Decimal("0.01")},
        {"id": STORAGE, "name": "Storage overage", "lst_price": Decimal(2)},
    ],
    "sale.subscription.plan": [{"id": 1, "name": "Pro"}],
    "res.partner": [{"id": 6, "name": "A customer"}, {"id": 9, "name": "Ein Kunde", "lang": "de_DE"}],
}

SUBSCRIPTION_FIELDS = (
    "is_subscription",
    "subscription_state",
    "plan_id",
    "start_date",
    "next_invoice_date",
    "end_date",
)


def order(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "partner_id": 6,
        "user_id": 2,
        "state": "sale",
        "is_subscription": True,
        "subscription_state": "3_progress",
        "plan_id": 1,
        "start_date": "2026-10-01",
        "next_invoice_date": "2026-12-01",
        **changes,
    }


class Heard:
    """An outbox that remembers what it was told, and stores nothing."""

    nothing = NOTHING

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def prepare(self, type: str, *, data: Any, **about: Any) -> Any:  # noqa: A002
        self.events.append((type, {**data, "subscription": about["subscription"]}))
        return NOTHING

    def wake_up(self, prepared: object) -> None:
        """Do nothing."""


@dataclass
class World:
    """What a test acts on. `now` is the time by the relay's clock."""

    server: Server
    dynamodb: DynamoDBClient
    tables: Tables
    now: datetime = NOW
    heard: Heard = field(default_factory=Heard)
    protocol: str = "json2"
    key: str = "relay-key"
    seconds: float = 20.0
    pauses: list[float] = field(default_factory=list)
    line_partitions: int = PARTITIONS
    database: str = "demo"
    rerated: list[str] = field(default_factory=list)
    number: Any = None
    precision: Cached = field(default_factory=lambda: Cached(time.monotonic))

    @property
    def admin(self) -> Any:
        return self.server.admin

    @property
    def ratings(self) -> RatingsStore:
        return RatingsStore(self.dynamodb, self.tables.ratings, line_partitions=self.line_partitions)

    @property
    def lines(self) -> BilledLines:
        return BilledLines(self.dynamodb, self.tables.ratings)

    @property
    def circuit(self) -> CircuitBreaker:
        return CircuitBreaker(self.dynamodb, self.tables.state)

    def odoo(self) -> Odoo:
        secret = f'{{"keys": ["{self.key}"], "login": "relay"}}'
        keys = KeyRing(lambda: secret, time.monotonic)
        return connect(
            url=self.server.url,
            database=self.database,
            protocol=self.protocol,
            keys=keys,
            seconds=self.seconds,
        )

    def relay(self, owner: str = "run-1", **changes: Any) -> LineRelay:
        made = RelayDependencies(
            store=self.lines,
            leases=Leases(self.dynamodb, self.tables.state, owner),
            circuit=self.circuit,
            odoo=self.odoo(),
            precision=Cached(time.monotonic),
            events=self.heard,
            rerate=self.rerated.append,
            line_partitions=self.line_partitions,
            clock=lambda: self.now,
            pause=self.pauses.append,
            random=lambda: 0.0,
            remaining=lambda: 300.0,
        )
        return LineRelay(replace(made, **changes))

    def run(self, owner: str = "run-1", **changes: Any) -> RunStatistics:
        return self.relay(owner, **changes).run()

    def guarding(self, guard: Any = "repair") -> LineGuarding:
        odoo = self.odoo()
        return LineGuarding(
            store=GuardedLines(self.dynamodb, self.tables.ratings),
            odoo=odoo,
            precision=cache(lambda: precision.read(odoo)),
            events=self.heard,
            line_partitions=self.line_partitions,
            clock=lambda: self.now,
            seconds=lambda: self.seconds,
            guard=guard,
        )

    def orders(self, *numbers: int, **changes: Any) -> None:
        self.admin.seed({"sale.order": [order(number, **changes) for number in numbers]})

    def rate(self, number: int, amount: str = "1.00", charge: str = "api_calls", **changes: Any) -> RatingKey:
        """Write the next version of a rating, due: by default 250 over at 0.004."""
        key = RatingKey(str(number), changes.pop("start", START), charge, changes.pop("corrected", None))
        json = {
            **JSON,
            "charge": charge,
            "odoo_order_id": number,
            "odoo_product_id": API_CALLS,
            "amount": amount,
            "steps": [{"units": "250", "unit_amount": "0.004", "amount": "1"}] if amount == "1.00" else [],
            **changes,
        }
        json["steps"] = [{"description": "", **step} for step in json["steps"]]
        readable = {name: value for name, value in json.items() if value is not None}
        rated = computed_rating(key, RatingDocument.from_json({**JSON, **readable}))
        rated = replace(rated, document_json=canonical(json))  # what the relay reads, readable or not
        stored = self.ratings.get(key)
        version = stored.version + 1 if stored else 1
        self.ratings.save(
            NewVersion(rated, version, "due", frozenset()),
            stored=stored,
            odoo_order_id=rated.document.odoo_order_id,
            now=self.now,
        )
        return key

    def line(self, key: RatingKey) -> StoredRating:
        stored = self.ratings.get(key)
        assert stored is not None
        return stored

    def find(self, number: int, charge: str) -> StoredRating:
        return self.line(RatingKey(str(number), START, charge))

    def in_odoo(self, number: int) -> list[dict[str, Any]]:
        """Return the order's lines as Odoo has them."""
        fields = ["order_id", "product_id", "product_uom_qty", "price_unit", "price_subtotal", "name"]
        rows: list[dict[str, Any]] = self.admin.read("sale.order.line", [["order_id", "=", number]], fields)
        return rows

    def loads(self) -> int:
        return int(self.admin.counters().get("sale.order.line/load", 0))

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def wait_for(self, happened: Callable[[], Any], seconds: float = 10.0) -> None:
        """Wait, in real time, until something has happened in Odoo."""
        until = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < until
            time.sleep(0.02)

    def together(self, *work: Callable[[], object]) -> None:
        threads = [threading.Thread(target=one) for one in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@pytest.fixture
def world(dynamodb: DynamoDBClient, tables: Tables, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A relay's world: an empty set of tables, an Odoo with products and a salesperson of all documents.

    Parametrized indirectly, it is an Odoo of that series.
    """
    with serve(tmp_path / "odoo.sqlite3", series=getattr(request, "param", "19.0")) as server:
        made = World(server, dynamodb, tables)
        made.admin.seed(DATABASE)
        made.admin.add_user("relay", "all_documents")
        made.admin.add_user("own", "own_documents")
        made.admin.add_user("nobody", "no_sales")
        made.admin.add_key("relay", "relay-key")
        made.admin.add_key("own", "own-key")
        made.admin.add_key("nobody", "nobody-key")
        yield made


@pytest.fixture
def without_subscriptions(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Uninstall what makes sales orders subscriptions, when it is called."""

    def uninstall() -> None:
        kept = {name: field for name, field in Order.fields.items() if name not in SUBSCRIPTION_FIELDS}
        monkeypatch.setattr(Order, "fields", kept)

    return uninstall
