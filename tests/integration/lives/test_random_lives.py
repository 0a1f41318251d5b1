"""Random lives end with what was invoiced, adjusted and stands open being what all records come to.

`LIVES` of them (500) from `SEED` on, on every core; `make lives` plays more (docs/testing.md).
"""

import os
from multiprocessing import get_context

import pytest

from tests.lives.play import play

pytestmark = pytest.mark.integration

LIVES = int(os.environ.get("LIVES") or 500)
SEED = int(os.environ.get("SEED") or 1)


def test_random_lives_end_well() -> None:
    print(f"{LIVES} lives from seed {SEED}")
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        for failure in pool.imap_unordered(play, range(SEED, SEED + LIVES), 8):
            assert failure is None, str(failure)
