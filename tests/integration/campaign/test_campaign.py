"""A short fault campaign: every kind of fault, a few seeds each (docs/campaign.md). `make campaign` plays more."""

import os
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import pytest

from fusion_billing.messaging.hops import HOPS
from tests.campaign.campaign import play
from tests.campaign.director import Director
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


@pytest.mark.parametrize(("seed", "kind"), [(5, None), (8, "person_renews"), (6, "sqs_duplicated")])
def test_a_story_makes_the_same_calls_whenever_it_is_played(seed: int, kind: str | None) -> None:
    HOPS.receive([{"messageAttributes": {"hops": {"stringValue": "7"}}}])  # as other tests of the process may leave it
    first, second = (calls_of(seed, kind) for _ in range(2))
    assert first == second


def calls_of(seed: int, kind: str | None) -> list[str]:
    calls: list[str] = []
    before_call = Director.before_call

    def noted(director: Director, operation: str, request: Mapping[str, Any]) -> None:
        shown = {name: value for name, value in request.items() if not callable(value)}
        calls.append(f"{director.clock.now} {operation} {shown}")
        before_call(director, operation, request)

    with patch.object(Director, "before_call", noted):
        assert play(seed, kind).failure is None
    return calls
