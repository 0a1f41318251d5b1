"""The service that the OpenAPI document describes: both functions' handlers on the DynamoDB in memory.

`parties` are the credentials that requests are sent with; `service` calls the handlers as API Gateway does.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.ingest import handler as ingest
from fusion_billing.access.principal import ADMIN, SCOPES
from tests.integration.admin.conftest import Admin, admin
from tests.integration.admin.world import Valid
from tests.integration.admin.world_fixture import World, world
from tests.integration.schema.gateway import Gateway
from tests.memory_dynamodb import MemoryDynamoDB

__all__ = ["admin", "world"]

PUSH = {
    "idempotency_key": "nexa:42:calls:9",
    "subscription": "42",
    "metric": "calls",
    "period_start": "2026-11-09T00:00:00Z",
    "period_end": "2026-11-10T00:00:00Z",
    "quantity": "5",
}


@dataclass
class Service:
    """The handlers, credentials by the name of their party, and a valid request to each route."""

    gateway: Gateway
    world: World
    parties: Mapping[str, str | None]

    @property
    def requests(self) -> dict[str, Valid]:
        """A valid request to each route."""
        return {**self.world.requests, "POST /v1/usage": Valid(body=PUSH)}


@pytest.fixture(scope="session")
def connect() -> Callable[[], DynamoDBClient]:
    """What makes clients of an engine in memory, whatever ENGINE says."""
    engine: Any = MemoryDynamoDB()
    another: Callable[[], DynamoDBClient] = engine.another
    return another


@pytest.fixture(scope="session")
def examples() -> int:
    """How many requests are made of each kind to each operation."""
    return int(os.environ.get("EXAMPLES") or 4)


@pytest.fixture
def service(admin: Admin, world: World) -> Iterator[Service]:
    """The service, in which every route finds something."""
    ingest.app.cache_clear()
    token = admin.post("/v1/portal-tokens", {"subscription": "42", "expires_in": 600}).json["token"]
    limited = admin.key(
        *(SCOPES - {ADMIN}), source="src_limited", subscriptions=frozenset({"43"}), metrics=frozenset({"seats"})
    )
    parties = {"admin": admin.default_key, "limited": limited, "portal": token, "nobody": None}
    yield Service(Gateway(), world, parties)
    ingest.app.cache_clear()
