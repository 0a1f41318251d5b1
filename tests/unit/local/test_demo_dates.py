"""The demo on any day: periods are those of the service, counters lie in them and are over, figures stay the same."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from fusion_billing.billing_periods.advance import first_seen
from fusion_billing.billing_periods.calendar import Calendar
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse
from fusion_billing.instants import rfc3339
from local.demo import catalog, expected, usage
from local.demo.expected import Row

DAYS = [
    "2026-11-26", "2026-11-01", "2026-12-31", "2027-01-01", "2027-02-28", "2027-03-01", "2027-03-25", "2027-03-31",
    "2027-10-31", "2028-02-29", "2028-03-01", "2028-03-25", "2028-03-29", "2028-03-30", "2028-09-16", "2029-01-25",
    "2029-03-29",
]  # fmt: skip
"""Month ends, leap days, turns of the year and of summer time, and days after which one of them is 25 or 200 days."""

each_day = pytest.mark.parametrize("today", [date.fromisoformat(day) for day in DAYS])
EVERY_DAY = [date(2026, 11, 26) + number * timedelta(days=1) for number in range(4 * 366)]


def calendars(today: date) -> dict[str, Calendar]:
    """Return the billing periods of the demo's subscriptions, as the service finds them."""
    subscriptions = {id_: parse(Subscription, fields, id=id_) for id_, fields in catalog.subscriptions(today).items()}
    return {id_: first_seen(subscription.terms) for id_, subscription in subscriptions.items()}


@each_day
def test_the_open_periods_are_those_of_the_service(today: date) -> None:
    found = calendars(today)
    for row in expected.rows(today):
        period = found[row.subscription].open
        assert (row.period_start, row.period_end) == (rfc3339(period.start), rfc3339(period.end))


@each_day
def test_counters_start_in_the_open_period_and_are_over(today: date) -> None:
    found, began = calendars(today), datetime(today.year, today.month, today.day, tzinfo=UTC)
    for subscription, records in usage.counters(today).items():
        period = found[subscription].open
        for record in records:
            start, end = datetime.fromisoformat(record["period_start"]), datetime.fromisoformat(record["period_end"])
            assert period.start <= start < period.end
            assert start < end <= began


@each_day
def test_each_period_but_the_one_that_ended_yesterday_holds_today(today: date) -> None:
    began = datetime(today.year, today.month, today.day, tzinfo=UTC)
    for subscription, calendar in calendars(today).items():
        is_open = calendar.open.start <= began < calendar.open.end
        assert is_open is (subscription != catalog.ACROSS)
    assert calendars(today)[catalog.ACROSS].open.end == began - timedelta(days=1)


def test_it_holds_on_every_day_of_four_years() -> None:
    for today in EVERY_DAY:
        test_the_open_periods_are_those_of_the_service(today)


@each_day
def test_the_units_are_as_worked_by_hand(today: date) -> None:
    pushed = {record["idempotency_key"]: record for records in usage.counters(today).values() for record in records}
    pushed |= {record["idempotency_key"]: record for record in usage.corrections(today)}
    quantities = defaultdict(list)
    for record in pushed.values():
        quantities[record["subscription"], record["metric"]].append(Decimal(record["quantity"]))
    for row in expected.rows(today):
        metric = catalog.CHARGES[row.charge]["metric"]
        counted = quantities[row.subscription, metric]
        is_sum = catalog.METRICS[metric]["aggregation"] == "sum"
        assert (sum(counted, Decimal()) if is_sum else max(counted)) == row.units


def test_the_figures_follow_from_the_prices() -> None:
    def tiered(units: Decimal) -> Decimal:
        return Decimal("0.010") * 1000 + Decimal("0.006") * 4000 + Decimal("0.003") * (units - 5000)

    def amount(row: Row) -> Decimal:
        prices = {"api_calls_pro": "0.004", "storage": "0.15", "api_calls_scale": "0.010"}
        plain = row.overage * Decimal(prices[row.charge])
        return tiered(row.overage) if row.charge == "api_calls_scale" and row.overage > 5000 else plain

    for row in expected.rows(date(2026, 11, 26)):
        assert row.overage == row.units - row.included
        assert abs(amount(row) - row.amount) <= Decimal("0.005")
        assert row.subtotal == row.amount
