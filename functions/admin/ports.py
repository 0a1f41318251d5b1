"""Ports of the admin function: what its services need from the outside.

The adapters are in `fusion_billing.dynamodb` and `fusion_billing.messaging`; `tests.fakes` has in-memory ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fusion_billing.access.stored_key import Source, StoredKey
    from fusion_billing.billing.closed_periods import ClosedPeriod
    from fusion_billing.billing.rating import RatingKey, StoredRating
    from fusion_billing.billing.rating_document import RatingDocument
    from fusion_billing.catalog.change import Change, ChangeEntry
    from fusion_billing.catalog.charge import Charge
    from fusion_billing.catalog.metric import Idempotency, Metric
    from fusion_billing.catalog.stored_subscription import Listed, StoredSubscription
    from fusion_billing.dynamodb.catalog.definitions import Stored
    from fusion_billing.dynamodb.keys import DefinitionKind
    from fusion_billing.dynamodb.keys.primary import Key as ItemKey
    from fusion_billing.dynamodb.ratings.order_line_items import StoredLine
    from fusion_billing.dynamodb.ratings.period_ends import EndPosition, EndRange
    from fusion_billing.dynamodb.state.runs import Run
    from fusion_billing.messaging.messages import Job
    from fusion_billing.statements.statement import StatementJson
    from fusion_billing.webhooks.publishing import TransactionWrite


class CatalogReading(Protocol):
    """Reads metrics and charges (`dynamodb.catalog.definitions.CatalogStore`)."""

    def metric(self, code: str) -> "Metric | None":
        """Return a metric."""

    def charges(self) -> "dict[str, list[Charge]]":
        """Return the versions of every charge, by code."""

    def stored_metric(self, code: str) -> "Stored[Metric] | None":
        """Return a metric with its stored version."""

    def stored_charge(self, code: str) -> "Stored[tuple[Charge, ...]] | None":
        """Return a charge's versions with their stored version."""

    def metrics(self) -> "dict[str, Metric]":
        """Return every metric, by code."""

    def charge(self, code: str) -> "list[Charge]":
        """Return the versions of a charge; none if there is no such charge."""

    def metric_page(self, after: str | None, limit: int) -> "tuple[list[Stored[Metric]], str | None]":
        """Return a page of metrics by code, and the code after which the next page begins."""

    def charge_page(self, after: str | None, limit: int) -> "tuple[list[Stored[tuple[Charge, ...]]], str | None]":
        """Return a page of charges by code, and the code after which the next page begins."""

    def history(self, kind: "DefinitionKind", code: str) -> "list[ChangeEntry]":
        """Return the changes of a metric or charge."""


class Catalog(CatalogReading, Protocol):
    """Stores metrics and charges (`dynamodb.catalog.definitions.CatalogStore`)."""

    def put_metric(self, metric: "Metric", expected: int | None, change: "Change | None" = None) -> int:
        """Store a metric over a version and return its new version; raises `Refused` and `VersionConflict`."""

    def idempotency_of_records(self, code: str) -> "Idempotency | None":
        """Return how records of a deleted metric are keyed; None if no metric of the code ever existed."""

    def refs_of(self, code: str) -> int:
        """Return how often charges on a metric were created or deleted."""

    def delete_metric(self, code: str, refs: int, change: "Change | None" = None) -> None:
        """Delete a metric; raises `VersionConflict`."""

    def put_charge(self, versions: "Sequence[Charge]", expected: int | None, change: "Change | None" = None) -> int:
        """Store a charge's versions over a version and return the new version; raises `VersionConflict`."""

    def delete_charge(self, code: str, expected: int, change: "Change | None" = None) -> None:
        """Delete a charge; raises `VersionConflict`."""


class RatingJobs(Protocol):
    """Requests rating (`messaging.rating_jobs.RatingJobs`)."""

    def subscription(self, subscription: str, *, delay: int = 0) -> None:
        """Request that a subscription is rated, after `delay` seconds; raises `Unavailable`."""

    def sweep(self, charge: str | None = None, *, delay: int = 0) -> None:
        """Request that every subscription is rated, or a charge of it, after `delay` seconds."""


class Sources(Protocol):
    """Stores sources (`dynamodb.catalog.sources.SourceStore`)."""

    def get(self, source_id: str) -> "Source | None":
        """Return a source with the ids of its keys."""

    def create(self, source: "Source", also: "Sequence[TransactionWrite]" = ()) -> None:
        """Store a new source."""

    def unchanged(self, source: "Source") -> "TransactionWrite":
        """Return the check for a transaction that a source is as it was read."""

    def listing(self, after: str | None, limit: int) -> "tuple[list[Source], str | None]":
        """Return a page of sources by id, and the id after which the next page begins."""


class ApiKeys(Protocol):
    """Stores API keys (`dynamodb.catalog.api_keys.KeyStore`)."""

    def get(self, key_id: str) -> "StoredKey | None":
        """Return a key that is not revoked."""

    def create(
        self, key_id: str, key: "StoredKey", source_version: int, also: "Sequence[TransactionWrite]" = ()
    ) -> None:
        """Store a key; raises `Conflict` if its source has two keys, `VersionConflict` if it was changed."""

    def revoke(self, key_id: str, now: datetime, also: "Sequence[TransactionWrite]" = ()) -> None:
        """Revoke a key; raises `NotFound`."""


class KeyUses(Protocol):
    """Reads when API keys were last used (`dynamodb.state.key_uses.KeyUses`)."""

    def last_day(self, key_id: str) -> date | None:
        """Return the day on which a key was last used, in UTC; None if it never was."""


