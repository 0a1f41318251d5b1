"""What of a period is rated, which order bills it, and what an adjustment of it depends on."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from fusion_billing.billing.adjustments import Adjustment, adjustment_keys
from fusion_billing.billing.billed_subscription import BilledSubscription, billed_subscription
from fusion_billing.billing.pricing import PricedSubscription, Pricing
from fusion_billing.billing.rating import RatingKey
from fusion_billing.billing_periods.advance import advance, close_open, first_seen
from fusion_billing.billing_periods.calendar import Calendar
from fusion_billing.billing_periods.schedule_terms import Terms
from fusion_billing.catalog.subscription_history import ChainedOrder, PlanChange
from fusion_billing.rating.price_spans import PriceSpan
from tests.fakes.rating_world import RatingWorld
from tests.rating_documents import document
from tests.unit.rating.conftest import make_charge, make_metric

MONTHLY = Terms(date(2026, 1, 1), date(2026, 12, 1), 1, "month", "UTC")
CALENDAR = first_seen(MONTHLY)
SUBSCRIPTION = PricedSubscription("42", "Pro", "USD", "UTC", 57, {})
TERMS = Terms(date(2026, 1, 1), date(2026, 11, 1), 1, "month", "UTC")
OCTOBER, NOVEMBER, DECEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (10, 11, 12))
JANUARY = datetime(2027, 1, 1, tzinfo=UTC)


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def link(order: int, start: datetime, kind: str = "renewal") -> ChainedOrder:
    return ChainedOrder(order, start, None, kind)  # type: ignore[arg-type]


def test_usage_before_the_billed_start_is_not_rated() -> None:
    subscription = BilledSubscription(SUBSCRIPTION, CALENDAR, rated_from=day(11, 10))
    november, october = CALENDAR.open, CALENDAR.period_holding(day(10, 5))
    assert not subscription.is_rated_in(october)
    assert subscription.is_rated_in(november)
    assert (subscription.rated_start(november), subscription.rated_end(november)) == (day(11, 10), day(12, 1))
    assert subscription.priced_in(november).lived_from == day(11, 10)


def test_an_invoiced_period_is_rated_from_where_it_was_whatever_is_corrected_since() -> None:
    closed = advance(CALENDAR, replace(MONTHLY, next_invoice_date=date(2027, 1, 1)), day(12, 2), rated_from=day(11, 5))
    subscription = BilledSubscription(SUBSCRIPTION, closed, rated_from=day(12, 15))
    assert subscription.rated_start(closed.known[0]) == day(11, 5)
    assert subscription.rated_start(closed.open) == day(12, 15)


def test_what_ends_in_a_period_is_rated_up_to_there() -> None:
    subscription = BilledSubscription(SUBSCRIPTION, CALENDAR, rated_until=day(11, 20))
    assert subscription.rated_end(CALENDAR.open) == day(11, 20)
    assert subscription.priced_in(CALENDAR.open).lived_until == day(11, 20)
    assert not subscription.is_rated_in(CALENDAR.after(CALENDAR.open))


def test_the_order_that_runs_bills_what_its_forerunner_has_not() -> None:
    orders = (link(42, day(1, 1), "initial"), link(50, day(11, 3), "upsell"), link(57, day(12, 1)))
    subscription = BilledSubscription(SUBSCRIPTION, CALENDAR, orders=orders)
    assert subscription.order_for(CALENDAR.open) == 57
    assert subscription.order_for(CALENDAR.after(CALENDAR.open)) == 57
    assert subscription.order_for(CALENDAR.period_holding(day(10, 5))) == 42
    assert BilledSubscription(SUBSCRIPTION, CALENDAR).order_for(CALENDAR.open) == 57


def test_an_order_announced_bills_from_the_period_at_whose_end_it_takes_over() -> None:
    subscription = replace(SUBSCRIPTION, odoo_order_id=42)
    following = CALENDAR.after(CALENDAR.open)
    late = BilledSubscription(subscription, CALENDAR, orders=(link(42, day(1, 1), "initial"), link(57, day(12, 10))))
    assert (late.order_for(CALENDAR.open), late.order_for(following)) == (42, 57)
    at_the_end = BilledSubscription(
        subscription, CALENDAR, orders=(link(42, day(1, 1), "initial"), link(57, day(12, 1)))
    )
    assert at_the_end.order_for(CALENDAR.open) == 57


def test_starts_replaced_are_those_that_are_none_now() -> None:
    moved = replace(CALENDAR, replaced=(day(11, 15), CALENDAR.open.start))
    assert BilledSubscription(SUBSCRIPTION, moved).replaced_starts == (day(11, 15),)


def test_a_rating_names_the_order_that_invoices_it_and_whether_that_takes_a_final_invoice() -> None:
    now = day(11, 20)
    following = CALENDAR.after(CALENDAR.open)
    running = BilledSubscription(SUBSCRIPTION, CALENDAR)
    assert running.bill(document(odoo_order_id=1), CALENDAR.open, now) == document(odoo_order_id=57)
    ended = BilledSubscription(SUBSCRIPTION, CALENDAR, is_over=True)
    assert ended.bill(document(), CALENDAR.open, now) == document(odoo_order_id=57, final_invoice=True)
    assert ended.bill(document(), following, now) == document(odoo_order_id=57)


def test_a_subscription_has_ended_at_its_end() -> None:
    ending = BilledSubscription(SUBSCRIPTION, CALENDAR, ends=day(11, 20))
    assert [ending.has_ended(day(11, number)) for number in (19, 20, 21)] == [False, True, True]
    assert not BilledSubscription(SUBSCRIPTION, CALENDAR).has_ended(day(11, 20))
    assert BilledSubscription(SUBSCRIPTION, CALENDAR, is_over=True).has_ended(day(1, 1))


def test_after_a_final_invoice_odoo_bills_the_open_period_only_once_the_subscription_runs_again() -> None:
    now = day(11, 20)
    following = CALENDAR.after(CALENDAR.open)
    assert BilledSubscription(SUBSCRIPTION, CALENDAR).bills_now(CALENDAR.open, now)
    assert not BilledSubscription(SUBSCRIPTION, CALENDAR).bills_now(following, now)
    assert not BilledSubscription(SUBSCRIPTION, CALENDAR, is_ahead=True).bills_now(CALENDAR.open, now)
    assert BilledSubscription(SUBSCRIPTION, CALENDAR, is_ahead=True, is_over=True).bills_now(CALENDAR.open, now)


def _three_periods() -> Calendar:
    """Return a calendar whose October and November are invoiced; December is open."""
    calendar = first_seen(TERMS)
    calendar = advance(calendar, replace(TERMS, next_invoice_date=date(2026, 12, 1)), NOVEMBER)
    return advance(calendar, replace(TERMS, next_invoice_date=date(2027, 1, 1)), DECEMBER)


def test_an_adjustment_depends_on_the_ratings_of_its_period_and_of_those_after_it() -> None:
    before = datetime(2026, 10, 15, tzinfo=UTC)
    subscription = BilledSubscription(SUBSCRIPTION, replace(_three_periods(), replaced=(before,)))
    october = subscription.calendar.known[0]
    price = Pricing((PriceSpan(OCTOBER, NOVEMBER, make_charge({"type": "flat", "amount": "1"})),), make_metric())
    keys = adjustment_keys(subscription, Adjustment(october, price))
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
    subscription = BilledSubscription(SUBSCRIPTION, _three_periods())
    assert [period.start for period in subscription.invoiced(5)] == [NOVEMBER, OCTOBER]
    assert [period.start for period in subscription.invoiced(1)] == [NOVEMBER]
    assert subscription.invoiced(0) == []
    assert [period.start for period in subscription.invoiced_after(OCTOBER)] == [NOVEMBER]
    assert [period.start for period in subscription.periods_within(NOVEMBER, JANUARY)] == [NOVEMBER, DECEMBER]


def test_a_whole_period_is_priced_without_bounds_of_a_life() -> None:
    subscription = BilledSubscription(SUBSCRIPTION, _three_periods())
    priced = subscription.priced_in(subscription.calendar.open)
    assert (priced.lived_from, priced.lived_until) == (None, None)


def test_an_order_announced_earlier_in_the_chain_is_not_the_next() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    orders = (ChainedOrder(41, start, None, "initial"), ChainedOrder(57, NOVEMBER, None, "renewal"))
    subscription = BilledSubscription(SUBSCRIPTION, _three_periods(), orders=orders)
    assert subscription.order_for(subscription.calendar.open) == 57
    assert subscription.order_for(subscription.calendar.known[0]) == 41


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


def test_after_a_final_invoice_the_open_period_is_billed_once_the_end_has_passed() -> None:
    ending = BilledSubscription(SUBSCRIPTION, CALENDAR, is_ahead=True, ends=day(11, 20))
    assert [ending.bills_now(CALENDAR.open, day(11, number)) for number in (19, 20)] == [False, True]


def test_a_first_period_cut_short_is_priced_as_a_part_of_the_whole_one() -> None:
    calendar = first_seen(replace(MONTHLY, start_date=date(2026, 11, 10)))
    assert BilledSubscription(SUBSCRIPTION, calendar).priced_in(calendar.open).whole_from == day(11, 1)


def test_an_invoiced_period_was_billed_by_the_order_that_ran_at_its_end() -> None:
    orders = (link(41, OCTOBER, "initial"), link(57, NOVEMBER))
    subscription = BilledSubscription(SUBSCRIPTION, _three_periods(), orders=orders)
    october, november, _ = subscription.calendar.known
    assert (subscription.order_for(october), subscription.order_for(november)) == (41, 57)


def test_an_invoiced_period_before_the_first_order_is_the_first_order_s() -> None:
    orders = (link(41, NOVEMBER, "initial"), link(57, DECEMBER))
    subscription = BilledSubscription(SUBSCRIPTION, _three_periods(), orders=orders)
    assert subscription.order_for(subscription.calendar.known[0]) == 41


def test_an_upsell_bills_nothing() -> None:
    running = replace(SUBSCRIPTION, odoo_order_id=42)
    orders = (link(42, day(1, 1), "initial"), link(50, day(11, 3), "upsell"))
    assert BilledSubscription(running, CALENDAR, orders=orders).order_for(CALENDAR.open) == 42


def test_of_the_announced_orders_the_last_one_that_has_started_bills() -> None:
    running = replace(SUBSCRIPTION, odoo_order_id=42)
    orders = (link(42, day(1, 1), "initial"), link(50, day(11, 10)), link(57, JANUARY))
    assert BilledSubscription(running, CALENDAR, orders=orders).order_for(CALENDAR.open) == 50


def test_a_rating_of_an_ending_subscription_names_the_order_of_its_own_period() -> None:
    running = replace(SUBSCRIPTION, odoo_order_id=42)
    orders = (link(42, day(1, 1), "initial"), link(57, day(12, 10)))
    ending = BilledSubscription(running, CALENDAR, orders=orders, ends=day(11, 20))
    now = day(11, 21)
    assert ending.bill(document(), CALENDAR.open, now) == document(odoo_order_id=42, final_invoice=True)
    following = CALENDAR.after(CALENDAR.open)
    assert ending.bill(document(), following, now) == document(odoo_order_id=57)


def test_a_renewed_and_ended_subscription_is_billed_as_it_is_stored() -> None:
    world = RatingWorld()
    world.subscribe()
    stored = world.subscriptions.items["42"]
    churned = stored.subscription.model_copy(update={"state": "6_churn"})
    orders, plans = (link(57, day(1, 1), "initial"),), (PlanChange("Pro", None), PlanChange("Max", day(11, 5)))
    ended = replace(stored, subscription=churned, stopped=day(11, 20), orders=orders, plan_history=plans)
    found = billed_subscription(ended)
    assert (found.orders, found.is_over, found.rated_until) == (orders, True, day(11, 20))
    assert (found.priced.plan_history, found.priced.lived_until) == (plans, day(11, 20))


@pytest.mark.parametrize(("next_invoice", "is_ahead"), [("2026-12-01", True), ("2026-12-02", False)])
def test_a_subscription_is_ahead_until_its_next_invoice_is_after_the_start_of_the_open_period(
    next_invoice: str, is_ahead: bool
) -> None:
    world = RatingWorld()
    world.subscribe()
    stored = world.subscriptions.items["42"]
    closed = replace(stored, calendar=close_open(stored.calendar, DECEMBER))
    assert closed.calendar.open.start == DECEMBER
    defined = stored.subscription.model_copy(update={"next_invoice_date": date.fromisoformat(next_invoice)})
    assert billed_subscription(replace(closed, subscription=defined)).is_ahead is is_ahead


def test_a_subscription_whose_last_invoice_was_a_usual_one_is_not_ahead() -> None:
    world = RatingWorld()
    world.subscribe()
    stored = world.subscriptions.items["42"]
    closed = close_open(stored.calendar, DECEMBER)
    usual = replace(closed, known=(replace(closed.known[0], is_final=False), closed.open))
    assert billed_subscription(replace(stored, calendar=usual)).is_ahead is False
    assert billed_subscription(stored).is_ahead is False
