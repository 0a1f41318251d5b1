"""The rate function on fakes: a catalog, subscriptions, usage and everything rating writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

from functions.rate import planner
from functions.rate.dependencies import hourly_rating
from functions.rate.end_announcer import EndAnnouncer
from functions.rate.last_periods import LastPeriods
from functions.rate.line_due_times import LineDueTimes
from functions.rate.rater import Rater
from functions.rate.rating_inputs import Sources
from functions.rate.rating_writer import Writer
from functions.rate.worker import Worker
from fusion_billing.billing.billed_subscription import BilledSubscription, billed_subscription
from fusion_billing.billing.planning import Hours, hour_of
from fusion_billing.billing.rating import RatingKey, StoredRating
from fusion_billing.billing.rating_cadence import HOURLY, RatingCadence
from fusion_billing.billing_periods.advance import advance, first_seen
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.messaging.messages import RatingJob, rating_job
from fusion_billing.odoo_lines.line_cadence import LineCadence
from fusion_billing.rating.records import Record
from tests.fakes.catalog import FakeCatalog
from tests.fakes.change_markers import FakeChangeMarkers, FakeHourlyPairs
from tests.fakes.clock import FakeClock
from tests.fakes.outbox import FakeOutbox
from tests.fakes.queue import FakeQueue
from tests.fakes.ratings import FakeAnnouncedEnds, FakeRatings, FakeStatements
from tests.fakes.state import FakePlannerState, FakeRuns
from tests.fakes.subscriptions import FakeSubscriptions
from tests.fakes.usage import FakeUsage


def midnight(day: str) -> datetime:
    """Return the start of a day in UTC."""
    return datetime.fromisoformat(f"{day}T00:00:00+00:00")


@dataclass
class RatingWorld:
    """The rate function on fakes, at `clock.now`."""

    clock: FakeClock = field(default_factory=FakeClock)
    catalog: FakeCatalog = field(default_factory=FakeCatalog)
    subscriptions: FakeSubscriptions = field(default_factory=FakeSubscriptions)
    usage: FakeUsage = field(default_factory=FakeUsage)
    markers: FakeChangeMarkers = field(default_factory=FakeChangeMarkers)
    ratings: FakeRatings = field(default_factory=FakeRatings)
    announced: FakeAnnouncedEnds = field(default_factory=FakeAnnouncedEnds)
    runs: FakeRuns = field(default_factory=FakeRuns)
    planner_state: FakePlannerState = field(default_factory=FakePlannerState)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    queue: FakeQueue = field(default_factory=FakeQueue)
    relay_queue: FakeQueue = field(default_factory=FakeQueue)
    cadence: LineCadence = "hourly"
    rating_cadence: RatingCadence = HOURLY
    hourly_pairs: FakeHourlyPairs = field(default_factory=FakeHourlyPairs)
    reported: list[tuple[ChangedPair, Exception]] = field(default_factory=list)
    requested_invoices: list[tuple[str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.statements = FakeStatements(self.ratings.closed_periods)

    # --- the parts of the function ---

    def sources(self) -> Sources:
        return Sources(
            subscription=self._subscription,
            prices=self.catalog.price_book,
            records=self.usage,
            markers=self.markers,
            report=lambda pair, error: self.reported.append((pair, error)),
            created_at=self.catalog.created_at.get,
            request_invoices=lambda subscription, start: self.requested_invoices.append((subscription, start)),
        )

    def rater(self, now: datetime | None = None, at_once: bool = False) -> Rater:
        writer = Writer(self.ratings, self.outbox, now or self.clock.now, LineDueTimes(self.cadence, at_once))
        return Rater(self.sources(), self.ratings, writer, self.statements)

    def worker(self) -> Worker:
        return Worker(
            rater=self.rater,
            pairs=self.markers,
            subscriptions=self.subscriptions,
            runs=self.runs,
            queue=self.queue,
            relay=self.relay_queue,
            clock=self.clock,
            end_announcer=EndAnnouncer(self.ratings, self.announced, self.outbox),
            last_periods=LastPeriods(self.ratings, self.relay_queue),
            hourly=hourly_rating(self.hourly_pairs, self.rating_cadence),
        )

    def _subscription(self, subscription: str) -> BilledSubscription | None:
        stored = self.subscriptions.get(subscription)
        return None if stored is None else billed_subscription(stored)

    # --- what happens ---

    def subscribe(self, id_: str = "42", fields: Mapping[str, object] | None = None) -> None:
        """Store a monthly subscription whose open period is November 2026 in UTC, except for `fields`."""
        definition: dict[str, object] = {
            "odoo_order_id": int(id_),
            "name": f"S{id_}",
            "partner": "Azure Interior",
            "plan": "Pro",
            "state": "3_progress",
            "currency": "USD",
            "timezone": "UTC",
            "start_date": "2026-01-01",
            "billing_period": {"value": 1, "unit": "month"},
            "next_invoice_date": "2026-12-01",
            **(fields or {}),
        }
        subscription = parse(Subscription, definition, id=id_)
        self.subscriptions.put(StoredSubscription(subscription, first_seen(subscription.terms), "api", 1), None)

    def change(self, id_: str = "42", **fields: object) -> None:
        """Change a subscription; if its `next_invoice_date` moves on, its open period is invoiced."""
        stored = self.subscriptions.items[id_]
        changed = parse(Subscription, {**stored.subscription.as_json(), **fields})
        calendar = advance(stored.calendar, changed.terms, self.clock.now)
        stopped = self.clock.now if changed.state != "3_progress" else None
        new = replace(stored, subscription=changed, calendar=calendar, version=stored.version + 1, stopped=stopped)
        self.subscriptions.put(new, stored)

    def invoice(self, next_invoice_date: str, id_: str = "42") -> None:
        self.change(id_, next_invoice_date=next_invoice_date)

    def push(
        self,
        quantity: str,
        day: date | str = "2026-11-03",
        *,
        id_: str = "42",
        metric: str = "api_calls",
        is_marked: bool = True,
    ) -> None:
        """Store the counter of a day, and mark its pair in the present hour."""
        start = midnight(str(day))
        if is_marked:
            self.markers.change(ChangedPair(id_, metric, f"{start:%Y-%m}"), hour_of(self.clock.now))
        record = Record(f"{id_}:{metric}:{day}", start, start + timedelta(days=1), Decimal(quantity))
        self.usage.add(record, id_, metric)

    def rate(self, *pairs: ChangedPair) -> None:
        """Rate pairs, by default the usage of November."""
        self.rater().rate_pairs(pairs or [ChangedPair("42", "api_calls", "2026-11")])

    def rate_subscription(self, id_: str = "42") -> None:
        """Do the message that follows a change of a subscription."""
        self.do({"job": "subscription", "id": id_})

    def do(
        self,
        message: Mapping[str, object] | RatingJob,
        *,
        has_time: Callable[[], bool] = lambda: True,
        attempt: int = 1,
    ) -> Mapping[str, int]:
        """Do a message; return its counts."""
        job = rating_job(message) if isinstance(message, Mapping) else message
        return self.worker().do(job, has_time=has_time, attempt=attempt).as_counts()

    def drain(self) -> None:
        """Do every message in the queue, and the messages that these send."""
        while self.queue.messages:
            self.do(self.queue.messages.pop(0))

    def plan(self) -> Hours:
        return planner.plan(
            self.planner_state,
            self.queue,
            now=self.clock.now,
            shards=self.markers.shards,
            settling_time=timedelta(seconds=300),
            cadence=self.rating_cadence,
        )

    def read_invoice(self, amount: str, start: str = "2026-11-01") -> None:
        """Do as the relay does once it has read Odoo's invoice of a rating's order line."""
        key = self.key(start)
        rating = self.ratings.items[key]
        self.ratings.items[key] = replace(rating, line=replace(rating.line, billed=Decimal(amount)))

    # --- what is stored ---

    def key(
        self, start: str = "2026-11-01", charge: str = "api_calls", corrects: str | None = None, id_: str = "42"
    ) -> RatingKey:
        return RatingKey(id_, midnight(start), charge, midnight(corrects) if corrects else None)

    def find_rating(
        self, start: str = "2026-11-01", charge: str = "api_calls", corrects: str | None = None, id_: str = "42"
    ) -> StoredRating | None:
        return self.ratings.items.get(self.key(start, charge, corrects, id_))

    def rating(
        self, start: str = "2026-11-01", charge: str = "api_calls", corrects: str | None = None, id_: str = "42"
    ) -> StoredRating:
        return self.ratings.items[self.key(start, charge, corrects, id_)]

    def acknowledge(self, start: str = "2026-11-01", corrects: str | None = None) -> None:
        self.ratings.acknowledge(self.key(start, corrects=corrects))


def runs_out_after(checks: int) -> Callable[[], bool]:
    """Return a `has_time` that is true for fewer than `checks` times."""
    checked = count(1)
    return lambda: next(checked) < checks


def first_of_month(month: str) -> datetime:
    """Return the start of a month such as `2026-11`, in UTC."""
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
