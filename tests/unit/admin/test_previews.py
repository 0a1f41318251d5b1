"""What is used now, and what a change would come to, is shown from stored usage; nothing is stored."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from functions.admin.services import dry_run
from functions.admin.services.current_usage import current_usage
from functions.admin.services.put_request import PutRequest
from fusion_billing.access.principal import Principal
from fusion_billing.billing.billed_subscription import billed_subscription
from tests.fakes.rating_world import RatingWorld
from tests.rating_steps import midnight

ADMIN = Principal("admin", "src_admin", frozenset({"admin"}))
LIMITED = Principal("key", "src_1", frozenset({"usage:read"}), metrics=frozenset({"storage"}))


@pytest.fixture
def world() -> RatingWorld:
    """A subscription with 25 units, 10 of them included, at 0.10."""
    world = RatingWorld()
    world.catalog.define_metric()
    world.catalog.define_charge()
    world.subscribe()
    world.push("25")
    world.rate()
    return world


def usage_of(world: RatingWorld, principal: Principal = ADMIN, at: str | None = None) -> Mapping[str, object]:
    return current_usage(
        billed_subscription(world.subscriptions.items["42"]),
        world.catalog.metrics(),
        world.catalog.price_book(),
        world.ratings,
        world.usage,
        principal=principal,
        now=world.clock.now,
        at=None if at is None else midnight(at),
    )


def preview(world: RatingWorld, fields: Mapping[str, object]) -> Mapping[str, object]:
    stores = dry_run.Stores(world.catalog, world.subscriptions, world.usage, world.clock.monotonic)
    body = world.catalog.charge("api_calls")[0].as_json() | dict(fields)
    return dry_run.of_charge(stores, "api_calls", body, PutRequest(ADMIN, world.clock.now, dry_run=True))


def test_current_usage_is_what_rating_bills_and_projects_it(world: RatingWorld) -> None:
    shown = usage_of(world)
    assert (shown["state"], shown["period_end"]) == ("open", "2026-12-01T00:00:00Z")
    assert isinstance(shown["metrics"], list)
    [metric] = shown["metrics"]
    assert (metric["units"], metric["amount"]) == ("25", str(world.rating().amount))
    assert Decimal(metric["projection"]["units"]) > 25
    assert [charge["charge"] for charge in metric["charges"]] == ["api_calls"]


def invoice_november(world: RatingWorld) -> None:
    world.acknowledge()
    world.clock.now = datetime(2026, 12, 2, tzinfo=UTC)
    world.invoice("2027-01-01")
    world.rate_subscription()


def amounts(shown: Mapping[str, object]) -> dict[str, str]:
    assert isinstance(shown["metrics"], list)
    return {charge["charge"]: charge["amount"] for metric in shown["metrics"] for charge in metric["charges"]}


def test_an_invoiced_period_is_shown_at_the_prices_that_it_was_invoiced_at(world: RatingWorld) -> None:
    world.catalog.define_charge("unused", {"model": {"type": "flat", "amount": "3"}, "included_units": None})
    invoice_november(world)
    for fields in ({"model": {"type": "per_unit", "unit_amount": "9"}}, {"metric": "storage"}, {"active": False}):
        world.catalog.define_charge(fields=fields)
        world.catalog.define_charge("unused", fields)
        world.catalog.define_charge("later", {"model": {"type": "per_unit", "unit_amount": "5"}})
        assert amounts(usage_of(world, at="2026-11-15")) == {"api_calls": "1.50", "unused": "3.00"}
    assert "later" in amounts(usage_of(world))


def test_late_usage_of_an_invoiced_period_is_shown_at_its_prices(world: RatingWorld) -> None:
    invoice_november(world)
    world.catalog.define_charge(fields={"model": {"type": "per_unit", "unit_amount": "9"}})
    world.push("5", "2026-11-20")
    assert amounts(usage_of(world, at="2026-11-15")) == {"api_calls": "2.00"}


def test_current_usage_is_limited_to_what_the_source_may_see(world: RatingWorld) -> None:
    assert usage_of(world, LIMITED)["metrics"] == []


def test_usage_before_the_subscription_started_is_shown_as_unbilled(world: RatingWorld) -> None:
    world.change(start_date="2026-11-10")
    metrics = usage_of(world)["metrics"]
    assert isinstance(metrics, list)
    assert metrics[0]["unbilled"]["units"] == "25"


def test_a_dry_run_shows_the_difference_and_stores_nothing(world: RatingWorld) -> None:
    before = dict(world.catalog.stored_charges)
    shown = preview(world, {"model": {"type": "per_unit", "unit_amount": "0.20"}})
    assert (shown["outcome"], shown["changed_fields"], shown["charges"]) == ("updated", ["model"], ["api_calls"])
    assert "3.00" in str(shown)
    assert world.catalog.stored_charges == before


def test_a_dry_run_of_an_unchanged_charge_compares_nothing(world: RatingWorld) -> None:
    assert preview(world, {})["outcome"] == "unchanged"


def test_a_dry_run_of_a_subscription_compares_its_charges(world: RatingWorld) -> None:
    stores = dry_run.Stores(world.catalog, world.subscriptions, world.usage, world.clock.monotonic)
    stored = world.subscriptions.items["42"]
    world.change(plan="Basic")
    shown = dry_run.of_subscription(stores, stored, world.subscriptions.items["42"])
    assert (shown["outcome"], shown["changed_fields"], shown["charges"]) == ("updated", ["plan"], ["api_calls"])
