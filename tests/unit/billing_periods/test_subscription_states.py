"""The states of a subscription, and until when its usage is accepted and rated."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from fusion_billing.billing_periods import subscription_states as states
from fusion_billing.billing_periods.subscription_states import (
    NEVER,
    SubscriptionState,
    accepted_until,
    rated_until,
    stopped_at,
)

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(days=3), NOW + timedelta(days=3)
ALL = set(get_args(SubscriptionState))
EXAMPLES = {"webhooks/events/subscriptions.py"}
"""Modules that name a state in an example."""


def test_every_state_has_a_name() -> None:
    named = {value for name, value in vars(states).items() if name.isupper() and isinstance(value, str)}

    assert named == ALL


def test_groups_of_states() -> None:
    assert {"3_progress", "4_paused"} == states.RUNNING
    assert {"5_renewed", "6_churn"} == states.ENDED
    assert {"3_progress", "4_paused", "5_renewed", "6_churn"} == states.CONFIRMED
    assert {states.QUOTATION, states.RENEWAL_QUOTATION, states.UPSELL} == ALL - states.CONFIRMED


def test_no_other_module_spells_a_state() -> None:
    package = ROOT / "layers" / "fusion_billing" / "fusion_billing"
    found = [
        (path.relative_to(folder).as_posix(), node.value)
        for folder in (package, ROOT / "functions")
        for path in folder.rglob("*.py")
        if path.name != "subscription_states.py" and path.relative_to(folder).as_posix() not in EXAMPLES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in ALL
    ]

    assert found == []


@pytest.mark.parametrize(
    ("state", "previous", "previously", "stopped"),
    [
        ("3_progress", "3_progress", None, None),
        ("3_progress", "4_paused", EARLIER, None),
        ("4_paused", "3_progress", None, NOW),
        ("4_paused", "3_progress", EARLIER, NOW),
        ("6_churn", "4_paused", EARLIER, EARLIER),
        ("1_draft", None, None, None),
        ("6_churn", None, None, None),
    ],
)
def test_when_a_subscription_stopped(
    state: str, previous: str | None, previously: datetime | None, stopped: datetime | None
) -> None:
    assert stopped_at(state, previous, previously, NOW) == stopped


@pytest.mark.parametrize(
    ("state", "stopped", "ends", "until"),
    [
        ("3_progress", None, None, None),
        ("3_progress", EARLIER, LATER, LATER),
        ("4_paused", EARLIER, None, EARLIER),
        ("4_paused", NOW, EARLIER, EARLIER),
        ("6_churn", NOW, LATER, NOW),
        ("1_draft", None, None, NEVER),
        ("1_draft", None, LATER, NEVER),
    ],
)
def test_until_when_usage_is_rated(
    state: str, stopped: datetime | None, ends: datetime | None, until: datetime | None
) -> None:
    assert rated_until(state, stopped, ends) == until


@pytest.mark.parametrize(
    ("state", "stopped", "ends", "until"),
    [
        ("3_progress", None, LATER, LATER),
        ("4_paused", EARLIER, None, None),
        ("4_paused", EARLIER, LATER, LATER),
        ("1_draft", None, None, None),
        ("5_renewed", EARLIER, LATER, EARLIER),
        ("6_churn", EARLIER, None, EARLIER),
        ("6_churn", None, LATER, NEVER),
    ],
)
def test_until_when_usage_is_accepted(
    state: str, stopped: datetime | None, ends: datetime | None, until: datetime | None
) -> None:
    assert accepted_until(state, stopped, ends) == until
