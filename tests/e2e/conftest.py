"""Run the whole service once for all tests here: the real template on the local cloud, in a folder of its own."""

import dataclasses
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
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        for each in (one, two, three):
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in (one, two, three)]
    return Place(tmp_path_factory.mktemp("service"), *ports)


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
