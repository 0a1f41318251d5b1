"""Ports of the rate function: what its use cases need from the outside.

The adapters are in `fusion_billing.dynamodb` and `fusion_billing.messaging`; `tests.fakes` has in-memory ones.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from fusion_billing.billing.attention import FailingPair
from fusion_billing.billing.closed_periods import ClosedPeriod
from fusion_billing.billing.decisions import NewVersion, SameVersion
from fusion_billing.billing.rating import RatingKey, StoredRating
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.dynamodb.ratings.rating_writes import Save
from fusion_billing.messaging.messages import Job
from fusion_billing.rating.records import Record
from fusion_billing.statements.statement import StatementJson
from fusion_billing.webhooks.publishing import TransactionWrite


class UsageRecords(Protocol):
    """Reads usage records (`dynamodb.usage.pair_records.UsageRecords`)."""

    def between(self, subscription: str, metric: str, start: datetime, end: datetime) -> Iterator[Record]:
        """Yield a pair's records whose windows start in `[start, end)`."""


class ChangeMarkers(Protocol):
    """Reads and writes change markers (`dynamodb.markers.changed_pairs.ChangedPairs`)."""

    def pages(
        self, hours: Sequence[datetime], shard: int, *, after: str | None = None, limit: int = 500
    ) -> Iterator[list[ChangedPair]]:
        """Yield the pairs of a shard marked in any of `hours`, each once, by name, starting after the name `after`."""

    def put(self, pair: ChangedPair, hour: datetime) -> None:
        """Mark a pair as changed in an hour."""


class FailingPairs(Protocol):
    """Notes pairs that could not be rated (`dynamodb.state.failing_pairs.FailingPairs`)."""

    def note(self, pairs: Collection[FailingPair], hour: datetime, *, is_capped: bool) -> None:
        """Note pairs that could not be rated in an hour; `is_capped` if there are more. Raises `Unavailable`."""


class AmountTotals(Protocol):
    """Keeps the totals of an overview (`application.amount_totals.AmountTotals`)."""

    def refresh(self, now: datetime, has_time: Callable[[], bool], *, shard: int | None, fresh_for: timedelta) -> bool:
        """Add up the parts of a shard older than `fresh_for` while `has_time` is True; return whether to go on."""


class HourlyPairs(Protocol):
    """Stores the pairs that are rated hourly (`dynamodb.markers.hourly_pairs.HourlyPairs`)."""

    def of(self, shard: int, now: datetime) -> set[tuple[str, str]]:
        """Return the subscriptions and metrics of a shard that are rated hourly `now`."""

    def put(self, subscription: str, metric: str, *, since: datetime, until: datetime) -> None:
        """Have a pair rated hourly in `[since, until)`."""


class ClosedPeriods(Protocol):
    """Stores how invoiced periods were closed (`dynamodb.ratings.closed_periods.ClosedPeriodStore`)."""

    def since(self, subscription: str, start: datetime) -> dict[datetime, ClosedPeriod]:
        """Return the closed periods that start at or after `start`, by start."""

    def put(self, subscription: str, closed_period: ClosedPeriod) -> ClosedPeriod:
        """Store a closed period unless it is stored already, and return the stored one."""

    def note(self, subscription: str, start: datetime, digest: str) -> None:
        """Store the digest of what a period was last found to be billed by."""

    def statement_made(self, subscription: str, start: datetime) -> TransactionWrite:
        """Return the write that notes that a period has its statement."""


class Ratings(Protocol):
    """Stores ratings (`dynamodb.ratings.ratings.RatingsStore`)."""

    @property
    def closed_periods(self) -> ClosedPeriods:
        """Return the store of closed periods."""

    def get_many(self, keys: Sequence[RatingKey]) -> dict[RatingKey, StoredRating]:
        """Return the ratings that exist under `keys`; raises `Unavailable` when throttled."""

    def in_period(self, subscription: str, period_start: datetime) -> list[StoredRating]:
        """Return every rating billed in a period, adjustments included."""

    def whole(self, stored: StoredRating) -> RatingDocument:
        """Return a rating's document with its large fields."""

    def save(
        self,
        decision: NewVersion | SameVersion,
        *,
        stored: StoredRating | None,
        odoo_order_id: int,
        now: datetime,
        line_at: datetime | None = None,
        events: Sequence[TransactionWrite] = (),
    ) -> None:
        """Write a decision with its events; raises `VersionConflict`."""

    def save_many(self, saves: Sequence[Save], *, now: datetime) -> list[Exception | None]:
        """Write new versions without events; return the error of each, or None."""

    def freeze(self, stored: StoredRating) -> None:
        """Freeze a rating; raises `VersionConflict`."""


class Statements(Protocol):
    """Stores statements (`dynamodb.ratings.statements.StatementStore`)."""

    def put(self, document: StatementJson, events: Sequence[TransactionWrite] = ()) -> None:
        """Store a statement and its events in one transaction; raises `AlreadyClosed`."""

    def latest(self, subscription: str) -> StatementJson | None:
        """Return the newest statement; raises `TamperedStatement`."""


class AnnouncedEnds(Protocol):
    """Stores which ends of subscriptions were announced (`dynamodb.ratings.announced_ends.AnnouncedEnds`)."""

    def of(self, subscription: str) -> datetime | None:
        """Return the end that was announced last."""

    def announce(self, subscription: str, ended_at: datetime, events: Sequence[TransactionWrite]) -> bool:
        """Store an end with its event; return False if it was announced already."""


class ListedSubscription(Protocol):
    """A subscription as a page of the subscription list has it."""

    @property
    def subscription(self) -> Subscription:
        """Return the subscription's definition."""


class Subscriptions(Protocol):
    """Lists subscriptions (`dynamodb.catalog.subscriptions.SubscriptionStore`)."""

    def listing(self, shard: int, after: str | None, limit: int) -> tuple[Sequence[ListedSubscription], str | None]:
        """Return a page of one shard's subscriptions by id, and the id after which the next page begins."""


class Runs(Protocol):
    """Counts what runs on demand did (`dynamodb.state.runs.RunStore`)."""

    def count(self, run: str, part: str, counts: Mapping[str, int], *, finished: bool) -> None:
        """Add the counts of a message that did a part of a run."""


class PlannerState(Protocol):
    """Stores the planner's watermark (`dynamodb.state.planner.PlannerState`)."""

    def watermark(self) -> datetime | None:
        """Return the last hour planned with all its pairs."""

    def urgent_watermark(self) -> datetime | None:
        """Return the last hour planned with the pairs that are rated hourly; None after an earlier release."""

    def advance(self, hour: datetime | None, *, urgent: datetime | None = None) -> None:
        """Store that all hours up to `hour` are planned, and those up to `urgent` with the pairs rated hourly."""

    def markers_since(self) -> datetime:
        """Return the hour before which there are no change markers."""


class Queue(Protocol):
    """Sends messages to a queue (`messaging.queue.Queue`)."""

    def send(self, messages: Iterable[Job]) -> int:
        """Send messages and return how many; raises `Unavailable` if some were not taken."""
