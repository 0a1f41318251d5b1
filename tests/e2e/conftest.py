"""Run the whole service once for all tests here: the real template on the local cloud, in a folder of its own.

It starts three times: for the demo, for the demo once more on what was stored, and for the tests that call it.
"""

import contextlib
import dataclasses
import json
import os
import random
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from local import artefacts
from local.run import Running
from tests.browser.visitor import SCHEMES, Stack, Visitor, open_window
from tests.e2e import console_world


@dataclasses.dataclass(frozen=True)
class Place:
    """The folder and the ports of the service under test. The ports were free when it was created."""

    folder: Path
    port: int
    odoo_port: int
    receiver_port: int

    def arguments(self) -> list[str]:
        ports = ["--port", self.port, "--odoo-port", self.odoo_port, "--receiver-port", self.receiver_port]
        return [*map(str, ports), "--state", str(self.folder)]

    def webhooks(self) -> list[dict[str, Any]]:
        """Return the messages that the receiver has verified."""
        file = self.folder / "webhooks.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def in_use(self) -> list[str]:
        """Return the ports that somebody listens on, and the command lines of processes that name the folder."""
        found = []
        for port in (self.port, self.odoo_port, self.receiver_port):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    found.append(f"port {port}")
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.folder) in command and str(os.getpid()) != process.parent.name:
                found.append(command)
        return found


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    artefacts.python()  # says what is missing, before anything is started
    return Place(tmp_path_factory.mktemp("service"), *free_ports(3))


@pytest.fixture
def unused_ports() -> list[int]:
    """Two more ports that are free: the usual ones may be taken by a demo that runs on this machine."""
    return free_ports(2)


def free_ports(count: int) -> list[int]:
    """Return ports that are free, and that no connection takes before they are used: the system takes higher ones."""
    found: list[int] = []
    for port in random.sample(range(20_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no free ports between 20000 and 32000")


@dataclasses.dataclass(frozen=True)
class Ended:
    """The result of a run: its status and output, the webhooks until then, and what still ran after its end."""

    status: int
    output: str
    webhooks: list[dict[str, Any]]
    left_over: list[str]

    @property
    def table(self) -> dict[tuple[str, str], list[str]]:
        """Return the cells after the period by subscription and charge."""
        rows = {}
        for line in self.output.splitlines():
            cells = re.split(r"\s{2,}", line.strip())
            if len(cells) == 9 and cells[0][:4].isdigit():
                rows[cells[0][:4], cells[1]] = cells[2:]
        return rows


@pytest.fixture(scope="session")
def run_once(place: Place) -> Callable[[], Ended]:
    """Run `make run ONCE=1` at this place."""

    def run() -> Ended:
        command = [sys.executable, "-m", "local.run", "--once", *place.arguments()]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=420)
        return Ended(done.returncode, done.stdout + done.stderr, place.webhooks(), place.in_use())

    return run


@pytest.fixture(scope="session")
def first(run_once: Callable[[], Ended]) -> Ended:
    """The first run."""
    return run_once()


@pytest.fixture(scope="session")
def second(first: Ended, run_once: Callable[[], Ended]) -> Ended:
    """A run on what the first one stored."""
    del first
    return run_once()


@pytest.fixture(scope="session")
def running(second: Ended, place: Place) -> Iterator[Running]:
    """The service with its demo, as `make run` leaves it. In the end, no function may have lacked a right."""
    assert second.status == 0, second.output
    with Running(place.folder, place.port, place.odoo_port, place.receiver_port) as service:
        yield service
        assert failures(service) == Counter()


def failures(service: Running) -> Counter[str]:
    """Return how often the functions logged that a right was lacking, or that they failed."""
    logs = service.cloud.client("logs")
    found: Counter[str] = Counter()
    for group in logs.describe_log_groups()["logGroups"]:
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]:
            found.update(what for what in ("AccessDenied", '"internal error"') if what in event["message"])
    return found


@pytest.fixture(scope="session")
def console(chromium: Browser, running: Running) -> Stack:
    """The service as browsers see it, with a subscription of the browser tests' own."""
    del chromium  # without one, nothing needs to be played
    return console_world.build(running)


@pytest.fixture(scope="session")
def windows(chromium: Browser, console: Stack) -> Iterator[Callable[[str], Visitor]]:
    """Windows by size, each signed in once with the key that `make run` prints."""
    opened: dict[str, Visitor] = {}

    def window(size: str) -> Visitor:
        if size not in opened:
            made = open_window(chromium, console, size=size, color_scheme=SCHEMES[size])
            made.sign_in()
            opened[size] = made
        return opened[size]

    yield window
    for each in opened.values():
        each.context.close()


@pytest.fixture
def visitor(windows: Callable[[str], Visitor], request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A window that is signed in, of desktop size unless the test says otherwise. It must not log an error."""
    shared = windows(getattr(request, "param", "desktop"))
    shared.errors.clear()
    shared.expected.clear()
    yield shared
    assert shared.unexpected() == []


@pytest.fixture
def stranger(chromium: Browser, console: Stack, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A window of its own, not signed in. It must not log an error."""
    size = getattr(request, "param", "desktop")
    made = open_window(chromium, console, size=size, color_scheme=SCHEMES[size])
    yield made
    made.context.close()
    assert made.unexpected() == []
