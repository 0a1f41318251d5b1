"""Rating by markers: what changed, once, the same whoever does it and however often."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.rating.records import Record

if TYPE_CHECKING:
    from tests.integration.rate.conftest import World

pytestmark = pytest.mark.integration


def test_marked_usage_becomes_a_rating_whose_line_is_due(small_world: "World") -> None:
    small_world.push("25", "2026-11-03")
    small_world.push("5", "2026-11-04")
    small_world.rate_hour()
    rating = small_world.rating()
    assert (rating.version, rating.amount, rating.line.state) == (1, Decimal("2.00"), "due")
    document = rating.document
    assert (document.units, document.included_units, document.overage_units) == ("30", "10", "20")
    assert (document.period_start, document.period_end) == (
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 12, 1, tzinfo=UTC),
    )
    assert sum(Decimal(step.amount) for step in document.steps) == Decimal(document.unrounded_amount)
    assert small_world.relay_queue.messages == [{"job": "lines"}]
    updated = small_world.outbox.data_of("rating.updated")
    assert [(one["version"], one["amount"], one["metric"]) for one in updated] == [(1, "2.00", "api_calls")]


def test_a_repeated_run_writes_nothing_and_publishes_no_event(small_world: "World") -> None:
    small_world.push("25")
    small_world.rate_hour()
    first = small_world.rating()
    told, nudged = len(small_world.outbox.events), len(small_world.relay_queue.messages)
    small_world.rate_hour()
    assert small_world.rating() == first
    assert (len(small_world.outbox.events), len(small_world.relay_queue.messages)) == (told, nudged)


def test_a_correction_is_a_new_version_and_the_history_keeps_the_old_one(small_world: "World") -> None:
    small_world.push("25")
    small_world.rate()
    small_world.push("40")
    small_world.rate()
    rating = small_world.rating()
    assert (rating.version, rating.amount) == (2, Decimal("3.00"))
    assert [(one.version, one.amount) for one in rating.history] == [(1, "1.50"), (2, "3.00")]


def test_usage_within_what_is_included_makes_a_rating_and_no_line(small_world: "World") -> None:
    small_world.push("8")
    small_world.rate()
    rating = small_world.rating()
    assert (rating.amount, rating.line.state) == (Decimal(0), None)
    assert small_world.relay_queue.messages == []


def test_an_amount_corrected_to_zero_is_set_to_zero_in_odoo(small_world: "World") -> None:
    small_world.push("25")
    small_world.rate()
    small_world.acknowledge()
    small_world.push("5")
    small_world.rate()
    rating = small_world.rating()
    assert (rating.amount, rating.line.state, rating.line.amount) == (Decimal(0), "due", Decimal("1.50"))


def test_usage_of_a_period_to_come_waits_until_that_period_opens(small_world: "World") -> None:
    small_world.push("30", "2026-12-05")
    small_world.rate(ChangedPair("42", "api_calls", "2026-12"))
    early = small_world.rating("2026-12-01")
    assert (early.amount, early.line.state) == (Decimal("2.00"), "waiting")
    small_world.invoice("2027-01-01")
    small_world.do({"job": "subscription", "id": "42"})
    opened = small_world.rating("2026-12-01")
    assert (opened.version, opened.line.state) == (1, "due")
    assert small_world.relay_queue.messages == [{"job": "lines"}]


class _Interrupted:
    """Records that are read, then held back while somebody else rates the pair."""

    def __init__(self, world: "World", meanwhile: list[Any]) -> None:
        self._records = world.usage
        self._meanwhile = meanwhile

    def between(self, subscription: str, metric: str, start: datetime, end: datetime) -> Iterator[Record]:
        read = list(self._records.between(subscription, metric, start, end))
        if self._meanwhile:
            self._meanwhile.pop()()
        yield from read


def test_of_two_workers_at_one_pair_the_one_that_read_older_records_starts_again(
    small_world: "World",
) -> None:
    small_world.push("25")

    def somebody_else() -> None:
        small_world.push("40")
        _plain(small_world).rate()

    slow = _plain(small_world)
    slow.usage = _Interrupted(small_world, [somebody_else])
    slow.rate()
    rating = small_world.rating()
    assert (rating.version, rating.amount) == (1, Decimal("3.00"))


def _plain(world: "World") -> "World":
    return world.on(world.client)


def test_a_period_invoiced_while_its_pair_is_rated_is_adjusted_and_not_changed(small_world: "World") -> None:
    small_world.push("25")
    small_world.rate()
    small_world.acknowledge()
    small_world.push("40")

    def odoo_invoices() -> None:
        small_world.invoice("2027-01-01")
        _plain(small_world).do({"job": "subscription", "id": "42"})

    slow = _plain(small_world)
    slow.usage = _Interrupted(small_world, [odoo_invoices])
    slow.rate()
    frozen = small_world.rating()
    assert (frozen.version, frozen.amount, frozen.frozen) == (1, Decimal("1.50"), True)
    assert small_world.rating("2026-12-01", corrects="2026-11-01").amount == Decimal("1.50")


def test_a_pair_that_cannot_be_rated_is_reported_and_rated_after_the_fix(small_world: "World") -> None:
    small_world.subscribe("43", currency="EUR")
    small_world.push("25")
    small_world.push("25", id_="43")
    small_world.rate_hour()
    assert small_world.rating().amount == Decimal("1.50")
    assert small_world.find_rating(id_="43") is None
    assert [(pair.subscription, type(error).__name__) for pair, error in small_world.reported] == [
        ("43", "CurrencyMismatch")
    ]
    small_world.now += timedelta(hours=1)
    small_world.rate_hour(small_world.now - timedelta(hours=1))  # fails again, and is put into the present hour
    small_world.change("43", currency="USD")
    small_world.rate_hour()
    assert small_world.rating(id_="43").amount == Decimal("1.50")


def test_a_charge_that_cannot_be_priced_does_not_fail_others_of_its_metric(small_world: "World") -> None:
    small_world.push("25")
    small_world.charge("extra", maximum_amount="1")
    small_world.do({"job": "subscription", "id": "42"})
    before = small_world.rating(charge="extra")
    small_world.change("42", overrides={"extra": {"minimum_amount": "5"}})
    small_world.push("40")
    small_world.do({"job": "subscription", "id": "42"})
    assert small_world.rating().amount == Decimal("3.00")
    assert small_world.rating(charge="extra") == before
    assert {type(error).__name__ for _, error in small_world.reported} == {"Refused"}


def test_each_currency_may_have_a_charge_of_its_own_on_one_metric(small_world: "World") -> None:
    small_world.subscribe("43", currency="EUR")
    small_world.charge("euros", currency="EUR")
    small_world.push("25")
    small_world.push("40", id_="43")
    small_world.rate_hour()
    assert not small_world.reported
    assert (small_world.rating().amount, small_world.find_rating(charge="euros")) == (Decimal("1.50"), None)
    assert small_world.rating(id_="43", charge="euros").amount == Decimal("3.00")
    assert small_world.find_rating(id_="43") is None


def test_an_invoiced_period_that_cannot_be_adjusted_does_not_fail_the_open_one(world: "World") -> None:
    world.metric()
    world.charge()
    world.charge("dollars", applies_to={"all": True})
    world.subscribe(next_invoice_date="2026-11-15", start_date="2026-01-15")
    world.push("25", "2026-11-03")
    world.rate()
    world.now = datetime(2026, 11, 20, tzinfo=UTC)
    world.change(next_invoice_date="2026-12-15", currency="EUR")
    world.charge("euros", currency="EUR")
    world.catalog.delete_charge("api_calls", 1)
    world.catalog.delete_charge("dollars", 1)
    world.push("25", "2026-11-18")
    world.rate()
    assert {pair.month for pair, _ in world.reported} == {"2026-10"}
    assert world.rating("2026-11-15", "euros").amount == Decimal("1.50")


def test_a_fee_is_due_in_its_own_period_and_not_before(small_world: "World") -> None:
    small_world.charge("fee", model={"type": "flat", "amount": "5"})
    small_world.do({"job": "subscription", "id": "42"})
    assert small_world.rating(charge="fee").amount == Decimal(5)
    assert small_world.find_rating("2026-12-01", "fee") is None


def test_a_marker_of_a_deleted_subscription_is_skipped(small_world: "World") -> None:
    small_world.rate(ChangedPair("gone", "api_calls", "2026-11"), ChangedPair("42", "gone", "2026-11"))
    assert small_world.reported == []


def test_a_month_with_a_boundary_in_it_rates_both_periods(world: "World") -> None:
    world.metric()
    world.charge()
    world.subscribe(timezone="America/New_York", start_date="2026-01-31", next_invoice_date="2026-11-30")
    world.push("25", "2026-11-15")
    world.push("25", "2026-11-30")  # 29 November, 19:00, in New York: still the open period
    world.push("35", "2026-12-01", key="upcoming")
    world.rate(ChangedPair("42", "api_calls", "2026-11"), ChangedPair("42", "api_calls", "2026-12"))
    start = datetime(2026, 10, 31, 4, tzinfo=UTC)
    assert [one.amount for one in world.ratings.in_period("42", start)] == [Decimal("4.00")]
    upcoming = world.ratings.in_period("42", datetime(2026, 11, 30, 5, tzinfo=UTC))
    assert [(one.amount, one.line.state) for one in upcoming] == [(Decimal("2.50"), "waiting")]


def test_a_subscription_that_stopped_is_rated_for_what_it_used_before(small_world: "World") -> None:
    small_world.push("25", "2026-11-03")
    small_world.push("25", "2026-11-19")
    small_world.now = datetime(2026, 11, 10, tzinfo=UTC)
    small_world.change(state="4_paused")
    small_world.rate()
    assert small_world.rating().amount == Decimal("1.50")


def test_each_threshold_is_reported_once_a_period(small_world: "World") -> None:
    for quantity in ("5", "8", "9", "12", "9", "14"):
        small_world.push(quantity)
        small_world.rate()
    told = small_world.outbox.data_of("usage.threshold_reached")
    assert [(one["threshold_percent"], one["units"]) for one in told] == [(80, "8"), (100, "12")]
    assert small_world.rating().raised == {"included:80", "included:100"}
