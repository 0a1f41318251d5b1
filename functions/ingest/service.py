"""The use case of ingest: take usage records in, each counted exactly once, each answered for itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from functions.ingest.admission import Admitting, Targets
from fusion_billing.access.principal import Principal
from fusion_billing.dynamodb.markers.change_markers import marker_of
from fusion_billing.dynamodb.usage.single_write import Answer
from fusion_billing.errors import Fault, Refused
from fusion_billing.instants import rfc3339
from fusion_billing.metering.outcome import CONFLICT, INVALID, UNAVAILABLE, conflicts
from fusion_billing.metering.parsing import parse, readable_key
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline


class Markers(Protocol):
    """Where pairs are marked; `fusion_billing.dynamodb.markers.change_markers.ChangeMarkers` is one."""

    def mark(self, markers: Iterable[str], now: datetime, deadline: Deadline) -> set[str]:
        """Write the markers and return those that could not be written."""


class Single(Protocol):
    """What stores one record; `fusion_billing.dynamodb.usage.single_write.UsageStore` is one."""

    def push(self, source: str, push: UsageRecord, at: str, deadline: Deadline) -> Answer:
        """Store it and return what it came to."""


class Batch(Protocol):
    """What stores many records; `fusion_billing.dynamodb.usage.batch_write.UsageBatch` is one."""

    def push(self, source: str, pushes: Sequence[UsageRecord], at: str, deadline: Deadline) -> list[Answer]:
        """Store them, whose keys are distinct, and return what each came to."""


@dataclass(frozen=True, slots=True)
class Stores:
    """What ingest works with."""

    targets: Targets
    markers: Markers
    single: Single
    batch: Batch
    new_key: Callable[[], str]


@dataclass(slots=True, eq=False)
class Result:
    """What became of one record: `outcome`, and where it was not accepted, why.

    `faults_total` counts the faults where not all of them are in `faults`; `details` are members of the
    answer that go with its code (`ended_at`).
    """

    key: str | None
    outcome: str
    revision: int | None = None
    code: str = ""
    message: str = ""
    faults: tuple[Fault, ...] = ()
    faults_total: int = 0
    details: Mapping[str, str] = field(default_factory=dict)


Place = tuple[str, str]
"""Under which source and key a record is stored."""

_CONFLICT = "the key is bound to another subscription, metric, window or properties"
_UNAVAILABLE = "not stored just now: send it again"


def take(
    stores: Stores,
    principal: Principal,
    values: Sequence[Any],
    now: datetime,
    deadline: Deadline,
    *,
    header_key: str | None = None,
) -> list[Result]:
    """Take records in, in their order, for the source of `principal`; return what became of each.

    `values` are JSON values as `strict_json.loads` gives them; `header_key` is the request's Idempotency-Key,
    for a single record alone. Nothing is raised for a record's sake: one bad record never costs the others.
    """
    intake = _Intake(stores, principal, now, deadline, [None] * len(values))
    for index, value in enumerate(values):
        try:
            intake.pushes[index] = parse(value, stores.new_key, header_key)
        except Refused as refused:
            intake.results[index] = _invalid(readable_key(value), refused.faults, total=refused.total)
    if intake.pushes:
        intake.admit()
        intake.mark()
        intake.store()
    return [result or _unavailable(None) for result in intake.results]


@dataclass(slots=True, eq=False)
class _Intake:
    """The records of one request on their way: `pushes` still to be answered, `results` of those that are."""

    stores: Stores
    principal: Principal
    now: datetime
    deadline: Deadline
    results: list[Result | None]
    pushes: dict[int, UsageRecord] = field(default_factory=dict)

    def admit(self) -> None:
        """Answer what can't be counted: aimed at nothing, at what is another's, or outside its life."""
        admitting = Admitting(self.stores.targets, self.principal, self.deadline)
        for index, refusal in admitting.refusals(self.pushes).items():
            key = self.pushes[index].key
            if refusal is None:
                self._answer(index, _unavailable(key))
            else:
                self._answer(index, _invalid(key, refusal.faults, details=refusal.details))

    def mark(self) -> None:
        """Mark the pairs; answer what could not be marked, since it would be stored unseen."""
        markers = {marker_of(push) for push in self.pushes.values()}
        unmarked = self.stores.markers.mark(markers, self.now, self.deadline)
        for index, push in list(self.pushes.items()) if unmarked else ():
            if marker_of(push) in unmarked:
                self._answer(index, _unavailable(push.key))

    def store(self) -> None:
        """Store the rest: each key's first all together, its later ones after it, in their order."""
        firsts: dict[Place, int] = {}
        later: list[int] = []
        for index, push in self.pushes.items():
            if firsts.setdefault((push.source, push.key), index) != index:
                later.append(index)
        at = rfc3339(self.now)
        lost = self._store_firsts(list(firsts.values()), at)
        for index in later:
            push = self.pushes[index]
            place = push.source, push.key
            # Where one could not be stored, those after it wait too: sent again, they keep their order.
            answer = Answer(UNAVAILABLE)
            if place not in lost:
                answer = self.stores.single.push(push.source, push, at, self.deadline)
            if answer.outcome == UNAVAILABLE:
                lost.add(place)
            self.results[index] = _result(push, answer)

    def _store_firsts(self, order: list[int], at: str) -> set[Place]:
        """Store the records at the places in `order`, all under different keys; return those not stored."""
        by_source: dict[str, list[int]] = {}
        for index in order:
            by_source.setdefault(self.pushes[index].source, []).append(index)
        lost = set()
        for source, indexes in by_source.items():
            pushes = [self.pushes[index] for index in indexes]
            if len(pushes) == 1:
                answers = [self.stores.single.push(source, pushes[0], at, self.deadline)]
            else:
                answers = self.stores.batch.push(source, pushes, at, self.deadline)
            for index, push, answer in zip(indexes, pushes, answers, strict=True):
                self.results[index] = _result(push, answer)
                if answer.outcome == UNAVAILABLE:
                    lost.add((source, push.key))
        return lost

    def _answer(self, index: int, result: Result) -> None:
        self.results[index] = result
        del self.pushes[index]


