"""Usage records: written as ingest writes them, read as rating reads them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from fusion_billing.dynamodb.usage.items import Revision, StoredUsageRecord
from fusion_billing.dynamodb.usage.results import WriteResult
from fusion_billing.dynamodb.usage.selection import Selection
from fusion_billing.metering.outcome import (
    CONFLICT,
    CREATED,
    STALE,
    UNAVAILABLE,
    UNCHANGED,
    VOIDED,
    Stored,
    decide,
    sequence_is_newer,
)
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.rating.records import Record
from fusion_billing.retry import Deadline


@dataclass
class FakeUsage:
    """The usage table in memory.

    `unwritable` are idempotency keys whose records can't be stored. `log` names each write in its order:
    `("single", keys)` or `("batch", keys)`.
    """

    records: dict[tuple[str, str], UsageRecord] = field(default_factory=dict)
    revisions: dict[tuple[str, str], int] = field(default_factory=dict)
    unwritable: set[str] = field(default_factory=set)
    log: list[tuple[str, list[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.single = _SingleWrite(self)
        self.batch = _BatchWrite(self)

    def write(self, source: str, record: UsageRecord) -> WriteResult:
        """Store a record; return its outcome as the table of `metering.outcome` has it."""
        if record.key in self.unwritable:
            return WriteResult(UNAVAILABLE)
        key = source, record.key
        before = self.records.get(key)
        revision = self.revisions.get(key, 0)
        stored = None if before is None else _stored(before, revision)
        outcome = decide(stored, record)
        if outcome == CONFLICT and before is not None:
            return WriteResult(outcome, revision, before.target)
        if before is not None and outcome in {STALE, UNCHANGED}:
            if stored is not None and outcome == UNCHANGED and sequence_is_newer(stored, record):
                self.records[key] = replace(before, sequence=record.sequence)
            return WriteResult(outcome, revision)
        # A push without a sequence leaves the stored one.
        sequence = before.sequence if before is not None and record.sequence is None else record.sequence
        self.records[key] = replace(record, sequence=sequence)
        self.revisions[key] = 1 if outcome == CREATED else revision + 1
        return WriteResult(outcome, self.revisions[key])

    def add(self, record: Record, subscription: str = "42", metric: str = "api_calls") -> None:
        """Store a record that rating is to find."""
        self.write(
            "src_1",
            UsageRecord(
                key=record.key,
                key_made=False,
                subscription=subscription,
                metric=metric,
                start=record.window_start.isoformat(),
                end=record.window_end.isoformat(),
                quantity=record.quantity,
                number=str(record.quantity),
                member=record.member,
                properties=json.dumps(record.properties) if record.properties else "",
            ),
        )

    def between(self, subscription: str, metric: str, start: datetime, end: datetime) -> Iterator[Record]:
        found = [
            _read(f"{source}#{key}", record, self.revisions[source, key])
            for (source, key), record in self.records.items()
            if (record.subscription, record.metric) == (subscription, metric)
        ]
        for record in sorted(found, key=lambda record: (record.window_start, record.key)):
            if start <= record.window_start < end:
                yield record


@dataclass
class FakeUsageReader:
    """The usage table, to look at and to void records in."""

    items: dict[tuple[str, str], StoredUsageRecord] = field(default_factory=dict)
    is_throttled: bool = False

    def get(self, source: str, key: str) -> StoredUsageRecord | None:
        return self.items.get((source, key))

    def page(self, wanted: Selection, after: str | None, limit: int) -> tuple[list[StoredUsageRecord], str | None]:
        found = sorted(self._selected(wanted), key=lambda record: (record.start, record.key))
        rest = [record for record in found if after is None or record.key > after]
        return rest[:limit], rest[limit - 1].key if len(rest) > limit else None

    def with_history(self, records: Sequence[StoredUsageRecord]) -> list[StoredUsageRecord]:
        return list(records)

    def quantities(self, wanted: Selection) -> Iterator[tuple[str, Decimal]]:
        for record in self._selected(wanted):
            yield record.key, record.quantity

    def void(
        self, record: StoredUsageRecord, at: str, deadline: Deadline, *, actor: str, reason: str = ""
    ) -> WriteResult:
        if self.is_throttled:
            return WriteResult(UNAVAILABLE)
        revision = record.revision + 1
        entry = Revision(revision, None, None, None, at, reason, actor)
        voided = replace(record, voided=True, revision=revision, history=(*record.history, entry))
        self.items[record.source, record.key] = voided
        return WriteResult(VOIDED, revision)

    def _selected(self, wanted: Selection) -> list[StoredUsageRecord]:
        return [
            record
            for record in self.items.values()
            if (record.subscription, record.metric) == (wanted.subscription, wanted.metric)
            and record.voided == wanted.voided
            and wanted.source in {None, record.source}
            and (wanted.start is None or datetime.fromisoformat(record.start) >= wanted.start)
            and (wanted.end is None or datetime.fromisoformat(record.start) < wanted.end)
        ]


@dataclass(frozen=True)
class _SingleWrite:
    usage: FakeUsage

    def push(self, source: str, record: UsageRecord, at: str, deadline: Deadline) -> WriteResult:
        self.usage.log.append(("single", [record.key]))
        return self.usage.write(source, record)


@dataclass(frozen=True)
class _BatchWrite:
    usage: FakeUsage

    def push(self, source: str, records: Sequence[UsageRecord], at: str, deadline: Deadline) -> list[WriteResult]:
        self.usage.log.append(("batch", [record.key for record in records]))
        return [self.usage.write(source, record) for record in records]


def _stored(record: UsageRecord, revision: int) -> Stored:
    return Stored(record.target, record.quantity, record.sequence, record.member, revision)


def _read(key: str, record: UsageRecord, revision: int) -> Record:
    properties: dict[str, str] | None = json.loads(record.properties) if record.properties else None
    start, end = datetime.fromisoformat(record.start), datetime.fromisoformat(record.end)
    return Record(key, start, end, record.quantity, record.member, properties, revision)
