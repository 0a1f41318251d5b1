"""Ports of the admin function: what its services need from the outside.

The adapters are in `fusion_billing.dynamodb` and `fusion_billing.messaging`; `tests.fakes` has in-memory ones.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from decimal import Decimal

    from fusion_billing.access.stored_key import Source, StoredKey
    from fusion_billing.billing.rating import RatingKey, StoredRating
    from fusion_billing.billing.rating_document import RatingDocument
    from fusion_billing.catalog.change import Change, ChangeEntry
    from fusion_billing.catalog.charge import Charge
    from fusion_billing.catalog.metric import Metric
    from fusion_billing.catalog.stored_subscription import Listed, StoredSubscription
    from fusion_billing.dynamodb.catalog.definitions import Stored
    from fusion_billing.dynamodb.catalog.targets import Found, Key
    from fusion_billing.dynamodb.keys import DefinitionKind
    from fusion_billing.dynamodb.keys.primary import Key as ItemKey
    from fusion_billing.dynamodb.ratings.order_line_items import StoredLine
    from fusion_billing.dynamodb.ratings.period_ends import EndPosition, EndRange
    from fusion_billing.dynamodb.state.runs import Run
    from fusion_billing.dynamodb.usage.items import StoredUsageRecord
    from fusion_billing.dynamodb.usage.reading import Selection
    from fusion_billing.dynamodb.usage.single_write import WriteResult
    from fusion_billing.messaging.messages import Job
    from fusion_billing.rating.records import Record
    from fusion_billing.retry import Deadline
    from fusion_billing.statements.statement import StatementJson
    from fusion_billing.webhooks.delivery import Delivery
    from fusion_billing.webhooks.delivery_result import DeliveryState
    from fusion_billing.webhooks.endpoint import Endpoint
    from fusion_billing.webhooks.publishing import Prepared, TransactionWrite


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
        """Store a metric over a version and return its new version; raises `VersionConflict`."""

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

    def create(self, source: "Source") -> None:
        """Store a new source."""

    def unchanged(self, source: "Source") -> "TransactionWrite":
        """Return the check for a transaction that a source is as it was read."""

    def listing(self, after: str | None, limit: int) -> "tuple[list[Source], str | None]":
        """Return a page of sources by id, and the id after which the next page begins."""


class ApiKeys(Protocol):
    """Stores API keys (`dynamodb.catalog.api_keys.KeyStore`)."""

    def get(self, key_id: str) -> "StoredKey | None":
        """Return a key that is not revoked."""

    def create(self, key_id: str, key: "StoredKey", source_version: int) -> None:
        """Store a key; raises `Conflict` if its source has two keys, `VersionConflict` if it was changed."""

    def revoke(self, key_id: str, now: datetime) -> None:
        """Revoke a key; raises `NotFound`."""


class SourceChanges(Protocol):
    """Changes sources with their keys and endpoints (`dynamodb.catalog.source_changes.SourceChanges`)."""

    def apply(self, source: "Source") -> None:
        """Store a source over the version that was read, and the copies of its limits; raises `VersionConflict`."""


class UsageReader(Protocol):
    """Reads usage records (`dynamodb.usage.reading.UsageReader`)."""

    def get(self, source: str, key: str) -> "StoredUsageRecord | None":
        """Return a source's record with its history."""

    def page(
        self, requested: "Selection", after: str | None, limit: int
    ) -> "tuple[list[StoredUsageRecord], str | None]":
        """Return a page of a pair's records by window start, and the cursor of the next page."""

    def quantities(self, requested: "Selection") -> "Iterator[tuple[str, Decimal]]":
        """Yield the key and quantity of each of a source's records."""


class UsageVoiding(Protocol):
    """Voids usage records (`dynamodb.usage.voiding.UsageVoiding`)."""

    def void(
        self, record: "StoredUsageRecord", at: str, deadline: "Deadline", *, actor: str, reason: str = ""
    ) -> "WriteResult":
        """Void a record and return the outcome."""


class Targets(Protocol):
    """Looks up subscriptions (`dynamodb.catalog.targets.TargetStore`)."""

    def find(
        self, keys: "Iterable[Key]", deadline: "Deadline", *, fresh: bool = False, aggregations: bool = False
    ) -> "Found":
        """Return which of `keys` exist."""


