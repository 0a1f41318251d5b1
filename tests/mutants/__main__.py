"""`make mutants`: mutate the code that decides amounts, and count the mutants that unit tests kill.

mutmut makes the mutants and runs, for each, the unit tests that reach the changed function. It expects sources under
`src/`, so it works on a copy under `build/mutants`. Results are kept there: a second run tries only changed functions.

The variable PACKAGES selects some of `PACKAGES`, or modules of them (`metering.parsing`). WORKERS sets the number of
processes.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "mutants"
PACKAGES = ("rating", "billing", "billing_periods", "metering", "odoo_lines")
KNOWN_SURVIVORS = Path(__file__).with_name("survivors.txt")

FLOOR_PERCENT = 92
_READ_SOURCES = ("test_imports.py", "test_identifiers.py", "test_error_codes.py", "test_repository.py")
"""Tests that read the sources themselves, which look different once they hold all mutants."""

_KILLED = frozenset({"killed", "timeout", "segfault", "suspicious"})
_TESTS = (*PACKAGES, "catalog", "foundation", "ingest", "rate", "statements")
"""The unit tests that mutants are shown, as far as these folders exist."""

_PYPROJECT = """
[tool.pytest.ini_options]
addopts = "-q --import-mode=importlib -p no:cacheprovider -p no:schemathesis"
filterwarnings = ["error"]

[tool.mutmut]
source_paths = ["src"]
only_mutate = {only}
also_copy = ["tests", "functions", "docs"]
pytest_add_cli_args_test_selection = {tests}
"""


def main() -> int:
    """Run mutmut; return 1 if fewer than `FLOOR_PERCENT` of the mutants are killed."""
    packages = tuple(os.environ.get("PACKAGES", "").split()) or PACKAGES
    _prepare()
    patterns = [f"fusion_billing.{package}.*" for package in packages]
    workers = os.environ.get("WORKERS") or str(os.cpu_count() or 2)
    with (BUILD / "mutmut.log").open("w") as log:
        print(f"Mutating {', '.join(packages)} (log: {BUILD / 'mutmut.log'})", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "mutmut", "run", "--max-children", workers, *patterns],
            cwd=BUILD,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HYPOTHESIS_PROFILE": "mutants"},
            check=False,
        )
    statuses = dict(_statuses(patterns))
    if done.returncode or not statuses:
        print(f"mutmut ended with status {done.returncode}; see its log", file=sys.stderr)
        return 1
    return _report(statuses)


def _prepare() -> None:
    """Copy the sources into the layout that mutmut expects."""
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in ("src", "tests", "functions", "docs"):
        shutil.rmtree(BUILD / name, ignore_errors=True)
    unread = shutil.ignore_patterns("__pycache__", "integration", "e2e", "lives", "bench", "mutants", *_READ_SOURCES)
    compiled = shutil.ignore_patterns("__pycache__")
    package = ROOT / "layers" / "fusion_billing" / "fusion_billing"
    shutil.copytree(package, BUILD / "src" / "fusion_billing", ignore=compiled)
    shutil.copytree(ROOT / "tests", BUILD / "tests", ignore=unread)
    shutil.copytree(ROOT / "functions", BUILD / "functions", ignore=compiled)
    shutil.copytree(ROOT / "docs", BUILD / "docs")
    only = [f"src/fusion_billing/{package}/*" for package in PACKAGES]
    tests = [f"tests/unit/{name}" for name in _TESTS if (BUILD / "tests" / "unit" / name).is_dir()]
    (BUILD / "pyproject.toml").write_text(_PYPROJECT.format(only=json.dumps(only), tests=json.dumps(tests)))


def _statuses(patterns: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the status of each mutant that a pattern names."""
    for path in sorted((BUILD / "mutants" / "src" / "fusion_billing").rglob("*.meta")):
        for name, exit_code in json.loads(path.read_text())["exit_code_by_key"].items():
            if any(fnmatch(name, pattern) for pattern in patterns):
                yield name, status_by_exit_code[exit_code]


def _known() -> dict[str, str]:
    """Return the listed survivors: patterns of functions, each with the reason."""
    lines = (line.strip() for line in KNOWN_SURVIVORS.read_text().splitlines())
    pairs = (line.partition(": ") for line in lines if line and not line.startswith("#"))
    return {pattern: reason for pattern, _, reason in pairs}


def _report(statuses: Mapping[str, str]) -> int:
    known = _known()
    for package in sorted({name.split(".")[1] for name in statuses}):
        counts = Counter(status for name, status in statuses.items() if name.split(".")[1] == package)
        print(f"{package:16} {_percent(counts):5.1f} % killed   {dict(counts)}")
    survivors = [name for name, status in statuses.items() if status not in _KILLED]
    for name in survivors:
        function = name.rsplit("__mutmut_", 1)[0]
        reason = next((reason for pattern, reason in known.items() if fnmatch(function, pattern)), "NOT LISTED")
        print(f"survived: {name} ({statuses[name]}): {reason}")
    killed = _percent(Counter(statuses.values()))
    print(f"{killed:.1f} % of {len(statuses)} mutants killed; at least {FLOOR_PERCENT} % expected")
    return 0 if killed >= FLOOR_PERCENT else 1


def _percent(counts: Counter[str]) -> float:
    return 100 * sum(counts[status] for status in _KILLED) / max(counts.total(), 1)


if __name__ == "__main__":
    sys.exit(main())
