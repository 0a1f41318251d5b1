"""What `make run` needs to have for itself: its ports, and the folder it keeps everything in."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local.processes import Failed, alone, free


def test_a_folder_is_one_process_s_at_a_time(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(Failed, match="running already"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


def test_a_process_that_was_killed_leaves_its_folder_to_the_next(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; from local.processes import alone\n"
        "with alone(pathlib.Path(sys.argv[1])): print('has it', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "has it\n"
        with pytest.raises(Failed), alone(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with alone(tmp_path):
        pass


def test_a_port_that_is_taken_is_named_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Failed, match=f"port {port} .* the local cloud.* make run PORT="):
            free(port, "the local cloud", "PORT")
