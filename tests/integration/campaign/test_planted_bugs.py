"""The campaign finds planted bugs: each within 200 seeds (docs/campaign.md).

The story that found a bug is played first. If it no longer does, because the product makes other calls by now,
the bug is searched anew.
"""

import pytest

from tests.campaign.planted_bugs import BUGS
from tests.campaign.planted_bugs.search import SEEDS, Found, recorded, search
from tests.campaign.processes import pool

pytestmark = pytest.mark.integration


def found(name: str) -> tuple[str, Found | None]:
    bug = BUGS[name]
    return name, recorded(bug) or search(bug)


def test_every_planted_bug_is_found() -> None:
    assert len(BUGS) >= 12
    with pool(None) as players:  # the whole service is patched: not in this process
        results = dict(players.imap_unordered(found, BUGS))
    missing = [name for name, result in results.items() if result is None]
    assert not missing, f"not found within {SEEDS} seeds"


def test_every_planted_bug_says_what_it_is() -> None:
    for name, bug in BUGS.items():
        assert (bug.__doc__ or "").splitlines()[0].endswith("."), name
