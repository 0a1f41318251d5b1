"""The ports that store and read usage records: `FakeUsage` and the usage table have the same outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import pytest

from functions.ingest.ports import BatchWrite, SingleWrite
from functions.rate.ports import UsageRecords
from fusion_billing.dynamodb.usage import pair_records
from fusion_billing.dynamodb.usage.batch_write import UsageBatch
from fusion_billing.dynamodb.usage.metric_keying import MetricKeying
from fusion_billing.dynamodb.usage.results import WriteResult
from fusion_billing.dynamodb.usage.single_write import UsageStore
from fusion_billing.instants import sortable
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.rating.records import Record
from fusion_billing.retry import Deadline
from local.tables import Tables
from tests.fakes.usage import FakeUsage
from tests.window_records import Keyed, keyed_by_window, name_of, note_by_window

pytestmark = pytest.mark.integration

RECEIVED_AT = "2026-11-22T15:40:07Z"
NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


@dataclass
class Usage:
    """The usage table as its users see it."""

    single: SingleWrite
    batch: BatchWrite
    reader: UsageRecords
    deadline: Deadline
    keyed: Keyed = "key"

    def push(self, *pushed: UsageRecord, way: "Way" = "single", source: str = "src_1") -> list[WriteResult]:
        records = list(pushed) if self.keyed == "key" else [keyed_by_window(record) for record in pushed]
        if way == "batch":
            return self.batch.push(source, records, RECEIVED_AT, self.deadline)
        return [self.single.push(source, record, RECEIVED_AT, self.deadline) for record in records]

    def stored(self, start: datetime = NOVEMBER, end: datetime = DECEMBER) -> list[Record]:
        """Return the records that count, under the names that they were made with."""
        return [self._named(record) for record in self.reader.between("42", "api_calls", start, end)]

    def _named(self, record: Record) -> Record:
        if self.keyed == "window":
            source, _, key = record.key.partition("#")
            assert key.startswith("window~42~api_calls~202611")
            return replace(record, key=f"{source}#{name_of(key)}")
        return record


Way = Literal["single", "batch"]


@pytest.fixture(params=["key", "window"])
def usage(adapter: str, request: pytest.FixtureRequest, deadline: Deadline) -> Usage:
    keyed: Keyed = request.param
    if adapter == "fake":
        fake = FakeUsage()
        return Usage(fake.single, fake.batch, fake, deadline, keyed)
    client = request.getfixturevalue("dynamodb")
    tables: Tables = request.getfixturevalue("tables")
    if keyed == "window":
        note_by_window(client, tables.catalog, "api_calls", "seats")
    return Usage(
        UsageStore(client, tables.usage, tables.window_usage),
        UsageBatch(client, tables.usage, tables.window_usage),
        pair_records.UsageRecords(client, tables.usage, tables.window_usage, MetricKeying(client, tables.catalog)),
        deadline,
        keyed,
    )


def record(
    quantity: str = "10",
    *,
    key: str = "k1",
    sequence: int | None = None,
    member: str | None = None,
    metric: str = "api_calls",
    day: int = 3,
    properties: str = "",
) -> UsageRecord:
    return UsageRecord(
        key=key,
        key_made=False,
        subscription="42",
        metric=metric,
        start=sortable(datetime(2026, 11, day, tzinfo=UTC)),
        end=sortable(datetime(2026, 11, day + 1, tzinfo=UTC)),
        quantity=Decimal(quantity),
        number=quantity,
        sequence=sequence,
        member=member,
        properties=properties,
    )


def outcomes(results: Sequence[WriteResult]) -> list[tuple[str, int | None]]:
    return [(result.outcome, result.revision) for result in results]


ELSEWHERE = "elsewhere"
"""The outcome of another target under the same key: a conflict, or if the window is part of the key another record."""

SECOND_PUSHES = [
    (record(), record(), "unchanged", 1),
    (record(), record("12.5"), "updated", 2),
    (record(), record("12.5", sequence=1), "updated", 2),
    (record(sequence=3), record("12.5"), "updated", 2),
    (record(sequence=3), record("12.5", sequence=4), "updated", 2),
    (record(sequence=3), record("12.5", sequence=3), "stale", 1),
    (record(sequence=3), record("12.5", sequence=2), "stale", 1),
    (record(sequence=3), record(sequence=2), "unchanged", 1),
    (record(sequence=3), record(sequence=4), "unchanged", 1),
    (record(), record(member="user-1"), "updated", 2),
    (record(member="user-1"), record(), "updated", 2),
    (record(member="user-1"), record(member="user-1"), "unchanged", 1),
    (record(), record(properties='{"region":"eu"}'), "conflict", 1),
    (record(), record(metric="seats"), ELSEWHERE, 1),
    (record(), record(day=4), ELSEWHERE, 1),
]


@pytest.mark.parametrize("way", ["single", "batch"])
@pytest.mark.parametrize("case", SECOND_PUSHES)
def test_a_second_push_under_a_key_has_the_outcome_of_the_table(
    usage: Usage, way: Way, case: tuple[UsageRecord, UsageRecord, str, int]
) -> None:
    first, second, outcome, revision = case
    if outcome == ELSEWHERE:
        outcome = "conflict" if usage.keyed == "key" else "created"
    other = record(key="k0")

    assert outcomes(usage.push(other, first, way=way)) == [("created", 1), ("created", 1)]
    results = usage.push(other, second, way=way)

    assert outcomes(results) == [("unchanged", 1), (outcome, revision)]
    assert results[1].stored_target == (first.target if outcome == "conflict" else "")
    counted = second if outcome == "updated" else first
    stored = next(stored for stored in usage.stored() if stored.key == "src_1#k1")
    assert (stored.quantity, stored.member, stored.revision) == (counted.quantity, counted.member, revision)


THIRD_PUSHES = [
    # The same quantity under a newer sequence moves the sequence, so a late record in between is stale.
    (record(sequence=1), record(sequence=9), record("12", sequence=5), "stale"),
    (record(), record(sequence=9), record("12", sequence=5), "stale"),
    # A push without a sequence leaves the stored sequence.
    (record(sequence=9), record("12"), record("13", sequence=5), "stale"),
    (record(sequence=9), record("12"), record("13", sequence=10), "updated"),
    (record(sequence=9), record("12", sequence=3), record("13", sequence=9), "stale"),
]


@pytest.mark.parametrize("way", ["single", "batch"])
@pytest.mark.parametrize("case", THIRD_PUSHES)
def test_the_newest_sequence_of_a_key_counts(
    usage: Usage, way: Way, case: tuple[UsageRecord, UsageRecord, UsageRecord, str]
) -> None:
    first, second, third, outcome = case
    other = record(key="k0")
    usage.push(other, first, way=way)
    usage.push(other, second, way=way)

    assert usage.push(other, third, way=way)[1].outcome == outcome


@pytest.mark.parametrize("way", ["single", "batch"])
def test_sources_do_not_share_keys(usage: Usage, way: Way) -> None:
    records = [record(), record(key="k2", day=4)]

    first, second = (usage.push(*records, way=way, source=source) for source in ("src_1", "src_2"))

    assert outcomes(first) == outcomes(second) == [("created", 1), ("created", 1)]
    assert len(usage.stored()) == 4


def test_a_batch_of_new_changed_and_bound_keys_has_a_result_for_each_in_order(usage: Usage) -> None:
    usage.push(record(key="same"), record(key="changed"), record(key="bound"), record(key="late", sequence=5))

    results = usage.push(
        record(key="new"),
        record("12", key="changed"),
        record(key="bound", properties='{"region":"eu"}'),
        record("12", key="late", sequence=4),
        record(key="same"),
        way="batch",
    )

    assert outcomes(results) == [("created", 1), ("updated", 2), ("conflict", 1), ("stale", 1), ("unchanged", 1)]


def test_records_are_read_by_the_start_of_their_windows(usage: Usage) -> None:
    usage.push(record("3", key="c", day=20), record("1", key="a", day=1), record("2", key="b", day=2))

    assert [stored.key for stored in usage.stored()] == ["src_1#a", "src_1#b", "src_1#c"]
    second, twentieth = (datetime(2026, 11, day, tzinfo=UTC) for day in (2, 20))
    assert [stored.key for stored in usage.stored(second, twentieth)] == ["src_1#b"]
    assert list(usage.reader.between("42", "seats", NOVEMBER, DECEMBER)) == []


def test_a_record_is_read_with_its_member_and_properties(usage: Usage) -> None:
    usage.push(record(member="user-1", properties='{"region":"eu"}'))

    (stored,) = usage.stored()
    assert (stored.member, stored.properties) == ("user-1", {"region": "eu"})


@pytest.mark.parametrize("way", ["single", "batch"])
def test_a_window_is_read_from_the_very_instant_that_it_starts(usage: Usage, way: Way) -> None:
    at, half, after = (datetime(2026, 11, 3, 0, 0, 0, part, tzinfo=UTC) for part in (0, 500_000, 500_001))
    starts = {"at": at, "half": half, "after": after}
    records = [replace(record(key=name), start=sortable(start)) for name, start in starts.items()]

    usage.push(*records, way=way)

    assert [stored.key for stored in usage.stored()] == ["src_1#at", "src_1#half", "src_1#after"]
    assert [stored.window_start for stored in usage.stored()] == [at, half, after]
    assert {stored.window_end for stored in usage.stored()} == {datetime(2026, 11, 4, tzinfo=UTC)}
    assert [stored.key for stored in usage.stored(at, half)] == ["src_1#at"]
    assert [stored.key for stored in usage.stored(half, after)] == ["src_1#half"]
    assert [stored.key for stored in usage.stored(after)] == ["src_1#after"]
