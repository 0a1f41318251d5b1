"""Ports of the admin function for usage records: what its services need from the outside."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from decimal import Decimal

    from fusion_billing.dynamodb.catalog.targets import Found, Key
    from fusion_billing.dynamodb.usage.items import StoredUsageRecord
    from fusion_billing.dynamodb.usage.results import WriteResult
    from fusion_billing.dynamodb.usage.selection import Selection
    from fusion_billing.rating.records import Record
    from fusion_billing.retry import Deadline


class UsageReader(Protocol):
    """Reads usage records (`dynamodb.usage.reading.UsageReader`)."""

    def get(self, source: str, key: str) -> "StoredUsageRecord | None":
        """Return a source's record with its history."""

    def page(
        self, requested: "Selection", after: str | None, limit: int
    ) -> "tuple[list[StoredUsageRecord], str | None]":
        """Return a page of a pair's records by window start, and the cursor of the next page."""

    def with_history(self, records: "Sequence[StoredUsageRecord]") -> "list[StoredUsageRecord]":
        """Return records of a page with their history and the time they were received."""

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


class RatedRecords(Protocol):
    """Reads a pair's usage records (`dynamodb.usage.pair_records.UsageRecords`)."""

    def between(self, subscription: str, metric: str, start: datetime, end: datetime) -> "Iterator[Record]":
        """Yield the records whose window starts between two instants, by window start."""