def _result(push: UsageRecord, answer: Answer) -> Result:
    if answer.outcome == CONFLICT:
        faults = conflicts(answer.stored_target, push)
        message = f"{_CONFLICT}: {faults[0].field}, {faults[0].message}"
        return Result(push.key, CONFLICT, answer.revision, "conflict", message, faults, len(faults))
    if answer.outcome == UNAVAILABLE:
        return _unavailable(push.key)
    return Result(push.key, answer.outcome, answer.revision)


def _unavailable(key: str | None) -> Result:
    return Result(key, UNAVAILABLE, None, "unavailable", _UNAVAILABLE)


_OWN_CODES = {
    "unknown_metric",
    "unknown_subscription",
    "unknown_source",
    "source_not_allowed",
    "metric_not_allowed",
    "before_start",
    "subscription_ended",
    "window_too_long",
    "out_of_range",
}


def _invalid(
    key: str | None, faults: tuple[Fault, ...], *, total: int = 0, details: Mapping[str, str] | None = None
) -> Result:
    first, total = faults[0], total or len(faults)
    code = first.code if first.code in _OWN_CODES else "invalid"
    message = f"{first.field}: {first.message}" if first.field else first.message
    if total > 1:
        message += f" (the first of {total} faults)"
    return Result(key, INVALID, None, code, message, faults, total, details or {})


def summary(results: Iterable[Result]) -> Mapping[str, int]:
    """Return how many records came to each outcome, those that none came to left out."""
    counts: dict[str, int] = {}
    for result in results:
        counts[result.outcome] = counts.get(result.outcome, 0) + 1
    return counts
