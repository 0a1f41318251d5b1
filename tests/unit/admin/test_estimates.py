"""An estimate of units, or of a period's stored usage, is what rating would bill; nothing is stored."""

from collections.abc import Mapping

import pytest

from functions.admin.services import estimates
from functions.admin.services.estimates import Stores
from fusion_billing.access.principal import Principal
from fusion_billing.errors import Forbidden, NotFound, Refused
from tests.fakes.rating_world import RatingWorld

ADMIN = Principal("admin", "src_admin", frozenset({"admin"}))
LIMITED = Principal("key", "src_1", frozenset({"estimates"}), metrics=frozenset({"storage"}))
PERIOD = {"subscription": "42", "period_start": "2026-11-01T00:00:00Z"}


@pytest.fixture
def world() -> RatingWorld:
    world = RatingWorld()
    world.catalog.define_metric()
    world.catalog.define_charge()
    world.subscribe()
    return world


def estimate(world: RatingWorld, body: Mapping[str, object], principal: Principal = ADMIN) -> Mapping[str, object]:
    stores = Stores(world.catalog, world.subscriptions, world.usage)
    return estimates.of(stores, principal, dict(body), world.clock.now)


def test_units_are_priced_by_a_stored_charge_or_by_one_in_the_request(world: RatingWorld) -> None:
    assert estimate(world, {"charge_code": "api_calls", "units": "25"})["amount"] == "1.50"
    charge = {"metric": "api_calls", "currency": "USD", "model": {"type": "per_unit", "unit_amount": "0.20"}}
    assert estimate(world, {"charge": charge, "units": "25"})["amount"] == "5.00"


def test_a_period_s_stored_usage_is_estimated_as_it_is_rated(world: RatingWorld) -> None:
    world.push("25")
    world.rate()
    shown = estimate(world, {"charge_code": "api_calls", **PERIOD})
    assert (shown["amount"], shown["period_end"]) == (str(world.rating().amount), "2026-12-01T00:00:00Z")
    doubled = world.catalog.charge("api_calls")[0].as_json() | {"model": {"type": "per_unit", "unit_amount": "0.20"}}
    assert estimate(world, {"charge": doubled, **PERIOD})["amount"] == "3.00"


def test_stored_usage_of_another_metric_may_not_be_estimated(world: RatingWorld) -> None:
    with pytest.raises(Forbidden):
        estimate(world, {"charge_code": "api_calls", **PERIOD}, LIMITED)


def test_an_unknown_subscription_is_not_found(world: RatingWorld) -> None:
    with pytest.raises(NotFound):
        estimate(world, {"charge_code": "api_calls", **PERIOD, "subscription": "43"})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"units": "1"}, "missing"),
        ({"charge_code": "none", "units": "1"}, "unknown_charge"),
        ({"charge_code": "api_calls", "charge": {}, "units": "1"}, "mutually_exclusive"),
        ({"charge_code": "api_calls", "subscription": "42"}, "missing"),
        ({"charge_code": "api_calls", **PERIOD, "units": "1"}, "mutually_exclusive"),
        ({"charge_code": "api_calls", "unit": "1"}, "unknown_field"),
    ],
)
def test_a_request_that_means_nothing_is_refused(world: RatingWorld, body: Mapping[str, object], code: str) -> None:
    with pytest.raises(Refused) as refused:
        estimate(world, body)
    assert code in {fault.code for fault in refused.value.faults}
