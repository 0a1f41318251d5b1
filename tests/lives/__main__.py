"""`python -m tests.lives`: plays LIVES lives (20,000) from SEED on, two at a time; 1 where one failed."""

import os
import random
import sys
import time
from multiprocessing import get_context

from tests.lives.play import Failure, play


def main() -> int:
    """Play them, print each failure, and stop after `MOST_FAILURES` of them."""
    lives = int(os.environ.get("LIVES") or 20_000)
    first = int(os.environ.get("SEED") or random.randrange(10**9))
    most = int(os.environ.get("MOST_FAILURES") or 3)
    print(f"{lives} lives from seed {first}", flush=True)
    began, failures = time.perf_counter(), 0
    with get_context("fork").Pool(os.cpu_count()) as pool:
        for done, failure in enumerate(pool.imap_unordered(play, range(first, first + lives), 4), 1):
            if failure is not None:
                failures += 1
                print(failure, flush=True)
            if done % 1000 == 0:
                print(f"{done} lives, {failures} failed, {time.perf_counter() - began:.0f} s", flush=True)
            if failures >= most:
                break
        pool.terminate()
    print(f"{failures} failed of {done} lives from seed {first}, {time.perf_counter() - began:.0f} s")
    return 1 if failures else 0


__all__ = ["Failure", "main"]

if __name__ == "__main__":
    sys.exit(main())
