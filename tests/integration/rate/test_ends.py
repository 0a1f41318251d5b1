"""End dates that pass while nobody saves the subscription: the sweep announces each once."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from fusion_billing.dynamodb.ratings.announced_ends import AnnouncedEnds
from fusion_billing.messaging.rating_messages import sweep_jobs

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

END = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def ending(small_world: "World") -> "World":
    """A world whose subscription ends with 24 November, with 1.50 rated."""
    small_world.change(end_date="2026-11-24")
    small_world.push("25")
    small_world.rate()
    return small_world


def swept(world: "World", now: datetime) -> list[Mapping[str, object]]:
    """Sweep at an instant; return the ends that were announced so far."""
    world.now = now
    for message in sweep_jobs():
        world.do(message)
    assert world.reported == []
    return world.outbox.data_of("subscription.ended")


def test_an_end_date_that_has_passed_is_announced_once(ending: "World") -> None:
    assert swept(ending, END + timedelta(hours=23)) == []
    [announced] = swept(ending, END + timedelta(hours=25))
    assert announced == {
        "odoo_order_id": 42,
        "ended_at": "2026-11-25T00:00:00Z",
        "reason": "end_date",
        "unbilled_amount": "1.50",
        "currency": "USD",
    }
    assert swept(ending, END + timedelta(days=3)) == [announced]


def test_another_end_is_announced_again(ending: "World") -> None:
    swept(ending, END + timedelta(days=2))
    ending.change(end_date="2026-11-27")
    assert [told["ended_at"] for told in swept(ending, END + timedelta(days=5))] == [
        "2026-11-25T00:00:00Z",
        "2026-11-28T00:00:00Z",
    ]


@pytest.mark.parametrize("changed", [{"state": "6_churn"}, {"state": "4_paused"}, {"end_date": None}])
def test_what_is_over_by_its_state_or_stopped_before_is_not_announced(ending: "World", changed: dict[str, Any]) -> None:
    ending.change(**changed)
    assert swept(ending, END + timedelta(days=2)) == []


def test_what_ended_long_ago_is_not_announced(ending: "World") -> None:
    assert swept(ending, END + timedelta(days=15)) == []


def test_an_end_that_another_announced_meanwhile_is_left(ending: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    ends = ending.worker().end_announcer
    customer = ending.rater().rate_subscription("42")
    assert customer is not None
    assert ends.announce(customer, END + timedelta(days=2))
    monkeypatch.setattr(AnnouncedEnds, "of", lambda *_: None)
    assert not ends.announce(customer, END + timedelta(days=2))
    assert ending.rating().amount == Decimal("1.50")
