"""`python -m tests.campaign`: plays SEEDS (1-20) of each kind of FAULTS (all); 1 if one failed or a kind never did."""

import os
import sys
import time

from tests.campaign.report import kinds_of, run, seeds_of


def main() -> int:
    """Play, and print the report."""
    seeds = seeds_of(os.environ.get("SEEDS") or "1-20")
    kinds = kinds_of(os.environ.get("FAULTS") or "")
    processes = int(os.environ.get("PROCESSES") or os.cpu_count() or 1)
    started = time.monotonic()
    report = run(seeds, kinds, processes, int(os.environ.get("MOST_FAILURES") or 3))
    print(report)
    unfired = report.unfired() if len(seeds) > 1 else []
    if unfired:
        print(f"never happened: {', '.join(unfired)}")
    plays = sum(report.plays.values())
    print(f"{plays} plays, {report.failures} failed, {time.monotonic() - started:.0f} s")
    return 1 if report.failures or unfired else 0


if __name__ == "__main__":
    sys.exit(main())
