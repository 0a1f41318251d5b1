"""The data of one customer is erased, by the whole service: nothing that was billed changes by it."""

from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from typing import Any
from unittest.mock import patch

import pytest

import functions.rate.dependencies
from fusion_billing.billing.billed_subscription import billed_subscription
from fusion_billing.dynamodb.catalog.subscriptions import SubscriptionStore
from fusion_billing.dynamodb.ratings.restored_lines import RestoredLines
from fusion_billing.erase import Erasure
from fusion_billing.errors import Conflict
from tests.integration.lives.test_final_invoice import START, World
from tests.lives import window_keys
from tests.lives.service import Service, service

pytestmark = pytest.mark.integration


def erasure(made: Service) -> Erasure:
    client: Any = made.dynamodb
    tables = made.tables
    return Erasure(
        client,
        usage=tables.usage,
        window_usage=tables.window_usage,
        catalog=tables.catalog,
        ratings=tables.ratings,
        markers=tables.markers,
        change_shards=1,
        pause=made.clock.sleep,
    )


def refusal(made: Service) -> str:
    """Return why the subscription is not erased; empty if it is."""
    try:
        erasure(made).erase("41", made.clock.now)
    except Conflict as conflict:
        return conflict.message
    return ""


def billed(world: World) -> dict[str, Any]:
    """Return all that was billed: ratings, statements, invoices and order lines."""
    made = world.made
    ratings = [item for item in made.dynamodb.contents(made.tables.ratings) if item["pk"]["S"].startswith("R#")]
    money = ("pk", "sk", "version", "amount", "packed", "frozen", "billed", "line_amount", "line_id")
    lines = made.odoo.read("sale.order.line", [], ["qty_to_invoice", "qty_invoiced", "price_unit"])
    return {
        "ratings": [{name: item.get(name) for name in money} for item in ratings],
        "statements": world.statements(),
        "invoiced": world.invoiced(),
        "lines": [{name: str(value) for name, value in line.items()} for line in lines],
    }


def _count_by_window(made: Service) -> None:
    """Push a record of a metric whose records are keyed by their window, and delete the metric."""
    metric = {"name": "Logins", "aggregation": "sum", "idempotency": "window"}
    assert made.call("PUT", "/v1/metrics/logins", metric).status == 201  # type: ignore[union-attr]
    record = {
        "subscription": "41",
        "metric": "logins",
        "period_start": "2026-11-04T00:00:00Z",
        "period_end": "2026-11-04T01:00:00Z",
        "quantity": "17",
    }
    record["idempotency_key"] = window_keys.derived(record, 0)
    assert made.push(record).status == 201  # type: ignore[union-attr]
    assert made.dynamodb.contents(made.tables.window_usage)
    assert made.call("DELETE", "/v1/metrics/logins").status == 204  # type: ignore[union-attr]


