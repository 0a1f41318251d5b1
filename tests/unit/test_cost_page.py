"""docs/cost.md shows what is computed, so that nobody budgets with figures of long ago."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_costs_is_what_is_computed() -> None:
    command = [sys.executable, "-m", "tests.bench.cost", "--check"]

    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0, "run: python -m tests.bench.cost"
