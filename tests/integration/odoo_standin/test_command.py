"""`python -m local.odoo`: what it says, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from local.odoo.server import serve

pytestmark = pytest.mark.integration


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local.odoo", *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_stand_in_prints_its_address_and_stops_on_a_signal(tmp_path: Path) -> None:
    port = free_port()
    state = tmp_path / "made" / "odoo.sqlite"
    with subprocess.Popen(
        command("--port", str(port), "--state", str(state)), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert f"http://127.0.0.1:{port}" in process.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/web/health", timeout=10) as answer:
            assert answer.status == 200
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(20) == 0
    assert state.exists()


def test_a_port_in_use_is_reported(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            command("--port", str(port), "--state", str(tmp_path / "s")),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_state_file_that_is_not_a_database_is_reported(tmp_path: Path) -> None:
    state = tmp_path / "s"
    state.write_text("this is no SQLite file, and long enough to be looked at as one")
    done = subprocess.run(
        command("--port", "0", "--state", str(state)), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert str(state) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_state_file_in_use_by_another_process_is_reported(tmp_path: Path) -> None:
    state = tmp_path / "odoo.sqlite"
    with serve(state):
        done = subprocess.run(
            command("--port", "0", "--state", str(state)),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert "locked" in done.stderr
    assert "Traceback" not in done.stderr
