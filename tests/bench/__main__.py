"""`python -m tests.bench [suite ...] [--json PATH]`: measure, print the table, write the JSON.

Exits with 1 if a figure is over its bound.
"""

import argparse
import importlib
import sys
from pathlib import Path

from tests.bench.harness import Figure, machine, table, write_json

SUITES = ("ingest", "cold_start", "rating", "lines", "deliveries", "overview")


def main() -> int:
    """Run the requested suites, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"any of {', '.join(SUITES)}; all by default")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), help="where to write the figures")
    parser.add_argument("--full", action="store_true", help="run at full size; takes 18 minutes")
    asked = parser.parse_args()
    unknown = set(asked.suites) - set(SUITES)
    if unknown:
        parser.error(f"unknown suite: {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    for name in asked.suites or SUITES:
        figures += importlib.import_module(f"tests.bench.{name}").run(full=asked.full)
    print(f"\n{machine()}\n\n{table(figures)}\n")
    write_json(figures, asked.json)
    missed = [figure for figure in figures if not figure.holds]
    for figure in missed:
        print(
            f"missed: {figure.suite}, {figure.name}: {figure.value:.2f} is over {figure.bound}",
            file=sys.stderr,
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
