"""A stored subscription as rating sees it, and the keys of the ratings that an adjustment of it depends on."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from fusion_billing.billing.adjustments import Adjustment, adjustment_keys
from fusion_billing.billing.billed_subscription import BilledSubscription, billed_subscription
from fusion_billing.billing.preview import MOST_LISTED, Comparison, Figures, Preview
from fusion_billing.billing.pricing import PricedSubscription, Pricing
from fusion_billing.billing.rating import RatingKey
from fusion_billing.billing_periods.advance import advance, first_seen
from fusion_billing.billing_periods.calendar import Calendar
from fusion_billing.billing_periods.schedule_terms import Terms
from fusion_billing.catalog.subscription_history import ChainedOrder
from fusion_billing.rating.price_spans import PriceSpan
from tests.fakes.rating_world import RatingWorld
from tests.unit.rating.conftest import make_charge, make_metric

TERMS = Terms(date(2026, 1, 1), date(2026, 11, 1), 1, "month", "UTC")
WHO = PricedSubscription("42", "Pro", "USD", "UTC", 57, {})
OCTOBER, NOVEMBER, DECEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (10, 11, 12))
JANUARY = datetime(2027, 1, 1, tzinfo=UTC)


def _three_periods() -> Calendar:
    """Return a calendar whose October and November are invoiced; December is open."""
    calendar = first_seen(TERMS)
    calendar = advance(calendar, replace(TERMS, next_invoice_date=date(2026, 12, 1)), NOVEMBER)
    return advance(calendar, replace(TERMS, next_invoice_date=date(2027, 1, 1)), DECEMBER)


def test_an_adjustment_depends_on_the_ratings_of_its_period_and_of_those_after_it() -> None:
    before = datetime(2026, 10, 15, tzinfo=UTC)
    customer = BilledSubscription(WHO, replace(_three_periods(), replaced=(before,)))
    october = customer.calendar.known[0]
    price = Pricing((PriceSpan(OCTOBER, NOVEMBER, make_charge({"type": "flat", "amount": "1"})),), make_metric())
    keys = adjustment_keys(customer, Adjustment(october, price))
    own, replaced = RatingKey("42", OCTOBER, "calls"), RatingKey("42", before, "calls")
    later, opened = (RatingKey("42", start, "calls", OCTOBER) for start in (NOVEMBER, DECEMBER))
    assert keys.own == own
    assert keys.replaced == (replaced,)
    assert keys.later == (later,)
    assert keys.open == opened
    assert keys.all == (replaced, own, later, opened)
    assert keys.newest_first == (opened, later, own)
    assert keys.of_own_line == (own, replaced)


def test_the_newest_invoiced_periods_come_first() -> None:
    customer = BilledSubscription(WHO, _three_periods())
    assert [period.start for period in customer.invoiced(5)] == [NOVEMBER, OCTOBER]
    assert [period.start for period in customer.invoiced(1)] == [NOVEMBER]
    assert customer.invoiced(0) == []
    assert [period.start for period in customer.invoiced_after(OCTOBER)] == [NOVEMBER]
    assert [period.start for period in customer.periods_within(NOVEMBER, JANUARY)] == [NOVEMBER, DECEMBER]


def test_a_whole_period_is_priced_without_bounds_of_a_life() -> None:
    customer = BilledSubscription(WHO, _three_periods())
    priced = customer.priced_in(customer.calendar.open)
    assert (priced.lived_from, priced.lived_until) == (None, None)


def test_an_order_announced_earlier_in_the_chain_is_not_the_next() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    orders = (ChainedOrder(41, start, None, "initial"), ChainedOrder(57, NOVEMBER, None, "renewal"))
    customer = BilledSubscription(WHO, _three_periods(), orders=orders)
    assert customer.order_for(customer.calendar.open) == 57
    assert customer.order_for(customer.calendar.known[0]) == 41


def test_a_stored_subscription_is_billed_with_all_that_rating_needs() -> None:
    world = RatingWorld()
    world.subscribe()
    stored = world.subscriptions.items["42"]
    found, defined = billed_subscription(stored), stored.subscription
    assert (found.id, found.calendar, found.orders) == ("42", stored.calendar, stored.orders)
    assert (found.rated_from, found.rated_until) == (defined.rated_from, stored.rated_until)
    assert (found.is_over, found.ends) == (stored.is_over, defined.ends)
    assert found.customer_name == str(defined.customer_name)
    assert not found.is_ahead
    priced = found.priced
    assert (priced.plan, priced.currency, priced.timezone) == (defined.plan, defined.currency, defined.timezone)
    assert (priced.odoo_order_id, priced.overrides) == (defined.odoo_order_id, defined.overrides or {})
    assert (priced.lived_from, priced.lived_until) == (defined.rated_from, stored.rated_until)


@pytest.mark.parametrize(("number", "is_truncated"), [(MOST_LISTED, False), (MOST_LISTED + 1, True)])
def test_a_preview_is_truncated_past_the_most_it_lists(number: int, is_truncated: bool) -> None:
    changed = Comparison("42", "calls", None, Figures(OCTOBER, NOVEMBER, "USD"))
    shown = Preview([changed] * number, number, truncated=False).as_json()
    assert shown["truncated"] is is_truncated
    assert len(shown["subscriptions"]) == MOST_LISTED
