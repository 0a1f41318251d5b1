"""The rate function on fakes: a catalog, subscriptions, usage and everything rating writes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

from fusion_billing.billing.billed_subscription import BilledSubscription, billed_subscription
from fusion_billing.billing.planning import hour_of
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.rating.records import Record
from tests.fakes.catalog import FakeCatalog
from tests.fakes.change_markers import FakeChangeMarkers, FakeHourlyPairs
from tests.fakes.ratings import FakeAnnouncedEnds, FakeRatings, FakeStatements
from tests.fakes.state import FakePlannerState, FakeRuns
from tests.fakes.subscriptions import FakeSubscriptions
from tests.fakes.usage import FakeUsage
from tests.rating_steps import SHARDS, RatingSteps, Stores, midnight


@dataclass
class RatingWorld(RatingSteps):
    """The rate function on fakes, at `now`."""

    catalog: FakeCatalog = field(default_factory=FakeCatalog)
    subscriptions: FakeSubscriptions = field(default_factory=FakeSubscriptions)
    usage: FakeUsage = field(default_factory=FakeUsage)
    markers: FakeChangeMarkers = field(default_factory=lambda: FakeChangeMarkers(shards=SHARDS))
    ratings: FakeRatings = field(default_factory=FakeRatings)
    announced: FakeAnnouncedEnds = field(default_factory=FakeAnnouncedEnds)
    runs: FakeRuns = field(default_factory=FakeRuns)
    planner_state: FakePlannerState = field(default_factory=FakePlannerState)
    hourly_pairs: FakeHourlyPairs = field(default_factory=lambda: FakeHourlyPairs(shards=SHARDS))

    def __post_init__(self) -> None:
        self.statements = FakeStatements(self.ratings.closed_periods)

    # --- what the steps need ---

    def prices(self) -> PriceBook:
        return self.catalog.price_book()

    def created_at(self, charge: str) -> datetime | None:
        return self.catalog.created_at.get(charge)

    def billed_subscription(self, id_: str) -> BilledSubscription | None:
        stored = self.subscriptions.get(id_)
        return None if stored is None else billed_subscription(stored)

    def stores(self) -> Stores:
        return Stores(
            subscriptions=self.subscriptions,
            usage=self.usage,
            markers=self.markers,
            hourly_pairs=self.hourly_pairs,
            ratings=self.ratings,
            statements=self.statements,
            announced_ends=self.announced,
            runs=self.runs,
            planner_state=self.planner_state,
        )

    # --- what happens ---

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
            self.markers.change(ChangedPair(id_, metric, f"{start:%Y-%m}"), hour_of(self.now))
        record = Record(f"{id_}:{metric}:{day}", start, start + timedelta(days=1), Decimal(quantity))
        self.usage.add(record, id_, metric)

    def rate_subscription(self, id_: str = "42") -> None:
        """Do the message that follows a change of a subscription."""
        self.do({"job": "subscription", "id": id_})

    def read_invoice(self, amount: str, start: str = "2026-11-01") -> None:
        """Do as the relay does once it has read Odoo's invoice of a rating's order line."""
        key = self.key(start)
        rating = self.ratings.items[key]
        self.ratings.items[key] = replace(rating, line=replace(rating.line, billed=Decimal(amount)))

    def acknowledge(self, start: str = "2026-11-01", corrects: str | None = None) -> None:
        self.ratings.acknowledge(self.key(start, corrects=corrects))


def runs_out_after(checks: int) -> Callable[[], bool]:
    """Return a `has_time` that is true for fewer than `checks` times."""
    checked = count(1)
    return lambda: next(checked) < checks


def first_of_month(month: str) -> datetime:
    """Return the start of a month such as `2026-11`, in UTC."""
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
