"""What of a period is rated, and which order bills it."""

from dataclasses import replace
from datetime import UTC, date, datetime

from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.pricing import PricedSubscription
from fusion_billing.billing_periods.advance import advance, first_seen
from fusion_billing.billing_periods.schedule_terms import Terms
from fusion_billing.catalog.subscription_history import ChainedOrder
from tests.rating_documents import document

MONTHLY = Terms(date(2026, 1, 1), date(2026, 12, 1), 1, "month", "UTC")
CALENDAR = first_seen(MONTHLY)
SUBSCRIPTION = PricedSubscription("42", "Pro", "USD", "UTC", 57, {})


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
