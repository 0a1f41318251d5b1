"""Last periods of ended subscriptions that no final invoice will close: the relay is asked to."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from fusion_billing.messaging.rating_messages import sweep_jobs

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

DECEMBER_2 = datetime(2026, 12, 2, 1, tzinfo=UTC)
CLOSE = {"job": "close", "subscription": "42", "period_start": "2026-11-01T00:00:00Z"}


def asked(world: "World", now: datetime = DECEMBER_2) -> list[dict[str, Any]]:
    """Sweep, and return what the relay is asked to close."""
    world.now = now
    world.relay_queue.messages.clear()
    for message in sweep_jobs():
        world.do(message)
    return [message for message in world.relay_queue.messages if message["job"] == "close"]


@pytest.mark.parametrize("ended", [{"state": "6_churn"}, {"end_date": "2026-11-24"}])
def test_a_last_period_without_an_amount_is_closed_a_day_after_its_end(
    small_world: "World", ended: dict[str, Any]
) -> None:
    small_world.push("5")
    small_world.change(**ended)
    assert asked(small_world, datetime(2026, 12, 1, 23, tzinfo=UTC)) == []
    assert asked(small_world) == [CLOSE]


def test_what_runs_or_is_paused_is_left_open(small_world: "World") -> None:
    assert asked(small_world) == []
    small_world.change(state="4_paused")
    assert asked(small_world) == []


def test_what_did_not_live_in_its_open_period_is_left_open(small_world: "World") -> None:
    small_world.change(end_date="2026-10-20")
    assert asked(small_world) == []


def test_what_is_due_waits_for_its_final_invoice(small_world: "World") -> None:
    small_world.push("25")
    small_world.change(state="6_churn")
    assert asked(small_world) == []
    small_world.acknowledge()  # as a line that an earlier release saw invoiced
    assert asked(small_world) == [CLOSE]
    small_world.push("35")
    assert asked(small_world) == []
