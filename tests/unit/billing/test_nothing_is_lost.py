"""Over any sequence of usage, corrections, runs, lines sent and periods closed, what is owed adds up."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.rate.rater import Rater
from functions.rate.rating_inputs import Sources
from functions.rate.rating_writer import Writer
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.planning import hour_of
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.pricing import PricedSubscription
from fusion_billing.billing.rating import RatingKey
from fusion_billing.billing_periods.advance import advance, first_seen
from fusion_billing.billing_periods.calendar import Calendar, Period
from fusion_billing.billing_periods.schedule_terms import Terms
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.rating.records import Record
from tests.fakes.change_markers import FakeChangeMarkers
from tests.fakes.outbox import FakeOutbox
from tests.fakes.ratings import FakeRatings

START = datetime(2026, 10, 1, tzinfo=UTC)
MONTHS = ("2026-09", "2026-10", "2026-11", "2026-12", "2027-01", "2027-02", "2027-03", "2027-04")


@dataclass
class Life:
    """A subscription's life: usage, runs of rating, a relay, and an Odoo that invoices month by month."""

    ratings: FakeRatings = field(default_factory=FakeRatings)
    usage: dict[datetime, Decimal] = field(default_factory=dict)
    marked: set[str] = field(default_factory=set)
    on_its_way: list[tuple[RatingKey, int, Decimal]] = field(default_factory=list)
    now: datetime = START + timedelta(days=10)
    next_month: int = 11

    def __post_init__(self) -> None:
        self.calendar: Calendar = first_seen(self._terms())
        metric = parse(Metric, {"name": "calls", "aggregation": "sum"}, code="calls")
        charge = {
            "name": "calls",
            "metric": "calls",
            "applies_to": {"all": True},
            "currency": "USD",
            "odoo_product_id": 7,
            "included_units": "10",
            "model": {"type": "per_unit", "unit_amount": "0.10"},
        }
        self.book = PriceBook([metric], [[parse(Charge, charge, code="calls")]])

    def _terms(self) -> Terms:
        year, month = 2026 + (self.next_month - 1) // 12, (self.next_month - 1) % 12 + 1
        due = datetime(year, month, 1, tzinfo=UTC).date()
        return Terms(datetime(2026, 1, 1, tzinfo=UTC).date(), due, 1, "month", "UTC")

    def between(self, subscription: str, metric: str, start: datetime, end: datetime) -> Iterator[Record]:
        for at in sorted(self.usage):
            if start <= at < end:
                yield Record(at.isoformat(), at, at + timedelta(days=1), self.usage[at])

    def rater(self) -> Rater:
        subscription = PricedSubscription("42", "Pro", "USD", "UTC", 42, {})

        def report(pair: ChangedPair, error: Exception) -> None:
            raise error

        sources = Sources(
            subscription=lambda _: BilledSubscription(subscription, self.calendar),
            prices=lambda: self.book,
            records=self,
            markers=FakeChangeMarkers(),
            report=report,
        )
        return Rater(sources, self.ratings, Writer(self.ratings, FakeOutbox(), self.now))

    # --- what happens ---

    def push(self, day: int, quantity: int) -> None:
        at = START - timedelta(days=20) + timedelta(days=day)
        self.usage[at] = Decimal(quantity)
        self.marked.add(f"{at:%Y-%m}")

    def run(self) -> None:
        self.rater().rate_pairs([ChangedPair("42", "calls", month) for month in sorted(self.marked)])
        self.marked.clear()

    def send(self) -> None:
        """The relay takes what is due along; what Odoo says of it is not here yet."""
        for key, one in self.ratings.items.items():
            if one.line.state == "due" and not one.frozen:
                self.on_its_way.append((key, one.version, one.amount))

    def acknowledge(self) -> None:
        """Odoo answers: whatever became of the rating meanwhile, this is what the line in Odoo amounts to."""
        for key, version, amount in self.on_its_way:
            one = self.ratings.items[key]
            state = "sent" if one.version == version and one.line.state == "due" else one.line.state
            self.ratings.items[key] = replace(one, line=replace(one.line, amount=amount, state=state))
        self.on_its_way.clear()

    def invoice(self, months: int) -> None:
        self.next_month += months
        self.now += timedelta(days=30 * months)
        self.calendar = advance(self.calendar, self._terms(), self.now)

    def job(self) -> None:
        self.rater().rate_subscription("42", thorough=True)

    def sweep(self) -> None:
        self.rater().rate_subscription("42")

    # --- what must hold ---

    def settle(self) -> None:
        self.acknowledge()
        self.marked.update(MONTHS)
        self.run()
        self.job()

    def check(self) -> None:
        periods = {self.calendar.period_holding(at) for at in self.usage}
        fresh = {period: self._fresh(period) for period in periods}
        for period, amount in fresh.items():
            line_item = sum(
                (
                    one.billed if one.frozen else one.amount
                    for key, one in self.ratings.items.items()
                    if (key.corrects or key.period_start) == period.start
                ),
                Decimal(0),
            )
            assert line_item == amount, (period, line_item, amount)
        for key, one in self.ratings.items.items():
            state = self.calendar.period_holding(key.period_start).state
            assert one.frozen == (state == "invoiced")
            if state == "open" and one.amount != (one.line.amount or 0):
                assert one.line.state == "due"

    def _fresh(self, period: Period) -> Decimal:
        units = sum((q for at, q in self.usage.items() if period.start <= at < period.end), Decimal(0))
        return max(Decimal(0), units - 10) * Decimal("0.10")


EVENTS = st.one_of(
    st.tuples(st.just("push"), st.integers(0, 150), st.integers(0, 40)),
    st.tuples(st.just("run")),
    st.tuples(st.just("send")),
    st.tuples(st.just("acknowledge")),
    st.tuples(st.just("invoice"), st.integers(1, 2)),
    st.tuples(st.just("job")),
    st.tuples(st.just("sweep")),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENTS, max_size=25))
def test_invoiced_and_adjustments_come_to_a_fresh_rating_of_all_records(
    events: list[tuple[Any, ...]],
) -> None:
    life = Life()
    invoiced = 0
    for name, *arguments in events:
        if name == "invoice":
            invoiced += arguments[0]
            if invoiced > 5:
                continue
        getattr(life, name)(*arguments)
    life.settle()
    life.check()
    before = dict(life.ratings.items)
    life.marked.update(MONTHS)
    life.run()
    life.job()
    assert life.ratings.items == before  # and once it is settled, a run more changes nothing


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, max_size=25))
def test_a_version_never_goes_back_and_a_frozen_rating_never_changes(events: list[tuple[Any, ...]]) -> None:
    life = Life()
    for name, *arguments in events:
        before = dict(life.ratings.items)
        getattr(life, name)(*arguments)
        for key, was in before.items():
            now = life.ratings.items[key]
            assert now.version >= was.version
            if was.frozen:
                assert (now.version, now.amount, now.document_json) == (was.version, was.amount, was.document_json)


def test_the_hour_of_a_marker_is_utc() -> None:
    assert hour_of(datetime(2026, 11, 3, 14, 59, 59, tzinfo=UTC)) == datetime(2026, 11, 3, 14, tzinfo=UTC)
