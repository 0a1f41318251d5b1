"""Test that docs/cost.md shows what is computed now."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_cost_page_is_current() -> None:
    command = [sys.executable, "-m", "tests.bench.cost", "--check"]

    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0, "run: make docs"
