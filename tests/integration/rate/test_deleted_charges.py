"""A charge that is deleted once only subscriptions that have ended pay it: what they still owe stays."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from fusion_billing.catalog.change import Change
from fusion_billing.messaging.rating_messages import sweep_jobs

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration

JOB = {"job": "subscription", "id": "42"}


def _sweep(world: "World", charge: str | None = None) -> None:
    for message in sweep_jobs(charge):
        world.do(message)


@pytest.fixture(params=["6_churn", "5_renewed"])
def ended(small_world: "World", request: pytest.FixtureRequest) -> "World":
    """A world whose subscription used 25 units and ended on 20 November; its charge is deleted."""
    small_world.push("25", "2026-11-03")
    small_world.do(JOB)
    small_world.now = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    small_world.change(state=request.param)
    small_world.do(JOB)
    stored = small_world.catalog.stored_charge("api_calls")
    assert stored is not None
    small_world.catalog.delete_charge("api_calls", stored.version, Change("key", small_world.now, "deleted"))
    return small_world


def test_what_is_still_owed_of_it_stays_as_it_was_rated(ended: "World") -> None:
    before = ended.rating()
    assert (before.amount, before.document.needs_final_invoice) == (Decimal("1.50"), True)
    _sweep(ended, "api_calls")
    _sweep(ended)
    ended.do(JOB)
    assert ended.rating() == before


def test_what_it_owes_follows_its_usage_by_the_price_it_was_rated_by(ended: "World") -> None:
    ended.push("40", "2026-11-04")  # late
    ended.push("100", "2026-11-21")  # past its end
    _sweep(ended)
    assert ended.rating().amount == Decimal("5.50")


def test_a_subscription_that_continues_no_longer_pays_it(ended: "World") -> None:
    ended.change(state="3_progress")
    ended.do(JOB)
    assert ended.rating().amount == 0
