"""Invoiced periods stay as they were billed; what is still due goes into the open period with its sign."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from functions.rate.adjusting import Adjuster
from fusion_billing.billing.adjustments import Adjustment
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from tests.fakes.rating_world import RatingWorld
from tests.rating_steps import midnight

NOVEMBER, DECEMBER, JANUARY = "2026-11-01", "2026-12-01", "2027-01-01"


def test_an_invoiced_rating_is_frozen_and_needs_no_adjustment(invoiced: RatingWorld) -> None:
    assert (invoiced.rating().frozen, invoiced.rating().billed) == (True, Decimal("1.50"))
    assert invoiced.find_rating(DECEMBER, corrects=NOVEMBER) is None
    assert invoiced.requested_invoices == [("42", midnight(NOVEMBER))]


def test_late_usage_becomes_an_adjustment_and_is_announced(invoiced: RatingWorld) -> None:
    invoiced.push("40")
    invoiced.rate()
    adjustment = invoiced.rating(DECEMBER, corrects=NOVEMBER)
    assert (adjustment.amount, adjustment.line.state) == (Decimal("1.50"), "due")
    [late] = invoiced.outbox.data_of("usage.late")
    assert (late["amount"], late["invoiced_amount"], late["adjustment_amount"]) == ("3.00", "1.50", "1.50")


def test_a_correction_downwards_is_a_credit(invoiced: RatingWorld) -> None:
    invoiced.push("12")
    invoiced.rate()
    assert invoiced.rating(DECEMBER, corrects=NOVEMBER).amount == Decimal("-1.30")


def test_an_adjustment_follows_the_usage_while_its_period_is_open(invoiced: RatingWorld) -> None:
    for quantity in ("40", "12", "33"):
        invoiced.push(quantity)
        invoiced.rate()
    adjustment = invoiced.rating(DECEMBER, corrects=NOVEMBER)
    assert (adjustment.version, adjustment.amount) == (3, Decimal("0.80"))


def test_what_a_later_invoice_adjusted_is_not_adjusted_again(invoiced: RatingWorld) -> None:
    invoiced.push("40")
    invoiced.rate()
    invoiced.acknowledge(DECEMBER, corrects=NOVEMBER)
    invoiced.invoice("2027-02-01")
    invoiced.rate_subscription()
    invoiced.rate()
    assert invoiced.find_rating(JANUARY, corrects=NOVEMBER) is None
    invoiced.push("50")
    invoiced.rate()
    assert invoiced.rating(JANUARY, corrects=NOVEMBER).amount == Decimal("1.00")


def test_nothing_is_adjusted_while_a_result_of_odoo_is_unknown(invoiced: RatingWorld) -> None:
    rating = invoiced.rating()
    invoiced.ratings.items[rating.key] = replace(rating, line=replace(rating.line, has_intent=True))
    invoiced.push("40")
    invoiced.rate()
    assert invoiced.find_rating(DECEMBER, corrects=NOVEMBER) is None
    invoiced.ratings.items[rating.key] = rating
    invoiced.rate()
    assert invoiced.rating(DECEMBER, corrects=NOVEMBER).amount == Decimal("1.50")


def test_a_rating_that_missed_its_invoice_is_billed_with_the_open_period(world: RatingWorld) -> None:
    world.push("25")
    world.rate()
    world.invoice(JANUARY)
    world.rate_subscription()
    assert world.rating().billed == Decimal(0)
    assert world.rating(DECEMBER, corrects=NOVEMBER).amount == Decimal("1.50")
    assert world.outbox.data_of("usage.late") == []


def test_a_charge_never_rated_is_priced_as_it_was_when_the_period_was_invoiced(world: RatingWorld) -> None:
    world.invoice(JANUARY)
    world.rate_subscription()
    world.catalog.define_charge(fields={"model": {"type": "per_unit", "unit_amount": "9.00"}})
    world.push("25")
    world.rate()
    assert world.rating(DECEMBER, corrects=NOVEMBER).amount == Decimal("1.50")


def test_a_charge_defined_after_the_invoice_prices_nothing_of_it(world: RatingWorld) -> None:
    world.clock.now = datetime(2026, 12, 2, tzinfo=UTC)
    world.invoice(JANUARY)
    world.catalog.created_at["api_calls"] = datetime(2026, 12, 3, tzinfo=UTC)
    world.rate_subscription()
    world.push("25")
    world.rate()
    assert world.find_rating(DECEMBER, corrects=NOVEMBER) is None


def test_the_product_of_an_adjustment_follows_the_charge(invoiced: RatingWorld) -> None:
    invoiced.catalog.define_charge(fields={"odoo_product_id": 8, "model": {"type": "per_unit", "unit_amount": "9.00"}})
    invoiced.push("40")
    invoiced.rate()
    adjustment = invoiced.rating(DECEMBER, corrects=NOVEMBER)
    assert (adjustment.document.odoo_product_id, adjustment.amount) == (8, Decimal("1.50"))


def test_an_adjuster_that_was_overtaken_adjusts_again(invoiced: RatingWorld) -> None:
    invoiced.push("40")
    invoiced.rate()
    first = invoiced.rating(DECEMBER, corrects=NOVEMBER)
    invoiced.push("33")
    invoiced.ratings.overtaken[first.key] = replace(first, version=2, digest="of another worker")
    invoiced.rate()
    adjustment = invoiced.rating(DECEMBER, corrects=NOVEMBER)
    assert (adjustment.version, adjustment.amount, invoiced.reported) == (3, Decimal("0.80"), [])


def test_a_failed_adjustment_is_reported_and_its_pair_marked_again(invoiced: RatingWorld) -> None:
    stored = invoiced.subscriptions.items["42"]
    euros = stored.subscription.model_copy(update={"currency": "EUR"})
    invoiced.subscriptions.items["42"] = replace(stored, subscription=euros)
    invoiced.push("40")
    invoiced.markers.hours.clear()
    invoiced.rate()
    assert [pair.name for pair, _ in invoiced.reported] == ["42#api_calls#2026-11"]
    assert invoiced.markers.names() == ["42#api_calls#2026-11"]


def test_a_sweep_skips_a_period_that_is_as_it_was_found_to_be_billed(
    invoiced: RatingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoiced.rater().rate_subscription("42")
    adjusted: list[str] = []

    def adjust(_: Adjuster, customer: BilledSubscription, adjustments: Sequence[Adjustment]) -> bool:
        adjusted.append(customer.id)
        return True

    monkeypatch.setattr(Adjuster, "adjust", adjust)
    invoiced.rater().rate_subscription("42")
    assert adjusted == []
    invoiced.push("40", is_marked=False)
    invoiced.rater().rate_subscription("42")
    assert adjusted == ["42"]


def test_usage_before_the_first_period_is_adjusted(world: RatingWorld) -> None:
    world.push("25", "2026-10-03")
    world.rate(ChangedPair("42", "api_calls", "2026-10"))
    assert world.rating(NOVEMBER, corrects="2026-10-01").amount == Decimal("1.50")
