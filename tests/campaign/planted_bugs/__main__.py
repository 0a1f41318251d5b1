"""`python -m tests.campaign.planted_bugs`: searches each of BUGS (all) anew in 200 seeds; 1 if one is not found."""

import os
import sys
import time

from tests.campaign.planted_bugs import BUGS
from tests.campaign.planted_bugs.search import Found, search
from tests.campaign.processes import pool


def main() -> int:
    """Search, and print by which seed and kind of fault each bug is found first."""
    names = [name for name in os.environ.get("BUGS", "").split(",") if name] or list(BUGS)
    missing = 0
    with pool(int(os.environ.get("PROCESSES") or 0) or None) as players:
        for name, found, seconds in players.imap(_search, names):
            missing += found is None
            print(f"{name:40} {found} {seconds:.0f} s", flush=True)
    return 1 if missing else 0


def _search(name: str) -> tuple[str, Found | None, float]:
    started = time.process_time()
    found = search(BUGS[name])
    return name, found, time.process_time() - started


if __name__ == "__main__":
    sys.exit(main())
