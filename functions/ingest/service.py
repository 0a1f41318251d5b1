"""Take usage records: count each exactly once, and return a result for each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from functions.ingest.admission import RecordAdmission
from functions.ingest.ports import BatchWrite, ChangeMarkers, SingleWrite, Targets
from functions.ingest.result import Result, conflict, invalid, unavailable
from fusion_billing.access.principal import Principal
from fusion_billing.dynamodb.markers.change_markers import late_before, marker_of
from fusion_billing.dynamodb.usage.results import WriteResult
from fusion_billing.errors import Refused
from fusion_billing.instants import rfc3339
from fusion_billing.metering.outcome import CONFLICT, UNAVAILABLE
from fusion_billing.metering.parsing import parse, readable_key
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline


@dataclass(frozen=True, slots=True)
class Stores:
    """The adapters of ingest; `new_key` makes an idempotency key for a record without one."""

    targets: Targets
    markers: ChangeMarkers
    single: SingleWrite
    batch: BatchWrite
    new_key: Callable[[], str]


RecordKey = tuple[str, str]
"""The source and the idempotency key that a record is stored under."""


def take(
    stores: Stores,
    principal: Principal,
    values: Sequence[object],
    now: datetime,
    deadline: Deadline,
    *,
    header_key: str | None = None,
) -> list[Result]:
    """Take usage records in their order, and return the result of each.

    Nothing is raised because of a record: a bad record never costs the others.

    Args:
        stores: The adapters.
        principal: Who sends the records; they are stored for its source.
        values: The records, JSON values as `strict_json.loads` returns them.
        now: The present instant.
        deadline: When to give up; what is not stored by then has the outcome `unavailable`.
        header_key: The Idempotency-Key header of a request with one record.
    """
    intake = _Intake(stores, principal, now, deadline, [None] * len(values))
    for index, value in enumerate(values):
        try:
            intake.records[index] = parse(value, stores.new_key, header_key)
        except Refused as refused:
            intake.results[index] = invalid(readable_key(value), refused.faults, total=refused.total)
    if intake.records:
        intake.admit()
        intake.mark()
        intake.store()
    return [result or unavailable(None) for result in intake.results]


@dataclass(slots=True, eq=False)
class _Intake:
    """The records of one request: `records` by index without a result yet, and `results` by index."""

    stores: Stores
    principal: Principal
    now: datetime
    deadline: Deadline
    results: list[Result | None]
    records: dict[int, UsageRecord] = field(default_factory=dict)

    def admit(self) -> None:
        """Refuse records of unknown targets, of targets that are not the sender's, or outside their lifetime."""
        admission = RecordAdmission(self.stores.targets, self.principal, self.deadline)
        for index, refusal in admission.refusals(self.records).items():
            record = self.records[index]
            key = record.key
            if refusal is None:
                # Where the key comes from is not known: a record without one is sent again without one.
                self._finish(index, unavailable(None if record.key_made else key))
            else:
                self._finish(index, invalid(key, refusal.faults, details=refusal.details))

    def mark(self) -> None:
        """Write change markers first: a record stored without its marker would never be rated."""
        late = late_before(self.now)
        markers = {index: marker_of(record, late) for index, record in self.records.items()}
        unmarked = self.stores.markers.mark(set(markers.values()), self.now, self.deadline)
        for index, marker in markers.items() if unmarked else ():
            if marker in unmarked:
                self._finish(index, unavailable(self.records[index].key))

    def store(self) -> None:
        """Store the first record of each key in a batch, then later records of the same keys in their order."""
        firsts: dict[RecordKey, int] = {}
        later: list[int] = []
        for index, record in self.records.items():
            if firsts.setdefault((record.source, record.key), index) != index:
                later.append(index)
        received_at = rfc3339(self.now)
        unstored = self._store_firsts(list(firsts.values()), received_at)
        for index in later:
            record = self.records[index]
            key = record.source, record.key
            # After a record that could not be stored, later ones of its key wait: sent again, they keep their order.
            write_result = WriteResult(UNAVAILABLE)
            if key not in unstored:
                write_result = self.stores.single.push(record.source, record, received_at, self.deadline)
            if write_result.outcome == UNAVAILABLE:
                unstored.add(key)
            self.results[index] = _result(self.principal, record, write_result)

    def _store_firsts(self, indexes: list[int], received_at: str) -> set[RecordKey]:
        """Store records under distinct keys; return the keys of those that could not be stored."""
        by_source: dict[str, list[int]] = {}
        for index in indexes:
            by_source.setdefault(self.records[index].source, []).append(index)
        unstored = set()
        for source, own in by_source.items():
            records = [self.records[index] for index in own]
            if len(records) == 1:
                written = [self.stores.single.push(source, records[0], received_at, self.deadline)]
            else:
                written = self.stores.batch.push(source, records, received_at, self.deadline)
            for index, record, write_result in zip(own, records, written, strict=True):
                self.results[index] = _result(self.principal, record, write_result)
                if write_result.outcome == UNAVAILABLE:
                    unstored.add((source, record.key))
        return unstored

    def _finish(self, index: int, result: Result) -> None:
        self.results[index] = result
        del self.records[index]


def _result(principal: Principal, record: UsageRecord, write_result: WriteResult) -> Result:
    if write_result.outcome == CONFLICT:
        return conflict(principal, record, write_result.stored_target, write_result.revision)
    if write_result.outcome == UNAVAILABLE:
        return unavailable(record.key)
    return Result(record.key, write_result.outcome, write_result.revision)


def summary(results: Iterable[Result]) -> Mapping[str, int]:
    """Return how many records have each outcome; outcomes without records are left out."""
    counts: dict[str, int] = {}
    for result in results:
        counts[result.outcome] = counts.get(result.outcome, 0) + 1
    return counts
