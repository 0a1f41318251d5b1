"""Usage records: written as ingest writes them, read as rating reads them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fusion_billing.dynamodb.usage.single_write import Answer
from fusion_billing.metering.outcome import (
    CONFLICT,
    CREATED,
    STALE,
    UNAVAILABLE,
    UNCHANGED,
    Stored,
    decide,
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

    def write(self, source: str, record: UsageRecord) -> Answer:
        """Store a record; return its outcome as the table of `metering.outcome` has it."""
        if record.key in self.unwritable:
            return Answer(UNAVAILABLE)
        key = source, record.key
        before = self.records.get(key)
        revision = self.revisions.get(key, 0)
        stored = None if before is None else _stored(before, revision)
        outcome = decide(stored, record)
        if outcome == CONFLICT and before is not None:
            return Answer(outcome, revision, before.target)
        if outcome in {STALE, UNCHANGED}:
            return Answer(outcome, revision)
        self.records[key] = record
        self.revisions[key] = 1 if outcome == CREATED else revision + 1
        return Answer(outcome, self.revisions[key])

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
            _read(key, record, self.revisions[source, key])
            for (source, key), record in self.records.items()
            if (record.subscription, record.metric) == (subscription, metric)
        ]
        for record in sorted(found, key=lambda record: (record.window_start, record.key)):
            if start <= record.window_start < end:
                yield record


@dataclass(frozen=True)
class _SingleWrite:
    usage: FakeUsage

    def push(self, source: str, push: UsageRecord, at: str, deadline: Deadline) -> Answer:
        self.usage.log.append(("single", [push.key]))
        return self.usage.write(source, push)


@dataclass(frozen=True)
class _BatchWrite:
    usage: FakeUsage

    def push(self, source: str, pushes: Sequence[UsageRecord], at: str, deadline: Deadline) -> list[Answer]:
        self.usage.log.append(("batch", [record.key for record in pushes]))
        return [self.usage.write(source, record) for record in pushes]


def _stored(record: UsageRecord, revision: int) -> Stored:
    return Stored(record.target, record.quantity, record.sequence, record.member, revision)


def _read(key: str, record: UsageRecord, revision: int) -> Record:
    properties: dict[str, str] | None = json.loads(record.properties) if record.properties else None
    start, end = datetime.fromisoformat(record.start), datetime.fromisoformat(record.end)
    return Record(key, start, end, record.quantity, record.member, properties, revision)
