"""The container engine of `make sam-local`: what counts as none, and what as a failure. podman is a script here."""

import shutil
import sys
from pathlib import Path

import pytest

from local.processes import Failed
from local.sam_local import engine

PODMAN = f"""#!{sys.executable}
import json, os, socket, sys, time
words = [word for word in sys.argv[1:] if not word.startswith("--")]
if words[0] in os.environ.get("FAILS", "").split():
    sys.exit(f"podman can't {{words[0]}}")
if words[0] == "system":
    server = socket.socket(socket.AF_UNIX)
    server.bind(words[-1].removeprefix("unix://"))
    server.listen()
    time.sleep(60)
if words[0] == "network":
    print(json.dumps([{{"subnets": [{{"gateway": "10.88.0.1"}}]}}]))
"""


@pytest.fixture(autouse=True)
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a podman of our own into an otherwise empty search path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("podman", "runc", "iptables"):
        (programs / name).write_text(PODMAN)
        (programs / name).chmod(0o755)
    for name in ("sh", "cat"):
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))


def test_podman_is_used_where_docker_does_not_run(tmp_path: Path) -> None:
    with engine.running(tmp_path / "engine") as running:
        assert running.command[0] == "podman"
        assert running.gateway == "10.88.0.1"
        running.check("image", "python")


def test_a_missing_program_leaves_no_engine(tmp_path: Path) -> None:
    (tmp_path / "bin" / "runc").unlink()
    with pytest.raises(engine.Unavailable, match="runc is not installed"), engine.running(tmp_path / "engine"):
        pass


@pytest.mark.parametrize("command", ["system", "network"])
def test_an_engine_that_does_not_start_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("FAILS", command)
    with pytest.raises(engine.Unavailable, match="podman does not work here"), engine.running(tmp_path / "engine"):
        pass


def test_an_engine_that_starts_no_container_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILS", "run")
    with (
        engine.running(tmp_path / "engine") as running,
        pytest.raises(engine.Unavailable, match="a container does not start here: podman failed: podman can't run"),
    ):
        running.check("image", "python")


def test_a_failed_check_is_a_failure_not_a_missing_engine(tmp_path: Path) -> None:
    with pytest.raises(Failed) as raised, engine.running(tmp_path / "engine"):
        raise Failed("the line is missing in Odoo")
    assert not isinstance(raised.value, engine.Unavailable)