class ChangeMarkers(Protocol):
    """Writes change markers (`dynamodb.markers.change_markers.ChangeMarkers`)."""

    def mark(self, markers: Iterable[str], now: datetime, deadline: "Deadline") -> set[str]:
        """Write markers, and return those that could not be written."""


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


class Ratings(Protocol):
    """Reads ratings (`dynamodb.ratings.ratings.RatingsStore`)."""

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


class RatedRecords(Protocol):
    """Reads a pair's usage records (`dynamodb.usage.pair_records.UsageRecords`)."""

    def between(self, subscription: str, metric: str, start: datetime, end: datetime) -> "Iterator[Record]":
        """Yield the records whose window starts between two instants, by window start."""


class OrderLines(Protocol):
    """Stores order lines (`dynamodb.ratings.order_lines.LineStore`)."""

    def listing(
        self, partition: str, limit: int, after: "ItemKey | None" = None
    ) -> "tuple[list[StoredLine], ItemKey | None]":
        """Return a page of the lines of a state, the oldest first, and the key after which the next page begins."""

    def get(self, key: "RatingKey") -> "StoredLine":
        """Return the line of a rating; raises `NotFound`."""

    def make_due(self, line: "StoredLine", line_partition: int, now: datetime) -> None:
        """Make a line due at once; raises `Conflict`."""


class Endpoints(Protocol):
    """Stores webhook endpoints (`dynamodb.webhooks.endpoints.EndpointStore`)."""

    def get(self, endpoint_id: str) -> "Endpoint | None":
        """Return an endpoint."""

    def listing(self, *, source: str | None, limit: int, after: str | None) -> "tuple[list[Endpoint], str | None]":
        """Return a page of endpoints by id, and the id after which the next page begins."""

    def create(self, endpoint: "Endpoint", source_unchanged: "TransactionWrite") -> None:
        """Store a new endpoint; raises `VersionConflict` if its source was changed."""

    def replace(self, endpoint: "Endpoint", *, forget_failures: bool = False) -> "Endpoint":
        """Store an endpoint over the version that was read, and return it; raises `Conflict`."""

    def delete(self, endpoint_id: str) -> None:
        """Delete an endpoint."""


class EndpointSecrets(Protocol):
    """Encrypts signing secrets (`dynamodb.webhooks.endpoint_secrets.EndpointSecrets`)."""

    def seal(self, endpoint_id: str, secret: str) -> bytes:
        """Return a secret encrypted for one endpoint; raises `Unavailable`."""

    def open(self, endpoint_id: str, sealed: bytes) -> str:
        """Return the secret that was encrypted; raises `Unavailable`."""


class Events(Protocol):
    """Stores events (`dynamodb.webhooks.events.EventStore`)."""

    def write(self, writes: "list[TransactionWrite]") -> None:
        """Store an event that no other change comes with."""


class EndpointEvents(Protocol):
    """Publishes events about an endpoint (`application.outbox.Outbox`)."""

    def prepare_for(
        self,
        type: str,  # noqa: A002  what the payload calls it
        *,
        endpoints: "Sequence[Endpoint]",
        data: Mapping[str, object],
        now: datetime,
    ) -> "Prepared":
        """Return the writes of an event for these endpoints alone."""

    def wake_up(self, prepared: "Prepared") -> None:
        """Wake the relay for the first attempts."""


class Deliveries(Protocol):
    """Reads and replays deliveries (`dynamodb.webhooks.deliveries.DeliveryStore`)."""

    def get(self, endpoint_id: str, event_id: str) -> "Delivery | None":
        """Return a delivery."""

    def listing(
        self,
        endpoint_id: str,
        *,
        limit: int,
        after: str | None = None,
        since: datetime | None = None,
        states: "frozenset[DeliveryState] | None" = None,
        type_: str | None = None,
        visible_to: "Endpoint | None" = None,
        oldest_first: bool = False,
    ) -> "tuple[list[Delivery], str | None]":
        """Return a page of an endpoint's deliveries, and the event after which the next page begins."""

    def replay(self, endpoint_id: str, event_id: str, now: datetime) -> bool:
        """Make a delivery due now; False if there is none."""


class WakeUps(Protocol):
    """Wakes the relay (`messaging.wakeups.WakeUps`)."""

    def now(self, endpoints: Iterable[str]) -> None:
        """Wake the relay for endpoints."""
