"""Test that the artifacts contain bytecode that this Python uses unchecked: without it, a start takes twice as long."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import artefacts

PARTS = ("FusionBillingLayer", "IngestFunction", "RateFunction", "RelayFunction", "AdminFunction")

_FLAGS = slice(4, 8)
_UNCHECKED_HASH = 0b01  # PEP 552: by the source's hash, which is not checked


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the artifacts, and build them first if necessary."""
    return artefacts.built(os.environ, tmp_path_factory.mktemp("build") / "build.log").parent


def sources(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


@pytest.mark.parametrize("part", PARTS)
def test_every_source_has_bytecode_of_this_python_that_is_never_checked(built: Path, part: str) -> None:
    wrong = []
    found = 0
    for source in sources(built / part):
        found += 1
        compiled = Path(importlib.util.cache_from_source(str(source)))
        head = compiled.read_bytes()[:16] if compiled.exists() else b""
        valid = head[:4] == importlib.util.MAGIC_NUMBER
        unchecked = int.from_bytes(head[_FLAGS], "little") == _UNCHECKED_HASH
        is_of_source = head[8:16] == importlib.util.source_hash(source.read_bytes())
        if not (valid and unchecked and is_of_source):
            wrong.append(str(source.relative_to(built)))

    assert found
    assert wrong == []


@pytest.mark.parametrize("function", ["ingest", "rate", "relay", "admin"])
def test_nothing_is_compiled_when_a_function_starts(built: Path, function: str) -> None:
    layer, own = built / "FusionBillingLayer" / "python", built / f"{function.capitalize()}Function"
    code = f"""
import sys
sys.path[:0] = [{str(layer)!r}, {str(own)!r}]
from importlib.machinery import SourceFileLoader
original = SourceFileLoader.source_to_code
def noted(self, data, path, **options):
    print(path)
    return original(self, data, path, **options)
SourceFileLoader.source_to_code = noted
import functions, dataclasses, marshal
from fusion_billing import compiled_dataclasses
methods = marshal.load(open({str(layer)!r} + "/fusion_billing/" + compiled_dataclasses.FILE_NAME, "rb"))
taken = dataclasses.exec
def noted(source, *namespaces):
    if source not in methods:
        print(source)
    taken(source, *namespaces)
dataclasses.exec = noted
import functions.{function}.handler
"""
    settings = {"POWERTOOLS_METRICS_NAMESPACE": "FusionBilling", "POWERTOOLS_SERVICE_NAME": function}
    # Isolated from this environment: what is not in the artefacts is not there at all.
    command = [sys.executable, "-I", "-S", "-B", "-c", code]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)

    assert done.stdout == ""
