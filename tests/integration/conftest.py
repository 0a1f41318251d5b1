"""DynamoDB Local for every integration test: one engine a process, fresh tables for each test.

`dynamodb` is a low-level client of the engine, `tables` (a `local.tables.Tables`) the names of tables made of
template.yaml under a prefix of the test's own, so that tests run side by side and none sees another's items.
`metered` is a second client with a `local.capacity.Consumed` that notes what its calls cost. The engine
allows everything: that each function keeps to its role is watched in every test.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_lambda_powertools import Metrics
from mypy_boto3_dynamodb import DynamoDBClient

from fusion_billing.messaging.hops import HOPS
from local import rights
from local import tables as template_tables
from local.capacity import Consumed, meter
from local.dynamodb import DynamoDBLocal, client
from local.tables import Tables
from tests import used_rights
from tests.memory_dynamodb import MemoryDynamoDB
from tests.memory_dynamodb.noting import noting


def pytest_configure(config: pytest.Config) -> None:
    """Begin to note the rights that the functions use."""
    config.stash.setdefault(used_rights.NOTED, set())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker noted."""
    node.config.stash[used_rights.NOTED].update(used_rights.read(getattr(node, "workeroutput", {}).get("rights", {})))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what was noted to the process that started this one; that one compares it with the recorded use."""
    used_rights.finish(session)


@pytest.fixture(autouse=True)
def _within_its_role(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check that no function did what its role in template.yaml does not allow, and note the rights it used."""
    with rights.watched() as watch, noting(watch):
        yield
    request.config.stash[used_rights.NOTED].update(watch.used)
    assert not watch.beyond


@pytest.fixture(autouse=True)
def _container_of_its_own() -> None:
    """Drop what functions of earlier tests left in the process: metrics never reported, the position of a message."""
    Metrics(namespace="tests", service="tests").clear_metrics()
    HOPS.receive([])


def _in_memory() -> bool:
    return os.environ.get("ENGINE") == "memory"


@pytest.fixture(scope="session")
def dynamodb_url() -> Iterator[str]:
    """The endpoint of an engine of this process's own: one engine does one thing at a time, whoever asks."""
    if _in_memory():
        pytest.skip("needs DynamoDB Local")
    with DynamoDBLocal() as engine:
        yield engine.url


@pytest.fixture(scope="session")
def connect(request: pytest.FixtureRequest) -> Callable[[], DynamoDBClient]:
    """What makes low-level clients of the engine: DynamoDB Local, or with ENGINE=memory the one in memory."""
    if _in_memory():
        engine: Any = MemoryDynamoDB()
        another: Callable[[], DynamoDBClient] = engine.another
        return another
    url: str = request.getfixturevalue("dynamodb_url")
    return lambda: client(url)


@pytest.fixture(scope="session")
def dynamodb(connect: Callable[[], DynamoDBClient]) -> Iterator[DynamoDBClient]:
    """A low-level client of the engine."""
    made = connect()
    yield made
    made.close()


@pytest.fixture(scope="session")
def _table_definitions() -> dict[str, dict[str, Any]]:
    return template_tables.definitions()


@pytest.fixture
def tables(dynamodb: DynamoDBClient, _table_definitions: dict[str, dict[str, Any]]) -> Iterator[Tables]:
    """The tables of template.yaml, empty, for this test alone."""
    made = template_tables.create(dynamodb, _table_definitions)
    yield made
    template_tables.delete(dynamodb, made)


@pytest.fixture
def metered(dynamodb_url: str) -> Iterator[tuple[DynamoDBClient, Consumed]]:
    """A client of the engine, and what its calls consume."""
    made = client(dynamodb_url)
    yield made, meter(made)
    made.close()