def erased_customer(*, rates_erased: bool = False) -> dict[str, Any]:
    """Play the life of a customer until it is erased, and a month on."""
    with service(START) as made:
        world = World(made)
        world.set_up()
        seen: dict[str, Any] = {"refusals": [refusal(made)]}
        world.close()
        seen["refusals"].append(refusal(made))
        world.invoice()
        for _ in range(9):
            world.run()
        _count_by_window(made)
        seen["refusals"].append(refusal(made))
        for _ in range(3):
            world.run()
        seen["before"] = billed(world)
        seen["erased"] = erasure(made).erase("41", made.clock.now)
        seen["again"] = erasure(made).erase("41", made.clock.now)
        seen["push"] = made.push(
            {
                "idempotency_key": "late",
                "subscription": "41",
                "metric": "api_calls",
                "period_start": "2026-11-04T00:00:00Z",
                "period_end": "2026-11-04T01:00:00Z",
                "quantity": "5000",
            }
        )
        seen["put"] = made.call("PATCH", "/v1/subscriptions/41", {"customer_name": "Somebody"})
        client: Any = made.dynamodb

        def rated(store: SubscriptionStore, subscription: str) -> Any:
            stored = store.get(subscription)
            return None if stored is None else billed_subscription(replace(stored, erased=None))

        chosen = rated if rates_erased else functions.rate.dependencies.subscription
        with patch.object(functions.rate.dependencies, "subscription", chosen):
            made.restart()
            for _ in range(16):
                made.clock.now += timedelta(hours=24)
                made.odoo.write("sale.order", [41], {"client_order_ref": str(made.clock.now)})
                world.run()
        seen["after"] = billed(world)
        seen["usage"] = made.dynamodb.contents(made.tables.usage) + made.dynamodb.contents(made.tables.window_usage)
        stored = SubscriptionStore(client, made.tables.catalog).get("41")
        assert stored is not None
        seen["customer"] = (stored.subscription.customer_name, stored.aliases)
        catalog = str(made.dynamodb.contents(made.tables.catalog))
        seen["names"] = [name for name in ("A customer", "HISTORY#SUBSCRIPTION#41") if name in catalog]
        assert made.failures == []
        return seen


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(erased_customer)


def test_nothing_that_was_billed_changes(seen: dict[str, Any]) -> None:
    assert seen["after"] == seen["before"]
    assert str(seen["before"]["invoiced"]) == "1.0" or seen["before"]["invoiced"] == 1


def test_usage_names_and_history_are_gone(seen: dict[str, Any]) -> None:
    assert seen["usage"] == []
    assert seen["customer"] == ("Erased", ())
    assert seen["names"] == []
    assert (seen["erased"].records, seen["again"].records) == (2, 0)


def test_the_subscription_is_over_for_good(seen: dict[str, Any]) -> None:
    assert seen["push"].body["code"] == "subscription_ended"
    assert (seen["put"].status, seen["put"].body["code"]) == (409, "conflict")


def test_a_subscription_that_may_still_be_billed_is_not_erased(seen: dict[str, Any]) -> None:
    running, closed, unrated = seen["refusals"]

    assert "is not over" in running
    assert "is not invoiced" in closed
    assert "in the past two days" in unrated


def credited() -> dict[str, Any]:
    return erased_customer(rates_erased=True)


def test_rated_again_an_erased_subscription_would_be_credited() -> None:
    with get_context("spawn").Pool(1) as pool:
        seen = pool.apply(credited)

    assert seen["after"] != seen["before"]


def restored_to_before(names: tuple[str, ...]) -> tuple[bool, str]:
    """Restore tables to before the erasure; return whether what was billed stays, and why it isn't erased again."""
    with service(START) as made:
        world = World(made)
        world.set_up()
        world.close()
        world.invoice()
        for _ in range(6):
            world.run()
        restored_to = made.clock.now
        tables = [made.dynamodb.table(getattr(made.tables, name)) for name in names]
        copies = [table.snapshot() for table in tables]
        world.run()
        before = billed(world)["lines"], world.invoiced()
        erasure(made).erase("41", made.clock.now)
        for table, copied in zip(tables, copies, strict=True):
            table.__dict__.update(copied.__dict__)
        made.restart()
        client: Any = made.dynamodb
        RestoredLines(client, made.tables.ratings, 2).mark(restored_to, made.clock.now)
        for _ in range(4):
            world.run()
        return (billed(world)["lines"], world.invoiced()) == before, refusal(made)


@pytest.mark.parametrize("has_usage", [True, False])
def test_a_catalog_of_before_the_erasure_needs_the_usage_of_before_it(*, has_usage: bool) -> None:
    names = ("catalog", "ratings", *(("usage", "window_usage") if has_usage else ()))
    with get_context("spawn").Pool(1) as pool:
        is_unchanged, reason = pool.apply(restored_to_before, (names,))

    assert is_unchanged is has_usage
    assert reason == "" if has_usage else "is not invoiced" in reason
