"""Ports of the ingest function: what taking usage records needs from the outside.

The adapters are in `fusion_billing.dynamodb`; `tests.fakes` has in-memory ones.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from fusion_billing.dynamodb.catalog.targets import Found, Key
from fusion_billing.dynamodb.usage.results import WriteResult
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline


class Targets(Protocol):
    """Looks up metrics, subscriptions and sources (`dynamodb.catalog.targets.TargetStore`)."""

    def find(
        self, keys: Iterable[Key], deadline: Deadline, *, fresh: bool = False, aggregations: bool = False
    ) -> Found:
        """Return which of `keys` exist.

        Args:
            keys: What to look up.
            deadline: When to give up; what was not looked up by then is `unknown`.
            fresh: Whether to read everything again instead of answering from memory.
            aggregations: Whether to return metrics with their aggregations.
        """


class ChangeMarkers(Protocol):
    """Writes change markers (`dynamodb.markers.change_markers.ChangeMarkers`)."""

    def mark(self, markers: Iterable[str], now: datetime, deadline: Deadline) -> set[str]:
        """Write markers, and return those that could not be written before the deadline."""


class SingleWrite(Protocol):
    """Stores one usage record (`dynamodb.usage.single_write.UsageStore`)."""

    def push(self, source: str, record: UsageRecord, at: str, deadline: Deadline) -> WriteResult:
        """Store a record of a source, received at `at`; return its outcome."""


class BatchWrite(Protocol):
    """Stores many usage records (`dynamodb.usage.batch_write.UsageBatch`)."""

    def push(self, source: str, records: Sequence[UsageRecord], at: str, deadline: Deadline) -> list[WriteResult]:
        """Store records of a source under distinct keys; return the outcome of each."""
