"""Processes that play stories: each begins anew, and orders sets in the same way whenever it is started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.pool import Pool
from unittest.mock import patch


@contextmanager
def pool(processes: int | None) -> Iterator[Pool]:
    """Give a pool of such processes, as many as there are cores by default."""
    count = processes or os.cpu_count() or 1
    # The order of a set of texts follows this, and the order of keys in a call follows that of sets.
    with patch.dict(os.environ, {"PYTHONHASHSEED": "0"}), get_context("spawn").Pool(count) as made:
        yield made
