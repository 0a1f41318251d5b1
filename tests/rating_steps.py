"""What the rate function's worlds share: `tests/fakes` has one on fakes, `tests/integration/rate` one on DynamoDB."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from functions.rate import planner, ports
from functions.rate.dependencies import hourly_rating
from functions.rate.end_announcer import EndAnnouncer
from functions.rate.last_periods import LastPeriods
from functions.rate.line_due_times import LineDueTimes
from functions.rate.rater import Rater
from functions.rate.rating_inputs import Sources
from functions.rate.rating_writer import Writer
from functions.rate.worker import Worker
from fusion_billing.application import ports as application
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.planning import Hours
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.rating import RatingKey, StoredRating
from fusion_billing.billing.rating_cadence import HOURLY, RatingCadence
from fusion_billing.billing_periods.advance import advance, first_seen
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.messaging.messages import RatingJob, rating_job
from fusion_billing.odoo_lines.line_cadence import LineCadence
from tests.fakes.clock import FakeClock
from tests.fakes.outbox import FakeOutbox
from tests.fakes.queue import FakeQueue
from tests.rating_definitions import a_subscription

SHARDS = 4
SETTLING_TIME = timedelta(seconds=300)


def midnight(day: str) -> datetime:
    """Return the start of a day in UTC."""
    return datetime.fromisoformat(f"{day}T00:00:00+00:00")


class Subscriptions(application.Subscriptions, ports.Subscriptions, Protocol):
    """Stores and lists subscriptions."""


@dataclass
class RatingSteps:
    """The rate function at `now`, and what happens to it. A world provides the stores."""

    clock: FakeClock = field(default_factory=FakeClock)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    queue: FakeQueue = field(default_factory=FakeQueue)
    relay_queue: FakeQueue = field(default_factory=FakeQueue)
    cadence: LineCadence = "hourly"
    rating_cadence: RatingCadence = HOURLY
    reported: list[tuple[ChangedPair, Exception]] = field(default_factory=list)
    requested_invoices: list[tuple[str, datetime]] = field(default_factory=list)

    # --- what a world provides ---

    @abstractmethod
    def prices(self) -> PriceBook:
        """Return the catalog as rating reads it."""

    @abstractmethod
    def created_at(self, charge: str) -> datetime | None:
        """Return when a charge was defined; None if that is not known."""

    @abstractmethod
    def billed_subscription(self, id_: str) -> BilledSubscription | None:
        """Return a subscription as rating reads it."""

    @abstractmethod
    def stores(self) -> "Stores":
        """Return the stores."""

    # --- the parts of the function ---

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self.clock.now

    @now.setter
    def now(self, now: datetime) -> None:
        self.clock.now = now

    def sources(self) -> Sources:
        return Sources(
            subscription=self.billed_subscription,
            prices=self.prices,
            records=self.stores().usage,
            markers=self.stores().markers,
            report=lambda pair, error: self.reported.append((pair, error)),
            created_at=self.created_at,
            request_invoices=lambda subscription, start: self.requested_invoices.append((subscription, start)),
        )

    def rater(self, now: datetime | None = None, at_once: bool = False) -> Rater:
        stores = self.stores()
        writer = Writer(stores.ratings, self.outbox, now or self.now, LineDueTimes(self.cadence, at_once))
        return Rater(self.sources(), stores.ratings, writer, stores.statements)

    def worker(self) -> Worker:
        stores = self.stores()
        return Worker(
            rater=self.rater,
            pairs=stores.markers,
            subscriptions=stores.subscriptions,
            runs=stores.runs,
            queue=self.queue,
            relay=self.relay_queue,
            clock=self.clock,
            end_announcer=EndAnnouncer(stores.ratings, stores.announced_ends, self.outbox),
            last_periods=LastPeriods(stores.ratings, self.relay_queue),
            hourly=hourly_rating(stores.hourly_pairs, self.rating_cadence),
        )

    # --- what happens ---

    def subscribe(self, id_: str = "42", **fields: object) -> None:
        """Store a monthly subscription whose open period is November 2026 in UTC, except for `fields`."""
        subscription = a_subscription(id_, fields)
        stored = StoredSubscription(subscription, first_seen(subscription.terms), "api", 1)
        self.stores().subscriptions.put(stored, None)

    def change(self, id_: str = "42", **fields: object) -> None:
        """Change a subscription; if its `next_invoice_date` moves on, its open period is invoiced."""
        subscriptions = self.stores().subscriptions
        stored = subscriptions.get(id_)
        assert stored is not None
        changed = parse(Subscription, {**stored.subscription.as_json(), **fields})
        calendar = advance(stored.calendar, changed.terms, self.now)
        stopped = self.now if changed.state != "3_progress" else None
        new = replace(stored, subscription=changed, calendar=calendar, version=stored.version + 1, stopped=stopped)
        subscriptions.put(new, stored)

    def invoice(self, next_invoice_date: str, id_: str = "42") -> None:
        self.change(id_, next_invoice_date=next_invoice_date)

    def rate(self, *pairs: ChangedPair) -> None:
        """Rate pairs, by default the usage of November."""
        self.rater().rate_pairs(pairs or [ChangedPair("42", "api_calls", "2026-11")])

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
            self.stores().planner_state,
            self.queue,
            now=self.now,
            shards=SHARDS,
            settling_time=SETTLING_TIME,
            cadence=self.rating_cadence,
        )

    # --- what is stored ---

    def key(
        self, start: str = "2026-11-01", charge: str = "api_calls", corrects: str | None = None, id_: str = "42"
    ) -> RatingKey:
        return RatingKey(id_, midnight(start), charge, midnight(corrects) if corrects else None)

    def find_rating(
        self, start: str = "2026-11-01", charge: str = "api_calls", corrects: str | None = None, id_: str = "42"
    ) -> StoredRating | None:
        key = self.key(start, charge, corrects, id_)
        return self.stores().ratings.get_many([key]).get(key)

    def rating(
        self, start: str = "2026-11-01", charge: str = "api_calls", corrects: str | None = None, id_: str = "42"
    ) -> StoredRating:
        found = self.find_rating(start, charge, corrects, id_)
        assert found is not None
        return found


@dataclass(frozen=True)
class Stores:
    """The stores of a world."""

    subscriptions: Subscriptions
    usage: ports.UsageRecords
    markers: ports.ChangeMarkers
    hourly_pairs: ports.HourlyPairs
    ratings: ports.Ratings
    statements: ports.Statements
    announced_ends: ports.AnnouncedEnds
    runs: ports.Runs
    planner_state: ports.PlannerState
