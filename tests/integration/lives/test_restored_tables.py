"""Tables are restored to an earlier point in time, as docs/restore.md says, in the midst of random lives.

Apps push again what they have, and Odoo keeps what it invoiced meanwhile: nothing may be billed twice or lost.
"""

import io
from contextlib import redirect_stdout
from multiprocessing import get_context

import pytest

from tests.lives import restoring
from tests.lives.play import quiet

pytestmark = pytest.mark.integration

SEEDS = 12

# Ratings and catalog go together: a rating is frozen because the catalog says that its period is invoiced.
RESTORED = {
    "all tables": (restoring.ALL, ()),
    "usage": (("usage", "window_usage"), ()),
    "catalog and ratings": (("catalog", "ratings"), ()),
    "webhooks": (("webhooks",), ()),
    "markers and state, lost": ((), ("markers", "state")),
}


def outcomes(tables: str) -> list[str]:
    """Return how lives fail, in a process of its own: a life replaces clients and clocks of every module."""
    restored, emptied = RESTORED[tables]
    with quiet(), redirect_stdout(io.StringIO()):
        found = [restoring.outcome(seed, restored, emptied) for seed in range(SEEDS)]
    return [outcome for outcome in found if outcome is not None]


@pytest.mark.parametrize("tables", RESTORED)
def test_what_apps_push_again_is_billed_once(tables: str) -> None:
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(outcomes, (tables,)) == []


def without_looking_in_odoo() -> list[str]:
    """Return how lives fail if lines are not marked as unknown."""
    with quiet(), redirect_stdout(io.StringIO()):
        found = [restoring.outcome(seed, restoring.ALL, marks=False) for seed in range(SEEDS)]
    return [outcome for outcome in found if outcome is not None]


def test_without_a_look_in_odoo_lines_would_be_billed_twice() -> None:
    with get_context("spawn").Pool(1) as pool:
        failures = pool.apply(without_looking_in_odoo)

    assert any("Odoo's lines and invoices come to" in failure for failure in failures)
