"""A short fault campaign: every kind of fault, a few seeds each (docs/campaign.md). `make campaign` plays more."""

import os

import pytest

from tests.campaign.faults import KINDS
from tests.campaign.report import kinds_of, run

pytestmark = pytest.mark.integration

SEEDS = int(os.environ.get("CAMPAIGN_SEEDS") or 2)
MOST_SEEDS = 30
"""A kind of fault that happens in none of its first stories is played on, up to this seed."""


def test_nothing_is_lost_whatever_fails_and_every_kind_of_fault_happens() -> None:
    kinds = [None, *kinds_of("")]
    report = run(range(1, SEEDS + 1), kinds, os.cpu_count() or 1, 3, until_all_happened=MOST_SEEDS)
    assert not report.failures
    assert not report.unfired()


def test_every_kind_says_what_happens() -> None:
    assert len(KINDS) >= 40
    for kind, fault in KINDS.items():
        assert fault.__doc__, kind
        assert fault.__doc__.splitlines()[0].endswith("."), kind
