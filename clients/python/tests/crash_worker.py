"""A process that counts until it is killed, and notes in shared memory what it has counted.

The memory has two numbers for each run: how many counts were begun, and how many had returned. Killed between the
two, the last count may or may not be in the ledger: it had not returned.
"""

import contextlib
import mmap
import os
import struct
import sys
from pathlib import Path

from fusion_billing_client import NO_RETRIES, Client, FusionBillingError, Meter

SIZE = 16


def count_forever(base_url: str, ledger: str, run: int, truth: Path, threads: int = 1) -> None:
    """Count under the property `run` until this process is killed."""
    with truth.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
    client = Client(base_url, "fb_test_key", retries=NO_RETRIES, timeout=2)
    meter = Meter(client, ledger, flush_interval=0.01)
    began, returned = struct.Struct("<q"), struct.Struct("<q")
    number = 0
    while True:
        number += 1
        began.pack_into(memory, run * SIZE, number)
        meter.count("42", "api_calls", 1, run=f"run{run}")
        returned.pack_into(memory, run * SIZE + 8, number)
        if number % 997 == 0:
            with contextlib.suppress(FusionBillingError):
                meter.flush()


def truth_file(path: Path, runs: int) -> Path:
    """Make the memory for so many runs."""
    path.write_bytes(b"\0" * runs * SIZE)
    return path


def truth_of(path: Path, run: int) -> tuple[int, int]:
    """Return how many counts of a run were begun and had returned."""
    began, returned = struct.unpack_from("<qq", path.read_bytes(), run * SIZE)
    return began, returned


if __name__ == "__main__":
    count_forever(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    os._exit(3)
