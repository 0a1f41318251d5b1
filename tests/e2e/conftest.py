"""Run the whole service once for all tests here: the real template on the local cloud, in a folder of its own."""

import contextlib
import dataclasses
import random
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local import artefacts


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
    """The result of a run: its status, its output, and the rows of its table."""

    status: int
    output: str

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
        return Ended(done.returncode, done.stdout + done.stderr)

    return run
