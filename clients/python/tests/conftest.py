"""What the tests run against: the real service on tables in memory, and an ingest with faults."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from fusion_billing_client import Client

TESTS = Path(__file__).parent
ROOT = TESTS.parents[2]


@dataclass
class Service:
    """The running service: an address, a key of the scope `admin`, and what only tests may do."""

    base_url: str
    key: str
    has_controls: bool = True
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = Client(self.base_url, self.key)

    def control(self, name: str, body: Any = None) -> Any:
        if not self.has_controls:
            return []  # its schedules run by themselves
        response = httpx.post(f"{self.base_url}/test/{name}", json=body or {}, timeout=60)
        assert response.status_code == 200, response.text
        return response.json()


def start(command: list[str], cwd: Path, environment: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def stop(process: "subprocess.Popen[str]") -> None:
    streams: list[IO[str] | None] = [process.stdin, process.stdout]
    for stream in streams:
        if stream is not None:
            stream.close()
    process.wait(30)


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the process ended before it said its address"
    return line.strip()


@contextlib.contextmanager
def running_service() -> Iterator[Service]:
    """A service with the demo's catalog: one of our own, or the one that the environment names."""
    if os.environ.get("TEST_BASE_URL"):
        given = Service(os.environ["TEST_BASE_URL"], os.environ["TEST_KEY"], has_controls=False)
        yield given
        given.client.close()
        return
    python = os.environ.get("FUSION_SERVICE_PYTHON") or str(ROOT / ".venv" / "bin" / "python")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'layers' / 'fusion_billing'}{os.pathsep}{ROOT}"}
    process = start([python, "-m", "tests.clients.service"], ROOT, environment)
    try:
        made = Service(**json.loads(first_line(process)))
        yield made
        made.client.close()
    finally:
        stop(process)


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """The service of all tests: expect records, definitions and endpoints of other tests, but no relay."""
    with running_service() as made:
        yield made


@pytest.fixture(scope="module")
def own_service() -> Iterator[Service]:
    """A service of a module's own: for tests of what a whole period comes to, or of lines that are sent."""
    with running_service() as made:
        yield made


@pytest.fixture
def unused_service() -> Iterator[Service]:
    """A service that no other test uses."""
    with running_service() as made:
        yield made


@dataclass(frozen=True)
class Ingest:
    """An ingest with faults, and what it stores."""

    base_url: str
    clients: list[Client] = field(default_factory=list)

    def client(self) -> Client:
        self.clients.append(Client(self.base_url, "fb_test_key"))
        return self.clients[-1]

    def faults(self, **probabilities: float) -> None:
        httpx.post(f"{self.base_url}/faults", json=probabilities, timeout=60)

    def records(self) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = httpx.get(f"{self.base_url}/records", timeout=60).json()["records"]
        return records

    def totals(self, by: str = "subscription") -> dict[str, Decimal]:
        totals: dict[str, Decimal] = {}
        for record in self.records():
            name = record.get("properties", {}).get(by) or record[by]
            totals[name] = totals.get(name, Decimal(0)) + Decimal(record["quantity"])
        return totals


@pytest.fixture(scope="session")
def _ingest() -> Iterator[Ingest]:
    process = start([sys.executable, str(TESTS / "fake_ingest.py")], TESTS, dict(os.environ))
    try:
        yield Ingest(first_line(process))
    finally:
        stop(process)


@pytest.fixture
def ingest(_ingest: Ingest) -> Iterator[Ingest]:
    """An ingest that stores nothing yet and has no faults."""
    httpx.post(f"{_ingest.base_url}/reset", json={}, timeout=60)
    _ingest.faults()
    yield _ingest
    while _ingest.clients:
        _ingest.clients.pop().close()