class SourceChanges(Protocol):
    """Changes sources with their keys and endpoints (`dynamodb.catalog.source_changes.SourceChanges`)."""

    def apply(self, source: "Source", also: "Sequence[TransactionWrite]" = ()) -> None:
        """Store a source over the version that was read, and the copies of its limits; raises `VersionConflict`."""


class MarkedPairs(Protocol):
    """Reads change markers (`dynamodb.markers.changed_pairs.ChangedPairs`)."""

    def marked_shards(self, hours: Sequence[datetime]) -> set[int]:
        """Return the shards that may have pairs marked in any of `hours`."""


class Statements(Protocol):
    """Reads statements (`dynamodb.ratings.statements.StatementStore`)."""

    def get(self, subscription: str, period_start: datetime) -> "StatementJson | None":
        """Return a statement; raises `TamperedStatement`."""

    def page(
        self, subscription: str, after: datetime | None, limit: int
    ) -> "tuple[list[StatementJson], datetime | None]":
        """Return a page of statements, the newest first, and where the next page begins."""


class Runs(Protocol):
    """Stores runs on demand (`dynamodb.state.runs.RunStore`)."""

    def begin(self, run: str, parts: Iterable[str], now: datetime) -> None:
        """Store a run and the names of its tasks."""

    def get(self, run: str) -> "Run | None":
        """Return a run."""


class PlannerState(Protocol):
    """Reads the planner's watermark (`dynamodb.state.planner.PlannerState`)."""

    def watermark(self) -> datetime | None:
        """Return the last hour planned."""

    def markers_since(self) -> datetime:
        """Return the hour before which there are no change markers."""


class Queue(Protocol):
    """Sends messages to a queue (`messaging.queue.Queue`)."""

    def send(self, messages: "Iterable[Job]") -> int:
        """Send messages and return how many; raises `Unavailable`."""


class SubscriptionList(Protocol):
    """Lists subscriptions (`dynamodb.catalog.subscriptions.SubscriptionStore`)."""

    def listing(self, shard: int, after: str | None, limit: int) -> "tuple[list[Listed], str | None]":
        """Return a page of one shard's subscriptions by id, and the id after which the next page begins."""


class Subscriptions(SubscriptionList, Protocol):
    """Stores subscriptions (`dynamodb.catalog.subscriptions.SubscriptionStore`)."""

    def get(self, subscription: str) -> "StoredSubscription | None":
        """Return a subscription."""

    def find(self, name: str) -> "StoredSubscription | None":
        """Return the subscription with an id or an alias."""

    def plans_of(self, ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return every plan of those subscriptions that changed theirs, by id; raises `Unavailable`."""

    def history(self, subscription: str) -> "list[ChangeEntry]":
        """Return the changes of a subscription."""

    def delete(self, stored: "StoredSubscription", change: "Change | None" = None) -> None:
        """Delete a subscription; raises `VersionConflict`."""


class SubscriptionUse(Protocol):
    """Tells what a subscription is used by (`dynamodb.catalog.subscription_use.SubscriptionUse`)."""

    def metric_counted(self, subscription: str, metrics: Iterable[str]) -> str | None:
        """Return a metric of which the subscription has usage."""

    def period_billed(self, subscription: str, starts: Iterable[datetime]) -> datetime | None:
        """Return the start of a period in which the subscription has ratings."""


class ClosedPeriods(Protocol):
    """Reads closed periods (`dynamodb.ratings.closed_periods.ClosedPeriodStore`)."""

    def since(self, subscription: str, start: datetime) -> "Mapping[datetime, ClosedPeriod]":
        """Return the closed periods that start at or after `start`, by start."""


class Ratings(Protocol):
    """Reads ratings (`dynamodb.ratings.ratings.RatingsStore`)."""

    @property
    def closed_periods(self) -> ClosedPeriods:
        """The closed periods."""

    def get(self, key: "RatingKey") -> "StoredRating | None":
        """Return a rating."""

    def get_many(self, keys: "Sequence[RatingKey]", /) -> "dict[RatingKey, StoredRating]":
        """Return those of the ratings that exist."""

    def in_period(self, subscription: str, period_start: datetime) -> "list[StoredRating]":
        """Return the ratings that are billed in a period, adjustments included, by name."""

    def whole(self, stored: "StoredRating") -> "RatingDocument":
        """Return a rating's document with all of its steps."""


class PeriodEnds(Protocol):
    """Finds ratings by the end of their period (`dynamodb.ratings.period_ends.PeriodEnds`)."""

    def page(
        self, ends: "EndRange", after: "EndPosition | None", limit: int
    ) -> "tuple[list[RatingKey], EndPosition | None]":
        """Return up to `limit` ratings, and where the list goes on, if it does."""


class ListedSubscriptions(Protocol):
    """Reads many subscriptions (`dynamodb.catalog.subscriptions.SubscriptionStore`)."""

    def listed(self, ids: Iterable[str]) -> "dict[str, Listed]":
        """Return those of the subscriptions that exist, by id; raises `Unavailable`."""


class OrderLines(Protocol):
    """Stores order lines (`dynamodb.ratings.order_lines.LineStore`)."""

    def listing(
        self, partition: str, limit: int, after: "ItemKey | None" = None
    ) -> "tuple[list[StoredLine], ItemKey | None]":
        """Return a page of the lines of a state, the oldest first, and the key after which the next page begins."""

    def get(self, key: "RatingKey") -> "StoredLine":
        """Return the line of a rating; raises `NotFound`."""

    def get_many(self, ratings: "Iterable[RatingKey]") -> "list[StoredLine]":
        """Return the lines of those of the ratings that exist; raises `Unavailable`."""

    def make_due(
        self, line: "StoredLine", line_partition: int, now: datetime, *, also: "Sequence[TransactionWrite]" = ()
    ) -> None:
        """Make a line due at once; raises `Conflict`."""
