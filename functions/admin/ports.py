"""Ports of the admin function: what its services need from the outside.

The adapters are in `fusion_billing.dynamodb` and `fusion_billing.messaging`; `tests.fakes` has in-memory ones.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from decimal import Decimal

    from fusion_billing.access.stored_key import Source, StoredKey
    from fusion_billing.catalog.change import Change
    from fusion_billing.catalog.charge import Charge
    from fusion_billing.catalog.metric import Metric
    from fusion_billing.catalog.stored_subscription import Listed
    from fusion_billing.dynamodb.catalog.definitions import Stored
    from fusion_billing.dynamodb.catalog.targets import Found, Key
    from fusion_billing.dynamodb.keys import DefinitionKind
    from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
    from fusion_billing.dynamodb.state.runs import Run
    from fusion_billing.dynamodb.usage.items import StoredUsageRecord
    from fusion_billing.dynamodb.usage.reading import Selection
    from fusion_billing.dynamodb.usage.single_write import WriteResult
    from fusion_billing.messaging.messages import Job
    from fusion_billing.retry import Deadline


class Catalog(Protocol):
    """Stores metrics and charges (`dynamodb.catalog.definitions.CatalogueStore`)."""

    def metric(self, code: str) -> "Metric | None":
        """Return a metric."""

    def charges(self) -> "dict[str, list[Charge]]":
        """Return the versions of every charge, by code."""

    def stored_metric(self, code: str) -> "Stored[Metric] | None":
        """Return a metric with its stored version."""

    def stored_charge(self, code: str) -> "Stored[tuple[Charge, ...]] | None":
        """Return a charge's versions with their stored version."""

    def metric_page(self, after: str | None, limit: int) -> "tuple[list[Stored[Metric]], str | None]":
        """Return a page of metrics by code, and the code after which the next page begins."""

    def charge_page(self, after: str | None, limit: int) -> "tuple[list[Stored[tuple[Charge, ...]]], str | None]":
        """Return a page of charges by code, and the code after which the next page begins."""

    def history(self, kind: "DefinitionKind", code: str) -> list[dict[str, Any]]:
        """Return the changes of a metric or charge."""

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

    def listing(self, after: str | None, limit: int) -> "tuple[list[Source], str | None]":
        """Return a page of sources by id, and the id after which the next page begins."""


class ApiKeys(Protocol):
    """Stores API keys (`dynamodb.catalog.api_keys.KeyStore`)."""

    def get(self, key_id: str) -> "StoredKey | None":
        """Return a key that is not revoked."""

    def create(self, key_id: str, key: "StoredKey") -> None:
        """Store a key; raises `Conflict` if its source has two keys."""

    def revoke(self, key_id: str, now: datetime) -> None:
        """Revoke a key; raises `NotFound`."""


class UsageReader(Protocol):
    """Reads usage records (`dynamodb.usage.reading.UsageReader`)."""

    def get(self, source: str, key: str) -> "StoredUsageRecord | None":
        """Return a source's record with its history."""

    def page(self, wanted: "Selection", after: str | None, limit: int) -> "tuple[list[StoredUsageRecord], str | None]":
        """Return a page of a pair's records by window start, and the cursor of the next page."""

    def quantities(self, wanted: "Selection") -> "Iterator[tuple[str, Decimal]]":
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

    def pages(
        self, hour: datetime, shard: int, *, after: str | None = None, limit: int = 500
    ) -> "Iterator[list[ChangedPair]]":
        """Yield the pairs marked in an hour's shard."""


class Statements(Protocol):
    """Reads statements (`dynamodb.ratings.statements.StatementStore`)."""

    def get(self, subscription: str, period_start: datetime) -> dict[str, Any] | None:
        """Return a statement; raises `TamperedStatement`."""

    def page(
        self, subscription: str, after: datetime | None, limit: int
    ) -> tuple[list[dict[str, Any]], datetime | None]:
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

    def listing(self, shard: int, after: str | None, limit: int) -> "tuple[Sequence[Listed], str | None]":
        """Return a page of one shard's subscriptions by id, and the id after which the next page begins."""
