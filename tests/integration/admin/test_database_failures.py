"""Under every route, a database that throttles, fails or does not answer is a 503 with Retry-After.

Always on the engine in memory: what fails here is the client, and there are thousands of calls.
"""

from collections.abc import Iterator
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from functions.admin import access_dependencies, dependencies, webhook_dependencies
from functions.admin.route_table import Route
from tests.integration.admin.world import SERVED, name_of
from tests.integration.admin.world_fixture import World
from tests.memory_dynamodb import MemoryDynamoDB

KEYED = [route for route in SERVED if route.scope is not None]


@pytest.fixture(scope="module")
def engine() -> Any:
    return MemoryDynamoDB()


@pytest.fixture
def dynamodb(engine: Any) -> Iterator[Any]:
    made = engine.another()
    yield made
    made.close()


def throttled(operation: str) -> Exception:
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, operation)


def failing(operation: str) -> Exception:
    error: Any = {"Error": {"Code": "InternalServerError", "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
    return ClientError(error, operation)


def slow(_: str) -> Exception:
    return ReadTimeoutError(endpoint_url="https://dynamodb")


def unreachable(_: str) -> Exception:
    return ConnectTimeoutError(endpoint_url="https://dynamodb")


class _ConditionFailed(Exception):
    """What the engine in memory never raises by this name."""


_NO_CONDITION_FAILS = SimpleNamespace(
    ConditionalCheckFailedException=_ConditionFailed, TransactionCanceledException=_ConditionFailed
)


class Faulty:
    """DynamoDB whose calls fail from the one numbered `first` on."""

    def __init__(self, client: Any, fault: Any, first: int) -> None:
        self._client, self._fault, self._first = client, fault, first
        self.calls = 0

    @property
    def exceptions(self) -> Any:
        return getattr(self._client, "exceptions", _NO_CONDITION_FAILS)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if not callable(real) or name in {"get_paginator", "close"}:
            return real

        def call(**arguments: Any) -> Any:
            self.calls += 1
            if self.calls > self._first:
                raise self._fault(name)
            return real(**arguments)

        return call

    @property
    def fired(self) -> bool:
        return self.calls > self._first


@pytest.mark.parametrize("route", KEYED, ids=name_of)
def test_a_database_that_fails_is_a_503_that_says_when_to_retry(
    world: World, route: Route, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.admin.usage_dependencies._SECONDS_OF_A_WRITE", 0.05)
    for fault, first in product((throttled, failing, slow, unreachable), range(12)):
        faulty = Faulty(dynamodb, fault, first)
        with monkeypatch.context() as patched:
            patched.setattr(dependencies, "dynamodb", lambda faulty=faulty: faulty)
            forget()
            answer = world.call(route)
        forget()
        check_failure(route, answer, faulty)


def check_failure(route: Route, answer: Any, faulty: Faulty) -> None:
    where = (name_of(route), faulty.calls, answer.json)
    if not faulty.fired or answer.status < 500:
        return  # some reads can do without an answer, and another pass has changed what this one finds
    assert answer.status == 503, where
    assert answer.code in {"unavailable", "odoo_not_configured"}, where
    assert int(answer.headers["retry-after"]) >= 1, where


def forget() -> None:
    """Have the function make everything anew."""
    for module in (access_dependencies, dependencies, webhook_dependencies):
        for found in vars(module).values():
            clear = getattr(found, "cache_clear", None)
            if clear is not None:
                clear()
