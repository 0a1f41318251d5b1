"""A short fault campaign: every kind of fault, a few seeds each (docs/campaign.md). `make campaign` plays more."""

import os

import pytest

from tests.campaign.faults import KINDS
from tests.campaign.report import kinds_of, run

pytestmark = pytest.mark.integration

SEEDS = int(os.environ.get("CAMPAIGN_SEEDS") or 2)


def test_nothing_is_lost_whatever_fails() -> None:
    report = run(range(1, SEEDS + 1), [None, *kinds_of("")], os.cpu_count() or 1, most_failures=3)
    assert not report.failures


def test_every_kind_says_what_happens() -> None:
    assert len(KINDS) >= 40
    for kind, fault in KINDS.items():
        assert fault.__doc__, kind
        assert fault.__doc__.splitlines()[0].endswith("."), kind
