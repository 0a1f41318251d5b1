"""The container engine that `sam local` speaks to: Docker where it runs, else podman with a service of its own."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.processes import Child, Failed

_PODMAN = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
"""
_PODMAN_NEEDS = ("podman", "runc", "iptables")
_SECONDS = 60.0


class Unavailable(Failed):
    """No container engine can be used here; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine.

    Attributes:
        command: The command line client, with its options.
        variables: What a client needs in its environment.
        gateway: This machine's address as containers see it.
    """

    command: tuple[str, ...]
    variables: Mapping[str, str]
    gateway: str

    def run(self, *arguments: str) -> str:
        """Run a command of the engine and return its output; raises `Failed`."""
        return _run([*self.command, *arguments], self.variables)

    def check(self, image: str, *command: str) -> None:
        """Run a command in a container with a network, as `sam local` will; raises `Unavailable` if that fails."""
        with _unavailable_if_it_fails("a container does not start here"):
            self.run("run", "--rm", image, *command)

    def remove_containers(self) -> None:
        """Remove the containers of `sam local` that a cut-off run left."""
        with contextlib.suppress(Failed):
            self.run("rm", "--force", "--all")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Engine]:
    """Yield an engine; podman's keeps all that it stores in `folder`. Raises `Unavailable` if there is none."""
    if _docker_runs():
        yield Engine(("docker",), {}, _docker_gateway())
        return
    missing = [name for name in _PODMAN_NEEDS if shutil.which(name) is None]
    if missing:
        raise Unavailable(f"no container engine: Docker does not run here, and {', '.join(missing)} is not installed")
    with _podman(folder) as engine:
        yield engine


@contextlib.contextmanager
def _podman(folder: Path) -> Iterator[Engine]:
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "containers.conf"
    configuration.write_text(_PODMAN)
    socket = folder / "podman.sock"
    socket.unlink(missing_ok=True)
    variables = {"CONTAINERS_CONF": str(configuration), "DOCKER_HOST": f"unix://{socket}"}
    options = [f"--{name}={folder / place}" for name, place in _PLACES.items()]
    command = ("podman", *options)
    service = [*command, "system", "service", "--time=0", variables["DOCKER_HOST"]]
    child = Child("podman", service, {**os.environ, **variables}, folder / "podman.log")
    try:
        with _unavailable_if_it_fails("podman does not work here"):
            child.wait_until(socket.is_socket, _SECONDS)
            network = json.loads(_run([*command, "network", "inspect", "podman"], variables))
        engine = Engine(command, variables, network[0]["subnets"][0]["gateway"])
        try:
            yield engine
        finally:
            engine.remove_containers()
    finally:
        child.stop()
        _unmount(folder / _PLACES["root"] / "overlay")


@contextlib.contextmanager
def _unavailable_if_it_fails(problem: str) -> Iterator[None]:
    try:
        yield
    except Failed as error:
        raise Unavailable(f"{problem}: {str(error).splitlines()[0]}") from error


_PLACES = {"root": "storage", "runroot": "run", "tmpdir": "libpod"}


def _docker_runs() -> bool:
    return shutil.which("docker") is not None and not _failed(["docker", "info"])


def _docker_gateway() -> str:
    bridge = json.loads(_run(["docker", "network", "inspect", "bridge"], {}))
    return str(bridge[0]["IPAM"]["Config"][0].get("Gateway", "host-gateway"))


def _failed(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS).returncode != 0
    except (OSError, subprocess.TimeoutExpired):
        return True


def _run(command: Sequence[str], variables: Mapping[str, str]) -> str:
    environment = {**os.environ, **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{command[0]} failed: {done.stderr.strip()[:500]}")
    return done.stdout


def _unmount(path: Path) -> None:
    """Unmount what podman mounted over its storage, so that the folder can be deleted."""
    if path.is_mount():
        subprocess.run(["umount", str(path)], check=False, capture_output=True)
        time.sleep(0.1)
