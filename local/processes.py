"""Child processes that never outlive their parent, and the ports and the folder they need."""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

# A second shell waits for the end of the keeper's standard input, a pipe that this process holds, and then
# ends the child. So the child goes, and saves what it has to save, even where this process is killed.
_KEEPER = (
    'exec 3<&0; "$@" </dev/null 3<&- & child=$!; '
    "(cat <&3 >/dev/null; kill -TERM $child 2>/dev/null) & exec 3<&-; wait $child"
)


class Failed(RuntimeError):
    """Something local can't be started; the message says what, and what to do about it."""


def free(port: int, use: str, setting: str) -> None:
    """Raise `Failed` where `port` of loopback is taken, naming what it is for and how to choose another."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Failed(
                f"port {port} of 127.0.0.1, needed for {use}, is not available ({error.strerror}); "
                f"is it running already? To use another: make run {setting}=<port>"
            ) from None


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep `folder` to this process; raises `Failed` where another one works in it.

    Two would each write down what they hold, and the later one would undo the other's. The lock ends with
    the process, however that ends.
    """
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failed(f"it is running already, with what it keeps in {folder}; stop that one first") from None
        yield


class Child:
    """One process in a session of its own (Ctrl-C is for us to pass on), its output in `log`."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["sh", "-c", _KEEPER, "keeper", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready` says so; raises `Failed` where the child ends or time is up."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise Failed(f"{self.name} ended at once. The end of {self.log}:\n{tail(self.log)}")
            if ready():
                return
            time.sleep(0.1)
        raise Failed(f"{self.name} was not ready within {seconds:.0f} s. The end of {self.log}:\n{tail(self.log)}")

    def alive(self) -> bool:
        """Return whether it runs."""
        return self._process.poll() is None

    def stop(self, seconds: float = 30.0) -> None:
        """End it and wait; what is left of its session after `seconds` is killed."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, indented."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
