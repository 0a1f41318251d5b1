"""Subscriptions are put, patched and deleted over what is stored, by whoever may use their plan."""

from collections.abc import Mapping
from functools import partial

import pytest

from functions.admin.services import subscription_reading, subscriptions
from functions.admin.services.put_request import PutRequest
from functions.admin.services.subscription_validation import checked
from fusion_billing.access.principal import Principal
from fusion_billing.application.save_subscription import SubscriptionWriter
from fusion_billing.errors import Conflict, Forbidden, InUse, NotFound, Refused, VersionConflict
from tests.fakes.catalog import FakeCatalog
from tests.fakes.clock import FakeClock
from tests.fakes.outbox import FakeOutbox
from tests.fakes.queue import FakeRatingJobs
from tests.fakes.subscriptions import FakeSubscriptions, FakeSubscriptionUse
from tests.rating_definitions import subscription_body

ADMIN = Principal("admin", "src_admin", frozenset({"admin"}))
LIMITED = Principal("key", "src_1", frozenset({"subscriptions:write"}), plans=frozenset({"Basic"}))
DEFINITION: Mapping[str, object] = subscription_body(name="S42")


class World:
    """The API's subscriptions on fakes."""

    def __init__(self) -> None:
        self.clock, self.store, self.catalog = FakeClock(), FakeSubscriptions(), FakeCatalog()
        self.outbox, self.jobs, self.use = FakeOutbox(), FakeRatingJobs(), FakeSubscriptionUse()
        self.writer = SubscriptionWriter(self.store, self.outbox, self.jobs, pause=self.clock.sleep)
        self.catalog.define_metric()
        self.catalog.define_charge()

    def request(self, principal: Principal = ADMIN, *confirmed: str) -> PutRequest:
        return PutRequest(principal, self.clock.now, confirmed=frozenset(confirmed))

    def put(
        self, fields: Mapping[str, object] | None = None, request: PutRequest | None = None, version: int | None = None
    ) -> tuple[bool, dict[str, object]]:
        requested = checked(self.catalog, "42", {**DEFINITION, **(fields or {})})
        read_only = {} if version is None else {"version": version}
        return subscriptions.put(self.store, self.writer, request or self.request(), requested, read_only, {})

    def patch(self, fields: Mapping[str, object], id_: str = "42") -> dict[str, object]:
        return subscriptions.patch(self.store, self.writer, self.catalog, self.request(), id_, fields)

    def delete(self) -> None:
        subscriptions.delete(self.store, self.use, self.catalog, self.request(), "42")


@pytest.fixture
def world() -> World:
    return World()


def test_a_subscription_is_created_once(world: World) -> None:
    is_new, shown = world.put()
    assert (is_new, shown["version"], shown["origin"]) == (True, 1, "api")
    assert shown["open_period"] == {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}
    assert world.put()[0] is False
    assert world.store.items["42"].version == 1
    assert subscription_reading.get(world.store, world.catalog, ADMIN, "42") == shown


def test_a_put_of_another_version_is_a_conflict(world: World) -> None:
    world.put()
    world.put({"name": "S42b"})
    with pytest.raises(VersionConflict):
        world.put({"name": "S42c"}, version=1)


def test_another_currency_must_be_confirmed(world: World) -> None:
    world.put()
    with pytest.raises(Conflict) as refused:
        world.put({"currency": "EUR"})
    assert refused.value.code == "confirmation_required"
    assert world.put({"currency": "EUR"}, world.request(ADMIN, "currency"))[1]["currency"] == "EUR"


def test_a_plan_that_the_source_may_not_use_is_refused(world: World) -> None:
    with pytest.raises(Forbidden) as refused:
        world.put(request=world.request(LIMITED))
    assert refused.value.code == "plan_not_allowed"
    world.put()
    with pytest.raises(NotFound):
        world.put({"plan": "Basic"}, world.request(LIMITED))
    with pytest.raises(NotFound):
        subscription_reading.get(world.store, world.catalog, LIMITED, "42")


def test_a_patch_changes_the_fields_that_it_names(world: World) -> None:
    world.put()
    shown = world.patch({"name": "S42b", "aliases": ["acme"]})
    assert (shown["name"], shown["plan"], shown["version"]) == ("S42b", "Pro", 2)
    assert world.patch({"name": "S42c"}, "acme")["version"] == 3
    assert [change["version"] for change in world.store.history("42")] == [3, 2, 1]


def test_a_patch_that_was_overtaken_keeps_the_other_change(world: World) -> None:
    world.put()
    world.store.overtaken_by = partial(world.put, {"name": "S42b"})
    shown = world.patch({"aliases": ["acme"]})
    assert (shown["name"], shown["aliases"], shown["version"]) == ("S42b", ["acme"], 3)


def test_a_patch_is_checked_as_a_whole_definition(world: World) -> None:
    world.put()
    with pytest.raises(Refused):
        world.patch({"currency": None})
    with pytest.raises(Refused) as refused:
        world.patch({"overrides": {"none": {"included_units": "5"}}})
    assert {fault.code for fault in refused.value.faults} == {"unknown_charge"}
    with pytest.raises(NotFound):
        world.patch({"name": "S43"}, "43")


def test_a_planned_change_is_not_stored(world: World) -> None:
    world.put()
    before, after = subscriptions.patch_planned(
        world.store, world.writer, world.catalog, world.request(), "42", {"next_invoice_date": "2027-01-01"}
    )
    assert before == world.store.items["42"]
    assert after is not None
    assert after.calendar.open.start > before.calendar.open.start
    assert len(world.outbox.events) == 1


def test_subscriptions_are_listed_page_by_page_as_far_as_they_may_be_seen(world: World) -> None:
    world.put()
    page, after = subscription_reading.listing(world.store, world.catalog, ADMIN, None, 10)
    assert ([shown["id"] for shown in page], after) == (["42"], None)
    assert subscription_reading.listing(world.store, world.catalog, LIMITED, None, 10) == ([], None)


def test_a_subscription_that_was_counted_or_billed_cannot_be_deleted(world: World) -> None:
    world.put()
    world.use.counted["42"] = "api_calls"
    with pytest.raises(InUse):
        world.delete()
    world.use.counted.clear()
    world.use.billed["42"] = world.clock.now
    with pytest.raises(InUse):
        world.delete()
    world.use.billed.clear()
    world.delete()
    assert world.store.items == {}
