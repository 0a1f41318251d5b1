"""Ingest on DynamoDB Local: a catalog with two metrics and two subscriptions, one source and its key."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.ingest.app import App
from functions.ingest.service import Stores
from fusion_billing.access import keys as key_format
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import Source, StoredKey
from fusion_billing.dynamodb.audit.audit_log import AuditLog
from fusion_billing.dynamodb.catalog.api_keys import KeyStore
from fusion_billing.dynamodb.catalog.sources import SourceStore
from fusion_billing.dynamodb.catalog.targets import TargetStore
from fusion_billing.dynamodb.markers.change_markers import ChangeMarkers
from fusion_billing.dynamodb.raw_requests import encode_requests_as_json
from fusion_billing.dynamodb.raw_responses import decode_reads_as_json
from fusion_billing.dynamodb.state.key_uses import KeyUses
from fusion_billing.dynamodb.usage.batch_write import UsageBatch
from fusion_billing.dynamodb.usage.single_write import UsageStore
from fusion_billing.http.authentication import Authenticator
from fusion_billing.http.source_address import AllowedAddresses
from local.tables import Tables

NOW = datetime(2026, 11, 22, 15, 40, 7, 123456, tzinfo=UTC)


@dataclass
class Ingest:
    """Ingest as one warm container has it, and what a test looks at."""

    client: DynamoDBClient
    tables: Tables
    now: datetime = NOW
    seconds: float = 20.0
    ticks: float = 0.0  # the clock of what is remembered; it stands still unless a test moves it
    waited: float = 0.0  # all the time there is passes in pauses, and those are not waited for
    admin_addresses: str = ""
    usage_addresses: str = ""
    logged: list[dict[str, Any]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    app: App = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew as a cold container does: nothing is remembered."""
        made = itertools.count(1)
        self.app = App(
            authenticator=Authenticator(
                KeyStore(self.client, self.tables.catalog),
                lambda: self.ticks,
                uses=KeyUses(self.client, self.tables.state, lambda: self.ticks),
            ),
            stores=Stores(
                targets=TargetStore(self.client, self.tables.catalog, lambda: self.ticks),
                markers=ChangeMarkers(self.client, self.tables.markers, 16),
                single=UsageStore(self.client, self.tables.usage, self.tables.window_usage),
                batch=UsageBatch(self.client, self.tables.usage, self.tables.window_usage),
                new_key=lambda: f"made-{next(made)}",
            ),
            now=lambda: self.now,
            clock=lambda: self.waited,
            pause=self._pause,
            audit_log=lambda: AuditLog(self.client, self.tables.audit),
            addresses=AllowedAddresses(admin=self.admin_addresses, usage=self.usage_addresses),
            log=lambda level, message, **fields: self.logged.append({"level": level, "message": message, **fields}),
        )

    def _pause(self, seconds: float) -> None:
        self.waited += seconds

    def source(
        self,
        name: str,
        *,
        scopes: set[str] | None = None,
        metrics: set[str] | None = None,
        plans: set[str] | None = None,
        subscriptions: set[str] | None = None,
    ) -> str:
        """Make a source with one key; returns the key's id, and keeps the key under `name`."""
        may_metrics = frozenset(metrics) if metrics is not None else None
        may_plans = frozenset(plans) if plans is not None else None
        may_subscriptions = frozenset(subscriptions) if subscriptions is not None else None
        source = Source(f"src_{name}", name, may_metrics, may_plans, may_subscriptions, created=NOW)
        SourceStore(self.client, self.tables.catalog).create(source)
        key = key_format.generate()
        granted = frozenset(scopes or {"usage:write"})
        principal = Principal(key.id, source.id, granted, may_metrics, may_plans, may_subscriptions)
        KeyStore(self.client, self.tables.catalog).create(key.id, StoredKey(principal, key.hash, NOW))
        self.keys[name] = key.text
        return key.id

    def push(self, body: Any, *, key: str | None = "app", headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """POST `body` (bytes as they are, else as JSON) with a source's key; returns status and document."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        if key is not None:
            sent["Authorization"] = f"Bearer {self.keys.get(key, key)}"
        event = {
            "version": "2.0",
            "routeKey": "POST /v1/usage",
            "rawPath": "/v1/usage",
            "headers": sent,
            "requestContext": {"http": {"method": "POST", "path": "/v1/usage"}, "requestId": "r-1"},
            "body": raw.decode("utf-8", "surrogateescape"),
            "isBase64Encoded": False,
        }
        answer = self.app.respond(event, self.seconds)
        return answer["statusCode"], json.loads(answer["body"])

    def item(self, key: str, source: str = "src_app") -> dict[str, Any] | None:
        """Return the stored item of a record, or None."""
        pk = f"U#{source}#{key}"
        return self.client.get_item(TableName=self.tables.usage, Key={"pk": {"S": pk}}).get("Item")

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return all items of a table, as only a test may."""
        return self.client.scan(TableName=table)["Items"]


@pytest.fixture(scope="session")
def raw(connect: Callable[[], DynamoDBClient]) -> Iterator[DynamoDBClient]:
    """A client that encodes requests and decodes responses as the ingest function's does."""
    made = encode_requests_as_json(decode_reads_as_json(connect()))
    yield made
    made.close()


@pytest.fixture
def ingest(dynamodb: DynamoDBClient, raw: DynamoDBClient, tables: Tables) -> Ingest:
    """Ingest with metrics `api_calls`, `seats`; subscriptions `42` (Pro), `43` (Basic); a source `app`."""
    for code in ("api_calls", "seats"):
        item: Any = {"pk": {"S": "METRIC"}, "sk": {"S": code}, "doc": {"S": "{}"}, "version": {"N": "1"}}
        dynamodb.put_item(TableName=tables.catalog, Item=item)
    for subscription, plan in (("42", "Pro"), ("43", "Basic")):
        item = {"pk": {"S": f"S#{subscription}"}, "sk": {"S": "SUB"}, "doc": {"S": "{}"}, "plan": {"S": plan}}
        dynamodb.put_item(TableName=tables.catalog, Item=item)
    made = Ingest(raw, tables)
    made.source("app")
    return made


@pytest.fixture
def record() -> Callable[..., dict[str, Any]]:
    """Make a valid record; arguments replace its fields, None takes one away."""

    def make(**changes: Any) -> dict[str, Any]:
        made: dict[str, Any] = {
            "idempotency_key": "k1",
            "subscription": "42",
            "metric": "api_calls",
            "period_start": "2026-11-03T00:00:00Z",
            "period_end": "2026-11-04T00:00:00Z",
            "quantity": "10",
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None}

    return make
