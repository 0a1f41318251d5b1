"""The state table: runs on demand and the planner's watermark."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fusion_billing.dynamodb.state.runs import Run
from fusion_billing.instants import rfc3339
from tests.fakes.clock import START


@dataclass
class FakeRun:
    """A run on demand: its counts, and the parts that are not finished."""

    started_at: datetime
    counts: dict[str, int] = field(default_factory=dict)
    remaining_parts: set[str] = field(default_factory=set)


@dataclass
class FakeRuns:
    """Runs in memory; a part that is finished counts nothing more."""

    runs: dict[str, FakeRun] = field(default_factory=dict)

    def begin(self, run: str, parts: Iterable[str], now: datetime) -> None:
        self.runs[run] = FakeRun(now, remaining_parts=set(parts))

    def get(self, run: str) -> Run | None:
        stored = self.runs.get(run)
        if stored is None:
            return None
        return Run(run, frozenset(stored.remaining_parts), rfc3339(stored.started_at), stored.counts)

    def count(self, run: str, part: str, counts: Mapping[str, int], *, finished: bool) -> None:
        stored = self.runs.get(run)
        if stored is None or part not in stored.remaining_parts:
            return
        for name, count in counts.items():
            stored.counts[name] = stored.counts.get(name, 0) + count
        if finished:
            stored.remaining_parts.discard(part)


@dataclass
class FakePlannerState:
    """The planner's watermarks in memory."""

    planned_until: datetime | None = None
    urgent_until: datetime | None = None
    first_marker: datetime = START
    is_of_earlier_release: bool = False

    def watermark(self) -> datetime | None:
        return self.planned_until

    def urgent_watermark(self) -> datetime | None:
        return None if self.is_of_earlier_release else self.urgent_until or self.planned_until

    def advance(self, hour: datetime | None, *, urgent: datetime | None = None) -> None:
        self.planned_until = hour or self.planned_until
        self.urgent_until = urgent or hour
        self.is_of_earlier_release = False

    def markers_since(self) -> datetime:
        return self.first_marker


@dataclass
class FakeSyncProgress:
    """How far subscriptions were read from Odoo; `reports` are those of the runs that read all that they should."""

    read_until: datetime | None = None
    reports: list[Mapping[str, object]] = field(default_factory=list)

    def since(self) -> datetime | None:
        return self.read_until

    def done(self, since: datetime, report: Mapping[str, object]) -> None:
        if self.read_until is None or since > self.read_until:
            self.read_until = since
            self.reports.append(report)
