"""Ingest on fakes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

import pytest

from functions.ingest.app import App
from functions.ingest.service import Stores, take
from fusion_billing import strict_json
from fusion_billing.access import keys as key_format
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import StoredKey
from fusion_billing.http.authentication import Authenticator
from fusion_billing.http.source_address import AllowedAddresses
from fusion_billing.metering.admission import Target
from fusion_billing.retry import Deadline
from tests.fakes.api_keys import FakeApiKeys
from tests.fakes.catalog import FakeTargets
from tests.fakes.change_markers import FakeChangeMarkers
from tests.fakes.clock import FakeClock
from tests.fakes.usage import FakeUsage

APP = Principal("key", "src_a", frozenset({"usage:write"}))
ADMIN = Principal("admin", "src_admin", frozenset({"usage:write", "admin"}))


@dataclass
class IngestWorld:
    """The ingest function on fakes, with the metric `m`, the subscriptions `1` and `2`, and a key of `src_a`."""

    clock: FakeClock = field(default_factory=FakeClock)
    targets: FakeTargets = field(default_factory=FakeTargets)
    markers: FakeChangeMarkers = field(default_factory=FakeChangeMarkers)
    usage: FakeUsage = field(default_factory=FakeUsage)
    keys: FakeApiKeys = field(default_factory=FakeApiKeys)
    admin_addresses: str = ""
    usage_addresses: str = ""
    logged: list[Mapping[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.targets.metric("m")
        self.targets.subscription("1", Target("1", "Pro"))
        self.targets.subscription("2", Target("2", "Basic"))
        self.log: list[tuple[str, list[str]]] = []
        self.targets.log = self.markers.log = self.usage.log = self.log
        made = count(1)
        self.stores = Stores(
            self.targets, self.markers, self.usage.single, self.usage.batch, lambda: f"made-{next(made)}"
        )
        key = key_format.generate()
        self.key = key.text
        self.keys.create(key.id, StoredKey(APP, key.hash, self.clock.now))
        self.app = App(
            authenticator=Authenticator(self.keys, self.clock.monotonic),
            stores=self.stores,
            now=self.clock,
            clock=self.clock.monotonic,
            pause=self.clock.sleep,
            addresses=AllowedAddresses(admin=self.admin_addresses, usage=self.usage_addresses),
            log=lambda level, message, **fields: self.logged.append({"level": level, "message": message, **fields}),
        )

    def take(self, *values: object, principal: Principal = APP) -> list[tuple[str | None, str]]:
        """Take records; return the key and outcome of each."""
        deadline = Deadline(5, self.clock.monotonic, self.clock.sleep)
        results = take(self.stores, principal, as_sent(*values), self.clock.now, deadline)
        return [(result.key, result.outcome) for result in results]

    def post(self, body: object, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, object]]:
        """Post a body (text as it is, else as JSON); return the status and the document."""
        event = {
            "headers": {"Authorization": f"Bearer {self.key}", **(headers or {})},
            "body": body if isinstance(body, str) else json.dumps(body),
        }
        response = self.app.respond(event, 5)
        return response["statusCode"], json.loads(response["body"])


def as_sent(*values: object) -> list[object]:
    """Return JSON values as ingest reads them from a body."""
    return [strict_json.loads(json.dumps(value).encode()) for value in values]


def record(key: str | None = "k", **changes: object) -> dict[str, object]:
    """Return a valid usage record, except for `changes`."""
    made: dict[str, object] = {
        "subscription": "1",
        "metric": "m",
        "period_start": "2026-11-03T00:00:00Z",
        "period_end": "2026-11-04T00:00:00Z",
        "quantity": "1",
        **changes,
    }
    return made if key is None else {**made, "idempotency_key": key}


@pytest.fixture
def world() -> IngestWorld:
    return IngestWorld()
