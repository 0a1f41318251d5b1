"""An adjustment is what an invoiced period amounts to now, less what invoices hold of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fusion_billing.billing.adjustments import (
    Adjustment,
    AdjustmentPlan,
    AdjustmentState,
    adjustment_keys,
    plan_adjustment,
)
from fusion_billing.billing.billed_subscription import BilledSubscription, billed_subscription
from fusion_billing.billing.decisions import NewVersion
from fusion_billing.billing.period_document import period_document
from fusion_billing.billing.pricing import CurrencyMismatch, Pricing
from fusion_billing.billing.rating import Line, RatingKey, StoredRating, computed_rating
from fusion_billing.rating.records import Record
from tests.fakes.rating_world import RatingWorld

NOW = datetime(2026, 12, 2, tzinfo=UTC)


@pytest.fixture
def customer() -> BilledSubscription:
    """A subscription whose November was invoiced before anything was rated in it."""
    world = RatingWorld()
    world.subscribe()
    world.invoice("2027-01-01")
    return billed_subscription(world.subscriptions.items["42"])


def price(customer: BilledSubscription) -> Pricing:
    """Return 0.10 USD a unit after 10 included units."""
    world = RatingWorld()
    world.catalog.define_metric()
    world.catalog.define_charge()
    period = customer.calendar.known[0]
    found = world.catalog.price_book().pricing("api_calls", customer.priced, period.start, period.end)
    assert found is not None
    return found


def state(
    customer: BilledSubscription,
    units: str | None = None,
    ratings: Mapping[RatingKey, StoredRating] | None = None,
    *,
    is_charged: bool = True,
    is_due_without_usage: bool = False,
) -> AdjustmentState:
    period = customer.calendar.known[0]
    adjustment = Adjustment(period, price(customer), is_due_without_usage=is_due_without_usage, is_charged=is_charged)
    start = period.start + timedelta(days=2)
    records = [] if units is None else [Record("k", start, start + timedelta(days=1), Decimal(units))]
    return AdjustmentState(customer, adjustment, adjustment_keys(customer, adjustment), ratings or {}, records)


def planned(state: AdjustmentState, product: int | None = None) -> AdjustmentPlan:
    return plan_adjustment(state, state.adjustment.price, product, NOW)


def stored(plan: AdjustmentPlan, key: RatingKey, billed: str, *, has_intent: bool = False) -> StoredRating:
    """Return a plan's rating as stored under a key, frozen, with the amount that Odoo acknowledged."""
    computed = plan.computed
    line = Line(state="sent", version=1, amount=Decimal(billed), has_intent=has_intent)
    return StoredRating(key, 1, computed.amount, computed.digest, computed.document_json, frozen=True, line=line)


def test_without_ratings_usage_or_fees_nothing_is_due(customer: BilledSubscription) -> None:
    assert state(customer).is_settled
    assert not state(customer, "1").is_settled
    assert not state(customer, is_due_without_usage=True).is_settled


def test_usage_that_was_never_rated_is_adjusted_in_full(customer: BilledSubscription) -> None:
    plan = planned(state(customer, "25"))
    assert (plan.computed.amount, plan.is_late) == (Decimal("1.50"), True)
    assert plan.computed.key.period_start == customer.calendar.open.start
    assert plan.computed.cause == "usage"
    assert isinstance(plan.decision, NewVersion)
    assert (plan.decision.version, plan.decision.line) == (1, "due")


def test_what_the_period_s_own_line_billed_is_subtracted(customer: BilledSubscription) -> None:
    first = state(customer, "25")
    assert first.keys.own is not None
    own = stored(planned(first), first.keys.own, "0.60")
    after = state(customer, "25", {first.keys.own: own})
    assert planned(after).computed.amount == Decimal("0.90")
    assert planned(after).computed.cause == "invoice"
    assert after.invoiced().billed == Decimal("0.60")


def test_an_adjustment_that_comes_to_zero_is_not_written(customer: BilledSubscription) -> None:
    assert planned(state(customer, "3")).decision is None


def test_a_charge_that_had_ended_is_rated_at_zero(customer: BilledSubscription) -> None:
    plan = planned(state(customer, "25", is_charged=False))
    assert (plan.computed.amount, plan.computed.document.is_charged) == (Decimal(0), False)


def test_the_product_may_follow_the_charge(customer: BilledSubscription) -> None:
    assert planned(state(customer, "25")).computed.document.odoo_product_id == 7
    assert planned(state(customer, "25"), 8).computed.document.odoo_product_id == 8


def test_an_unknown_result_of_odoo_leaves_the_adjustment_unresolved(customer: BilledSubscription) -> None:
    first = state(customer, "25")
    assert first.keys.own is not None
    own = stored(planned(first), first.keys.own, "1.50", has_intent=True)
    assert state(customer, "25", {first.keys.own: own}).is_unresolved
    assert not first.is_unresolved


def test_another_currency_than_the_subscription_s_is_an_error(customer: BilledSubscription) -> None:
    euros = replace(customer, priced=replace(customer.priced, currency="EUR"))
    other = replace(state(customer, "25"), subscription=euros)
    with pytest.raises(CurrencyMismatch, match="billed in USD, but the subscription is in EUR"):
        planned(other)


def test_a_period_before_the_first_one_known_has_no_rating_of_its_own(customer: BilledSubscription) -> None:
    october = customer.calendar.period_holding(datetime(2026, 10, 5, tzinfo=UTC))
    keys = adjustment_keys(customer, Adjustment(october, price(customer)))
    assert keys.own is None
    assert keys.all == (*keys.later, keys.open)
    assert [key.corrects for key in keys.all] == [october.start] * 2


def _first_release(customer: BilledSubscription, units: str, amount: str) -> AdjustmentState:
    """Return an adjustment of a period that the first release rated, by its rules, and invoiced."""
    unrated = state(customer, units)
    period, pricing = unrated.adjustment.period, unrated.adjustment.price
    priced = customer.priced_in(period)
    result = pricing.rate(unrated.records, priced, period.start, period.end)
    document = period_document(pricing, priced, period.start, period.end, result)
    assert unrated.keys.own is not None
    computed = computed_rating(unrated.keys.own, replace(document, rules=None, amount=amount, unrounded_amount=amount))
    line = Line(state="sent", version=1, amount=Decimal(amount))
    own = StoredRating(
        computed.key, 1, computed.amount, computed.digest, computed.document_json, frozen=True, line=line
    )
    return state(customer, units, {computed.key: own})


def test_what_earlier_rules_rated_is_not_billed_again_because_rules_changed(customer: BilledSubscription) -> None:
    plan = planned(_first_release(customer, "25", "9.00"))
    assert (plan.computed.amount, plan.decision) == (Decimal(0), None)


def test_an_adjustment_after_the_end_needs_a_final_invoice(customer: BilledSubscription) -> None:
    for ends, is_needed in ((NOW, True), (NOW + timedelta(seconds=1), False)):
        ending = replace(customer, ends=ends)
        assert planned(state(ending, "25")).computed.document.to_json().get("final_invoice", False) is is_needed
