"""The functions and the layer, built by `sam build` for this machine, once a state of their sources."""

import contextlib
import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from local.processes import Failed, tail

ROOT = Path(__file__).resolve().parent.parent
CLOUD_VENV = ROOT / ".venv-cloud"
KEPT = ROOT / ".local" / "artefacts"

_SOURCES = ("template.yaml", "layers", "functions")


def python() -> Path:
    """Return the Python that runs the local cloud, and so the functions; raises `Failed`."""
    executable = CLOUD_VENV / "bin" / "python"
    if not executable.exists():
        raise Failed(f"{CLOUD_VENV.name} is missing: `make run` and `make test` create it")
    return executable


def architecture() -> str:
    """Return this machine's architecture as Lambda calls it."""
    return "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"


def runtime() -> str:
    """Return the runtime of the Python in use; the cloud's environment is made from the same one."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def parameters() -> dict[str, str]:
    """Return the template's parameters that must be what the artefacts were built for."""
    return {"Architecture": architecture(), "PythonRuntime": runtime()}


def built(environment: Mapping[str, str], log: Path) -> Path:
    """Return the built template, its artefacts beside it; builds them if the sources have changed since."""
    folder = KEPT / fingerprint()
    KEPT.mkdir(parents=True, exist_ok=True)
    with _locked(KEPT / "lock"):
        if not (folder / "complete").exists():
            for stale in KEPT.iterdir():
                if stale.is_dir():
                    shutil.rmtree(stale)
            _build(folder, environment, log)
            (folder / "complete").touch()
    return folder / "template.yaml"


def fingerprint() -> str:
    """Return a digest of all the artefacts are made from."""
    digest = hashlib.sha256(f"{architecture()} {runtime()}\n".encode())
    for path in sorted(_files()):
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _files() -> Iterator[Path]:
    for source in _SOURCES:
        top = ROOT / source
        for path in [top, *top.rglob("*")]:
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _build(folder: Path, environment: Mapping[str, str], log: Path) -> None:
    command = [str(python().parent / "sam"), "build", "--template-file", str(ROOT / "template.yaml")]
    command += ["--base-dir", str(ROOT), "--build-dir", str(folder), "--no-cached"]
    of_build = {"FUSION_ARCHITECTURE": architecture(), "FUSION_RUNTIME": runtime(), "PYTHON": str(python())}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        done = subprocess.run(
            command, env={**environment, **of_build}, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        raise Failed(f"sam build failed. The end of {log}:\n{tail(log, 30)}")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
