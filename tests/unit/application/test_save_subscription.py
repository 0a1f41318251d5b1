"""A subscription is saved over what is stored: its periods close once, with their events and rating requests."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from fusion_billing.application.save_subscription import INSURANCE_SECONDS, Saved, SubscriptionWriter
from fusion_billing.application.subscription_plan import SaveRequest
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse
from fusion_billing.errors import AliasTaken, OrderTaken, Refused, Unavailable
from tests.fakes.clock import FakeClock
from tests.fakes.outbox import FakeOutbox
from tests.fakes.queue import FakeRatingJobs
from tests.fakes.subscriptions import FakeSubscriptions
from tests.rating_definitions import subscription_body


class World:
    """Saves subscriptions on fakes."""

    def __init__(self) -> None:
        self.clock, self.store = FakeClock(), FakeSubscriptions()
        self.outbox, self.jobs = FakeOutbox(has_listeners=True), FakeRatingJobs()
        self.writer = SubscriptionWriter(self.store, self.outbox, self.jobs, pause=self.clock.sleep)

    def put(self, id_: str = "42", fields: Mapping[str, object] | None = None) -> Saved:
        subscription = parse(Subscription, {**subscription_body(int(id_)), **(fields or {})}, id=id_)
        return self.writer.save(SaveRequest(subscription, origin="api", now=self.clock.now))


@pytest.fixture
def world() -> World:
    return World()


def test_a_new_subscription_is_stored_published_and_rated(world: World) -> None:
    assert world.put().outcome == "created"
    assert world.store.items["42"].version == 1
    assert [event.type for event in world.outbox.events] == ["subscription.updated"]
    assert world.jobs.requested == [("subscription", "42", INSURANCE_SECONDS), ("subscription", "42", 0)]


def test_an_unchanged_save_does_nothing(world: World) -> None:
    world.put()
    world.outbox.events.clear()
    world.jobs.requested.clear()
    assert world.put().outcome == "unchanged"
    assert (world.outbox.events, world.jobs.requested) == ([], [])


def test_a_later_next_invoice_date_closes_the_open_period(world: World) -> None:
    world.put()
    saved = world.put(fields={"next_invoice_date": "2027-01-01"})
    assert (saved.outcome, len(saved.closed)) == ("updated", 1)
    [event] = world.outbox.data_of("period.invoiced")
    assert event["period_start"] == "2026-11-01T00:00:00Z"
    assert world.put(fields={"next_invoice_date": "2027-01-01"}).closed == ()


def test_nothing_is_stored_if_rating_cannot_be_requested(world: World) -> None:
    world.jobs.is_down = True
    with pytest.raises(Unavailable):
        world.put()
    assert world.store.items == {}


def test_an_order_belongs_to_one_subscription(world: World) -> None:
    world.put("42")
    with pytest.raises(OrderTaken):
        world.put("43", {"odoo_order_id": 42})


def test_an_id_cannot_be_another_subscription_s_alias(world: World) -> None:
    world.put("42", {"aliases": ["43"]})
    with pytest.raises(AliasTaken):
        world.put("43")


def test_a_next_invoice_date_far_ahead_is_refused(world: World) -> None:
    world.put()
    with pytest.raises(Refused):
        world.put(fields={"next_invoice_date": "2090-01-01"})


def test_a_final_invoice_closes_the_last_period_once(world: World) -> None:
    world.put()
    world.put(fields={"state": "6_churn"})
    start = world.store.items["42"].calendar.open.start
    now = world.clock.now + timedelta(days=20)
    assert world.writer.close_last_period("42", start, now=now)
    assert not world.writer.close_last_period("42", start, now=now)
