"""Over any sequence of usage, corrections, runs, lines sent and periods closed, what is owed adds up."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.rate.inputs import Sources
from functions.rate.rater import Rater
from functions.rate.rating_writer import Writer
from fusion_billing.application.outbox import NOTHING, Prepared
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.closed_periods import ClosedPeriod
from fusion_billing.billing.decisions import NewVersion, SameVersion
from fusion_billing.billing.planning import hour_of
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.pricing import PricedSubscription
from fusion_billing.billing.rating import HistoryEntry, Line, RatingKey, StoredRating, history_with
from fusion_billing.billing_periods.advance import advance, first_seen
from fusion_billing.billing_periods.calendar import Calendar, Period
from fusion_billing.billing_periods.schedule_terms import Terms
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.validation import parse
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.dynamodb.ratings.ratings import (
    Save,
)
from fusion_billing.errors import VersionConflict
from fusion_billing.rating.records import Record

START = datetime(2026, 10, 1, tzinfo=UTC)
MONTHS = ("2026-09", "2026-10", "2026-11", "2026-12", "2027-01", "2027-02", "2027-03", "2027-04")


@dataclass
class MemoryClosings:
    """Closings of one subscription in memory."""

    items: dict[datetime, ClosedPeriod] = field(default_factory=dict)

    def since(self, subscription: str, start: datetime) -> dict[datetime, ClosedPeriod]:
        return {at: closing for at, closing in self.items.items() if at >= start}

    def put(self, subscription: str, closing: ClosedPeriod) -> ClosedPeriod:
        return self.items.setdefault(closing.start, closing)

    def note(self, subscription: str, start: datetime, digest: str) -> None:
        self.items[start] = replace(self.items[start], digest=digest)

    def statement_made(self, subscription: str, start: datetime) -> dict[str, Any]:
        raise NotImplementedError


@dataclass
class MemoryRatings:
    """Ratings in memory, guarded as the real store guards them."""

    items: dict[RatingKey, StoredRating] = field(default_factory=dict)
    closings: MemoryClosings = field(default_factory=MemoryClosings)

    def get_many(self, keys: Sequence[RatingKey]) -> dict[RatingKey, StoredRating]:
        return {key: self.items[key] for key in keys if key in self.items}

    def in_period(self, subscription: str, period_start: datetime) -> list[StoredRating]:
        return [one for key, one in sorted(self.items.items(), key=str) if key.period_start == period_start]

    def whole(self, stored: StoredRating) -> dict[str, Any]:
        return stored.doc

    def save(
        self,
        decision: NewVersion | SameVersion,
        *,
        stored: StoredRating | None,
        odoo_order_id: int,
        now: datetime,
        line_at: datetime | None = None,
        events: Sequence[Any] = (),
    ) -> None:
        if isinstance(decision, SameVersion):
            same = self._guarded(decision.stored)
            self.items[same.key] = replace(
                same, raised=same.raised | decision.raised, line=_moved(same.line, decision.line)
            )
            return
        rated = decision.computed_rating
        if stored is None and rated.key in self.items:
            raise VersionConflict("it is there")
        here = self._guarded(stored) if stored is not None else None
        entry = HistoryEntry(decision.version, rated.units, rated.amount_text, "")
        self.items[rated.key] = StoredRating(
            key=rated.key,
            version=decision.version,
            amount=rated.amount,
            digest=rated.digest,
            document=rated.document,
            history=history_with(here.history if here is not None else (), entry),
            raised=decision.raised | (here.raised if here is not None else frozenset()),
            line=_moved(here.line if here is not None else Line(), decision.line),
        )

    def save_many(self, saves: Sequence[Save], *, now: datetime) -> list[Exception | None]:
        ran_into: list[Exception | None] = []
        for one in saves:
            try:
                self.save(one.decision, stored=one.stored, odoo_order_id=one.odoo_order_id, now=now)
            except VersionConflict as error:
                ran_into.append(error)
            else:
                ran_into.append(None)
        return ran_into

    def freeze(self, stored: StoredRating) -> None:
        here = self._guarded(stored)
        state = "sent" if here.line.amount is not None else None
        self.items[here.key] = replace(here, frozen=True, line=replace(here.line, state=state))

    def _guarded(self, read: StoredRating) -> StoredRating:
        here = self.items[read.key]
        if here.version != read.version or here.frozen:
            raise VersionConflict("another version")
        return here


def _moved(line: Line, move: str) -> Line:
    return line if move == "keep" else replace(line, state=None if move == "none" else move)


@dataclass
class Silent:
    """An outbox to which nobody listens."""

    late: int = 0

    def prepare(
        self,
        type: str,  # noqa: A002
        *,
        subscription: str | None,
        plan: str | None,
        metric: str | None,
        data: Mapping[str, Any],
        now: datetime,
    ) -> Prepared:
        self.late += type == "usage.late"
        return NOTHING

    def wake_up(self, prepared: Prepared) -> None:
        pass


@dataclass
class Life:
    """A subscription's life: usage, runs of rating, a relay, and an Odoo that invoices month by month."""

    ratings: MemoryRatings = field(default_factory=MemoryRatings)
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

    def put(self, pair: ChangedPair, hour: datetime) -> None:
        raise AssertionError("every pair can be rated")

    def rater(self) -> Rater:
        who = PricedSubscription("42", "Pro", "USD", "UTC", 42, {})

        def report(pair: ChangedPair, error: Exception) -> None:
            raise error

        sources = Sources(
            customer=lambda _: BilledSubscription(who, self.calendar),
            prices=lambda: self.book,
            records=self,
            markers=self,
            report=report,
        )
        return Rater(sources, self.ratings, Writer(self.ratings, Silent(), self.now))

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
                assert (now.version, now.amount, now.document) == (was.version, was.amount, was.document)


def test_the_hour_of_a_marker_is_utc() -> None:
    assert hour_of(datetime(2026, 11, 3, 14, 59, 59, tzinfo=UTC)) == datetime(2026, 11, 3, 14, tzinfo=UTC)
