"""Orders that renew or add to each other are read from Odoo as one subscription, however they are seen."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from fusion_billing.catalog.stored_subscription import StoredSubscription
from tests.integration.relay.test_sync import Reading

pytestmark = pytest.mark.integration

DECEMBER, JANUARY = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def reading(world: Any) -> Reading:
    """The synchronisation of the world's Odoo."""
    return Reading(world)


def chain(stored: StoredSubscription | None) -> list[tuple[int, str, str | None, str]]:
    assert stored is not None
    return [
        (
            order.odoo_order_id,
            str(order.start.date()),
            None if order.end is None else str(order.end.date()),
            order.kind,
        )
        for order in stored.chain
    ]


def without_version(stored: StoredSubscription) -> Any:
    return stored.subscription, stored.calendar, stored.orders, stored.order_aliases, stored.plan_history


def test_a_renewal_is_the_same_subscription_and_its_order_leads(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.run()
    before = reading.get("41")
    renewed = world.admin.renew(41)["id"]
    report = reading.run()
    assert (report.created, report.updated, report.joined, report.skipped) == (0, 1, 1, [])
    stored = reading.get("41")
    assert chain(stored) == [
        (41, "2026-10-01", "2026-12-01", "initial"),
        (renewed, "2026-12-01", None, "renewal"),
    ]
    assert stored.calendar.open == before.calendar.open
    assert (stored.subscription.odoo_order_id, stored.subscription.state) == (renewed, "3_progress")
    assert str(stored.subscription.start_date) == "2026-10-01"
    assert (stored.rated_until, stored.ends) == (None, None)
    assert stored.aliases == (str(renewed), f"S{renewed:05d}")
    assert {reading.store.find(name).id for name in ("41", *stored.aliases)} == {"41"}  # type: ignore[union-attr]
    assert reading.get(str(renewed)) is None
    assert reading.run().unchanged == 1


def test_the_renewed_order_s_invoice_closes_the_period(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.run()
    renewed = world.admin.renew(41)["id"]
    reading.run()
    world.admin.invoice_period(renewed)
    assert reading.run().closed == 1
    calendar = reading.get("41").calendar
    assert [period.state for period in calendar.known] == ["invoiced", "open"]
    assert (calendar.open.start, calendar.open.end) == (DECEMBER, JANUARY)


def test_a_renewal_s_plan_is_in_force_from_its_start(world: Any, reading: Reading) -> None:
    other = world.admin.seed(
        {
            "sale.subscription.plan": [
                {"id": 77, "name": "Max", "billing_period_value": 1, "billing_period_unit": "month"}
            ]
        }
    )
    assert other
    world.orders(41)
    reading.run()
    world.admin.renew(41, plan=77)
    reading.run()
    assert [(change.plan, change.start) for change in reading.get("41").plans] == [
        ("Pro", None),
        ("Max", DECEMBER),
    ]


def test_a_chain_seen_whole_for_the_first_time_is_as_if_seen_link_by_link(world: Any, reading: Reading) -> None:
    world.orders(41)
    second = world.admin.renew(41)["id"]
    world.admin.invoice_period(second)
    third = world.admin.renew(second)["id"]
    report = reading.run()
    assert (report.created, report.joined) == (1, 2)
    stored = reading.get("41")
    assert chain(stored) == [
        (41, "2026-10-01", "2026-12-01", "initial"),
        (second, "2026-12-01", "2027-01-01", "renewal"),
        (third, "2027-01-01", None, "renewal"),
    ]
    assert {reading.store.of_order(order) for order in (41, second, third)} == {"41"}


@pytest.mark.parametrize("order_of_reading", list(permutations(range(3))))
def test_links_read_in_any_order_have_the_same_result(
    world: Any, reading: Reading, order_of_reading: tuple[int, ...]
) -> None:
    world.orders(41)
    second = world.admin.renew(41)["id"]
    third = world.admin.renew(second)["id"]
    ids = (41, second, third)
    for index in order_of_reading:
        reading.sync().orders([ids[index]])
        reading.sync().orders([ids[index]])
    one_by_one = reading.get("41")
    assert [reading.get(str(each)) for each in ids[1:]] == [None, None]
    assert reading.run(full=True).unchanged == 1
    assert without_version(reading.get("41")) == without_version(one_by_one)
    assert [order for order, *_ in chain(one_by_one)] == list(ids)


def test_a_renewal_whose_parent_can_not_be_seen_goes_by_the_first_contract(world: Any, reading: Reading) -> None:
    world.orders(41)
    second = world.admin.renew(41)["id"]
    world.admin.write("sale.order", [41], {"is_subscription": False, "subscription_id": None})
    world.admin.write("sale.order", [second], {"subscription_id": None})
    reading.run()
    stored = reading.get("41")
    assert stored.subscription.odoo_order_id == second
    assert reading.get(str(second)) is None
    assert reading.run(full=True).unchanged == 1


def test_a_quotation_for_a_renewal_changes_nothing_until_it_is_confirmed(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.run()
    quote = world.admin.renew(41, confirm=False)["id"]
    report = reading.run()
    assert (report.unchanged, report.created) == (1, 0)
    assert reading.get("41").aliases == ()
    world.admin.confirm(quote)
    reading.run()
    assert reading.get("41").subscription.odoo_order_id == quote


def test_a_renewal_that_is_cancelled_gives_the_order_back(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.run()
    renewed = world.admin.renew(41)["id"]
    reading.run()
    world.admin.write("sale.order", [renewed], {"state": "cancel"})
    world.admin.write("sale.order", [41], {"subscription_state": "3_progress", "end_date": None})
    reading.run()
    stored = reading.get("41")
    assert (stored.subscription.odoo_order_id, stored.subscription.state) == (41, "3_progress")
    assert chain(stored) == [(41, "2026-10-01", None, "initial")]
    assert stored.aliases == ()


def test_an_upsell_is_an_alias_and_never_invoices(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.run()
    upsold = world.admin.upsell(41, 7)["id"]
    reading.run()
    stored = reading.get("41")
    assert stored.subscription.odoo_order_id == 41
    assert [(order, kind) for order, _, _, kind in chain(stored)] == [(41, "initial"), (upsold, "upsell")]
    assert reading.store.find(str(upsold)).id == "41"  # type: ignore[union-attr]
    world.admin.renew(41)
    reading.run()
    assert [kind for *_, kind in chain(reading.get("41"))].count("upsell") == 1


def test_an_upsell_that_odoo_calls_no_subscription_is_read_all_the_same(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.run()
    upsold = world.admin.upsell(41, 7)["id"]
    world.admin.write("sale.order", [upsold], {"is_subscription": False})
    reading.run()
    assert str(upsold) in reading.get("41").aliases


def test_a_renewal_in_another_currency_is_named_and_not_followed(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.run()
    renewed = world.admin.renew(41)["id"]
    world.admin.write("sale.order", [renewed], {"currency_id": 2})
    report = reading.run()
    [skipped] = report.skipped
    assert (skipped["odoo_order_id"], skipped["reasons"]) == (
        renewed,
        ["currency: the renewal is in EUR, but the subscription is billed in USD"],
    )
    stored = reading.get("41")
    assert (stored.subscription.currency, stored.subscription.state) == ("USD", "5_renewed")
    assert stored.ends is not None
    assert stored.aliases == ()
    assert reading.get(str(renewed)) is None


def test_a_renewal_that_was_stored_apart_stays_apart_and_is_named(world: Any, reading: Reading) -> None:
    world.orders(41)
    renewed = world.admin.renew(41)["id"]
    reading.put(str(renewed), renewed)
    report = reading.run()
    own = {"odoo_order_id": renewed, "name": f"S{renewed:05d}", "subscription": str(renewed)}
    assert report.apart == [{**own, "renews": "41"}]
    assert reading.get("41").subscription.odoo_order_id == 41
    assert reading.get(str(renewed)).subscription.plan == "Pro"
    third = world.admin.renew(renewed)["id"]
    reading.run()
    assert [order for order, *_ in chain(reading.get(str(renewed)))] == [renewed, third]


def test_a_renewal_of_what_the_api_keeps_makes_no_second_subscription_and_is_named(
    world: Any, reading: Reading
) -> None:
    world.orders(41)
    reading.put("acme", 41)
    reading.put("1001", 42)
    world.orders(42)
    renewed = world.admin.renew(41)["id"]
    report = reading.run()
    assert (report.defined_by_api, report.created) == (2, 0)
    assert [(each["odoo_order_id"], each["subscription"]) for each in report.apart] == [(renewed, "acme")]
    assert reading.get(str(renewed)) is None
    assert reading.get("1001").subscription.plan == "Gold"


def test_without_the_fields_that_chain_orders_what_the_api_chained_is_followed(
    world: Any, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fusion_billing.odoo.subscriptions._CHAIN_FIELDS", ())
    world.orders(41)
    reading.run()
    renewed = world.admin.renew(41)["id"]
    reading.chain("41", 41, renewed)
    reading.run()
    stored = reading.get("41")
    assert stored.subscription.odoo_order_id == renewed
    assert reading.get(str(renewed)) is None
    world.admin.invoice_period(renewed)
    assert reading.run().closed == 1
    assert reading.run(full=True).unchanged == 1


def test_a_renewal_without_a_link_is_a_new_subscription(
    world: Any, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fusion_billing.odoo.subscriptions._CHAIN_FIELDS", ())
    world.orders(41)
    reading.run()
    renewed = world.admin.renew(41)["id"]
    reading.run()
    assert reading.get("41").ends is not None
    assert reading.get(str(renewed)).subscription.state == "3_progress"


def test_a_corrected_start_of_the_first_order_moves_the_chain_s(world: Any, reading: Reading) -> None:
    world.orders(41, start_date="2026-11-15")
    reading.run()
    world.admin.renew(41)
    world.admin.write("sale.order", [41], {"start_date": "2026-11-01"})
    reading.run()
    stored = reading.get("41")
    assert str(stored.calendar.open.start.date()) == "2026-11-01"
    assert [str(start.date()) for start in stored.calendar.replaced] == ["2026-11-15"]


def test_a_payment_exception_is_shown_and_counted(world: Any, reading: Reading) -> None:
    world.orders(41)
    world.admin.payment_exception(41)
    assert reading.run().payment_exceptions == 1
    assert reading.get("41").subscription.payment_exception is True
    world.admin.payment_exception(41, raised=False)
    assert reading.run(full=True).payment_exceptions == 0
    assert reading.get("41").subscription.payment_exception is None


def test_a_pause_goes_on_and_a_close_ends(world: Any, reading: Reading) -> None:
    world.orders(41)
    reading.run()
    world.admin.pause(41)
    reading.run()
    assert (reading.get("41").ends, reading.get("41").rated_until is None) == (None, False)
    world.admin.resume(41)
    reading.run()
    assert reading.get("41").rated_until is None
    world.admin.close(41, end="2026-11-20")
    reading.run()
    ended = reading.get("41").ends
    assert ended is not None
    assert ended <= datetime(2026, 11, 21, tzinfo=UTC)
    world.admin.write("sale.order", [41], {"subscription_state": "3_progress", "end_date": None})
    reading.run()
    assert reading.get("41").ends is None


def test_pages_that_part_a_chain_read_it_once_each(
    world: Any, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fusion_billing.application.sync_subscriptions._PAGE", 1)
    world.orders(41)
    world.admin.renew(41)
    report = reading.run()
    assert (report.created, report.unchanged) == (1, 1)


def test_an_odoo_without_chains_costs_no_look_for_them(
    world: Any, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fusion_billing.odoo.subscriptions._CHAIN_FIELDS", ())
    world.orders(41, 42)
    reading.run()
    world.admin.clear_calls()
    reading.run()
    asked = [call for call in world.admin.calls() if call["model"] == "sale.order"]
    assert [call["method"] for call in asked] == ["fields_get", "search_read"]
