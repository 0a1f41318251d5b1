"""The tools, installed at pinned versions into `build/api-tools`, the document, and the service that clients call."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.admin.services.openapi import document

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "build" / "api-tools"
PINS = ("package.json", "package-lock.json", ".npmrc", "requirements.txt")


def run(*command: object, folder: Path = FOLDER) -> str:
    """Run a tool; return what it prints, or fail with it."""
    path = os.pathsep.join([str(FOLDER / "venv" / "bin"), os.environ["PATH"]])
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, "PATH": path, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4_000:]
    return done.stdout


@pytest.fixture(scope="session")
def tools() -> Path:
    """Return the folder with the tools."""
    missing = [name for name in ("node", "npm", "java") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"the tools of the OpenAPI document need {', '.join(missing)}")
    pins = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in PINS)).hexdigest()
    mark = FOLDER / "installed"
    if not mark.exists() or mark.read_text() != pins:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        for name in PINS:
            shutil.copy(HERE / name, FOLDER)
        run("npm", "ci", "--no-progress", "--loglevel=error")
        run(sys.executable, "-m", "venv", "venv")
        pip = ("venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, "--require-hashes", "-r", "requirements.txt")
        mark.write_text(pins)
    (FOLDER / "openapi.json").write_text(json.dumps(document()))
    return FOLDER


@pytest.fixture
def service() -> Iterator[tuple[str, str]]:
    """Return the address of the service on this machine, and a key of the scope `admin`."""
    command = [sys.executable, "-m", "tests.clients.service"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        made = json.loads(process.stdout.readline())
        yield made["base_url"], made["key"]
        process.terminate()
