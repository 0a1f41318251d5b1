"""Build the layer and the functions. The Makefiles that `sam build` runs call this; it needs a Python with pip only.

    build.py layer FOLDER ARTIFACTS ARCHITECTURE RUNTIME
    build.py function FOLDER ARTIFACTS RUNTIME

The layer holds the package and its pinned requirements, installed as wheels for the target machine. A function
holds its folder, as `functions.<name>`. Files that no function uses are left out, and everything is compiled:
without valid bytecode, a cold start takes twice as long.

Two builds of the same sources by the same Python are equal, byte for byte, with the times and modes of their files.
With PIP_REPORT, pip's report on what it installed (the wheels' hashes) is written there.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}

# Lambda's Python 3.11 runs on Amazon Linux 2 (glibc 2.26), 3.12 and later on 2023 (glibc 2.34).
GLIBC = {"3.11": 26, "3.12": 34, "3.13": 34}

# The services that botocore needs descriptions of: those that the functions call, and sts for credentials.
SERVICES = {"dynamodb", "sqs", "kms", "secretsmanager", "sts"}

BUILT_AT = 946_771_200  # 2000-01-02: whatever the time zone, a time that a zip file can hold

IMPORTING = {"POWERTOOLS_METRICS_NAMESPACE": "FusionBilling", "POWERTOOLS_SERVICE_NAME": "build"}

UNCOMPILED = shutil.ignore_patterns("__pycache__", "*.pyc")


def layer(folder: Path, artifacts: Path, architecture: str, runtime: str) -> None:
    """Build the layer whose package and requirements.txt are in `folder`."""
    version = runtime.removeprefix("python")
    target = artifacts / "python"
    install(folder / "requirements.txt", target, MACHINES[architecture], version)
    strip(target)
    package = folder / "fusion_billing"
    shutil.copytree(package, target / package.name, ignore=UNCOMPILED)
    compile_all(target, "/opt/python", version)
    compile_dataclasses(folder, target, MACHINES[architecture], version)
    settle(artifacts)


def function(folder: Path, artifacts: Path, runtime: str) -> None:
    """Build the function in `folder`, which lies in the package `functions`."""
    target = artifacts / "functions"
    target.mkdir(parents=True)
    shutil.copy(folder.parent / "__init__.py", target)
    shutil.copytree(folder, target / folder.name, ignore=UNCOMPILED)
    compile_all(artifacts, "/var/task", runtime.removeprefix("python"))
    settle(artifacts)


def install(requirements: Path, target: Path, machine: str, version: str) -> None:
    """Install `requirements`, with their hashes, as wheels for Linux on `machine` and Python `version`."""
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC[version], 16, -1)]
    platforms = [word for tag in [*tags, f"manylinux2014_{machine}"] for word in ("--platform", tag)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile"]
    command += ["--implementation", "cp", "--python-version", version, *platforms]
    command += ["--target", str(target), "--requirement", str(requirements)]
    if "PIP_REPORT" in os.environ:
        command += ["--report", os.environ["PIP_REPORT"]]
    subprocess.run(command, check=True)


def strip(target: Path) -> None:
    """Delete what no function uses: descriptions of other services, examples, tests, scripts."""
    for entry in (target / "botocore" / "data").iterdir():
        if entry.is_dir() and entry.name not in SERVICES:
            shutil.rmtree(entry)
    for folder in (target / "boto3" / "examples", target / "bin", *target.rglob("tests")):
        shutil.rmtree(folder, ignore_errors=True)


def compile_all(folder: Path, mounted_at: str, version: str) -> None:
    """Compile `folder` to bytecode that stays valid regardless of the modification times of the unpacked sources.

    Tracebacks show the paths that the files have on Lambda.
    """
    python = interpreter(version)
    if python is None:
        print(f"No Python {version} here: built without bytecode; cold starts will take longer.", flush=True)
        return
    command = [python, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(folder), "-p", mounted_at, str(folder)]
    # The order of a set in bytecode follows the seed.
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "0"})


def compile_dataclasses(folder: Path, target: Path, machine: str, version: str) -> None:
    """Compile the methods of dataclasses, which Python would otherwise compile in every start.

    They are found by importing everything. Wheels for another machine can't be imported, so those for this one are
    installed then, for as long as it takes.
    """
    python = interpreter(version)
    if python is None:
        return
    sources = folder.parent.parent  # of the functions
    with tempfile.TemporaryDirectory() as importable:
        if machine != platform.machine():
            install(folder / "requirements.txt", Path(importable), platform.machine(), version)
        script, written_to = folder.parent / "dataclass_methods.py", target / "fusion_billing"
        command = [python, "-I", "-S", "-B", str(script), str(written_to), importable, str(target), str(sources)]
        done = subprocess.run(command, check=False, env=IMPORTING)
    if done.returncode:
        print(
            "Can't import the functions here: the methods of dataclasses are not compiled, and cold starts take longer."
        )


def settle(folder: Path) -> None:
    """Give all files and folders the same time, and the same mode each."""
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (BUILT_AT, BUILT_AT))


def interpreter(version: str) -> str | None:
    """Return the path of a Python of `version`, or None: bytecode is valid for one version only."""
    show = "import sys; print('%d.%d' % sys.version_info[:2])"
    for executable in (sys.executable, f"python{version}"):
        try:
            reported = subprocess.run([executable, "-c", show], check=False, capture_output=True, text=True)
        except OSError:
            continue
        if reported.returncode == 0 and reported.stdout.strip() == version:
            return executable
    return None


if __name__ == "__main__":
    kind, source, destination, *target_of_build = sys.argv[1:]
    kinds: dict[str, Callable[..., None]] = {"layer": layer, "function": function}
    kinds[kind](Path(source), Path(destination), *target_of_build)
