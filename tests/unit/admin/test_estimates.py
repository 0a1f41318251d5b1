"""An estimate of units, or of a period's stored usage, is what rating would bill; nothing is stored."""

from collections.abc import Mapping
from datetime import UTC, datetime

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
    stores = Stores(world.catalog, world.subscriptions, world.usage, world.ratings)
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


def test_other_records_are_estimated_as_those_of_a_period(world: RatingWorld) -> None:
    world.push("25")
    stored = {"quantity": "25", "period_start": "2026-11-03T00:00:00Z", "period_end": "2026-11-04T00:00:00Z"}
    later = {**stored, "period_start": "2026-12-03T00:00:00Z", "period_end": "2026-12-04T00:00:00Z"}
    bodies: list[dict[str, object]] = [
        {"records": [stored]},
        {"records": [{**stored, "quantity": "30"}, later]},
        {"records": []},
    ]
    shown = [estimate(world, {"charge_code": "api_calls", **PERIOD, **body}) for body in bodies]
    assert [each["amount"] for each in shown] == ["1.50", "2.00", "0.00"]


def test_an_invoiced_period_is_estimated_at_the_price_that_it_was_rated_at(world: RatingWorld) -> None:
    world.push("25")
    world.rate()
    world.acknowledge()
    world.clock.now = datetime(2026, 12, 2, tzinfo=UTC)
    world.invoice("2027-01-01")
    world.rate_subscription()
    world.catalog.define_charge(fields={"model": {"type": "per_unit", "unit_amount": "9"}})
    body = {"charge_code": "api_calls", **PERIOD}
    record = {"quantity": "30", "period_start": "2026-11-03T00:00:00Z", "period_end": "2026-11-04T00:00:00Z"}
    assert [estimate(world, body)["amount"], estimate(world, {**body, "records": [record]})["amount"]] == [
        "1.50",
        "2.00",
    ]
    upcoming = {**body, "period_start": "2026-12-01T00:00:00Z", "records": [{"quantity": "30"}]}
    assert estimate(world, upcoming)["amount"] == "180.00"


def test_an_invoiced_period_is_estimated_on_the_metric_that_it_was_rated_on(world: RatingWorld) -> None:
    world.catalog.define_metric("storage")
    world.push("25")
    world.push("70", metric="storage")
    world.rate()
    world.acknowledge()
    world.clock.now = datetime(2026, 12, 2, tzinfo=UTC)
    world.invoice("2027-01-01")
    world.rate_subscription()
    world.catalog.define_charge(fields={"metric": "storage"})
    body = {"charge_code": "api_calls", **PERIOD}
    assert estimate(world, body)["amount"] == "1.50"
    with pytest.raises(Forbidden):  # the source may use the charge as it is now, and not what the period was rated on
        estimate(world, body, LIMITED)
    most = {"name": "Most", "aggregation": "max"}
    assert estimate(world, {**body, "metric": most})["amount"] == "6.00"


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
