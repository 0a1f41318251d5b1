"""The order of things in ingest: targets, then markers, then records; each key in its order."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.ingest.service import Stores, summary, take
from fusion_billing.access.principal import Principal
from fusion_billing.dynamodb.catalog.targets import Found
from fusion_billing.dynamodb.usage.single_write import Answer
from fusion_billing.metering.admission import Target
from fusion_billing.metering.usage_record import UsageRecord
from fusion_billing.retry import Deadline

NOW = datetime(2026, 11, 22, 15, 40, tzinfo=UTC)
ANYONE = Principal("key", "src_a", frozenset({"usage:write"}))


class World:
    """Stores in memory that note what is asked of them, in its order."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.known = {
            ("METRIC", "m"): Target(),
            ("S#1", "SUB"): Target("1", "Pro"),
            ("S#2", "SUB"): Target("2", "Basic"),
        }
        self.memory: dict[tuple[str, str], Target] = {}
        self.unreadable: set[tuple[str, str]] = set()
        self.unmarkable: set[str] = set()
        self.lost: set[str] = set()

    def find(
        self,
        keys: Iterable[tuple[str, str]],
        deadline: Deadline,
        *,
        fresh: bool = False,
        aggregations: bool = False,
    ) -> Found:
        wanted = set(keys)
        self.asked.append(("find", len(wanted)))
        remembered = set() if fresh else wanted & self.memory.keys()
        targets = {key: target for key, target in self.known.items() if key in wanted - self.unreadable}
        targets |= {key: self.memory[key] for key in remembered}
        return Found(targets, wanted & self.unreadable - remembered, remembered)

    def mark(self, markers: Iterable[str], now: datetime, deadline: Deadline) -> set[str]:
        wanted = set(markers)
        self.asked.append(("mark", sorted(wanted)))
        return wanted & self.unmarkable


class One:
    """The single write of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def push(self, source: str, push: UsageRecord, at: str, deadline: Deadline) -> Answer:
        self.world.asked.append(("single", push.key, push.number))
        return Answer("unavailable") if push.key in self.world.lost else Answer("updated", 2)


class Many:
    """The batch write of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def push(self, source: str, pushes: Sequence[UsageRecord], at: str, deadline: Deadline) -> list[Answer]:
        self.world.asked.append(("batch", [push.key for push in pushes]))
        lost = self.world.lost
        return [Answer("unavailable") if push.key in lost else Answer("created", 1) for push in pushes]


@pytest.fixture
def world() -> World:
    return World()


def record(key: str | None = "k", **changes: Any) -> dict[str, Any]:
    made = {
        "subscription": "1",
        "metric": "m",
        "period_start": "2026-11-03T00:00:00Z",
        "period_end": "2026-11-04T00:00:00Z",
        "quantity": "1",
        **changes,
    }
    return made if key is None else {**made, "idempotency_key": key}


def push(world: World, *values: Any, principal: Principal = ANYONE) -> list[tuple[str | None, str]]:
    stores = Stores(world, world, One(world), Many(world), lambda: "made")
    deadline = Deadline(5, lambda: 0.0, lambda _: None)
    return [(r.key, r.outcome) for r in take(stores, principal, values, NOW, deadline)]


def test_pairs_are_marked_before_anything_is_stored(world: World) -> None:
    push(world, record("a"), record("b", subscription="2"))
    assert world.asked == [
        ("find", 3),
        ("mark", ["1#m#2026-11", "2#m#2026-11"]),
        ("batch", ["a", "b"]),
    ]


def test_what_could_not_be_marked_is_not_stored(world: World) -> None:
    world.unmarkable = {"1#m#2026-11"}
    results = push(world, record("a"), record("b", subscription="2"))
    assert results == [("a", "unavailable"), ("b", "updated")]
    assert ("single", "b", "1") in world.asked


def test_what_could_not_be_looked_up_is_unavailable_not_unknown(world: World) -> None:
    world.unreadable = {("S#2", "SUB")}
    results = push(world, record("a"), record("b", subscription="2"), record("c", subscription="3"))
    assert results == [("a", "updated"), ("b", "unavailable"), ("c", "invalid")]


def test_a_batch_of_refused_records_asks_for_nothing(world: World) -> None:
    assert push(world, {}, None) == [(None, "invalid"), (None, "invalid")]
    assert world.asked == []


def test_a_key_s_first_goes_with_the_batch_and_its_later_ones_follow_in_order(world: World) -> None:
    values = [record("a", quantity=1), record("b"), record("a", quantity=2), record("a", quantity=3)]
    results = push(world, *values)
    assert results == [("a", "created"), ("b", "created"), ("a", "updated"), ("a", "updated")]
    assert world.asked[2:] == [("batch", ["a", "b"]), ("single", "a", "2"), ("single", "a", "3")]


def test_what_follows_one_that_was_not_stored_is_not_stored_either(world: World) -> None:
    world.lost = {"a"}
    values = [record("a", quantity=1), record("b"), record("a", quantity=2), record("b", quantity=2)]
    results = push(world, *values)
    assert results == [("a", "unavailable"), ("b", "created"), ("a", "unavailable"), ("b", "updated")]
    assert ("single", "a", "2") not in world.asked


def test_a_refused_record_does_not_hold_up_its_key(world: World) -> None:
    results = push(world, record("a", quantity="-1"), record("a", quantity=2))
    assert results == [("a", "invalid"), ("a", "updated")]


def test_limits_are_the_principal_s(world: World) -> None:
    bound = Principal("key", "src_a", frozenset({"usage:write"}), frozenset({"m"}), frozenset({"Pro"}))
    results = push(world, record("a"), record("b", subscription="2"), principal=bound)
    assert results == [("a", "updated"), ("b", "invalid")]


def test_a_summary_counts_what_there_was(world: World) -> None:
    stores = Stores(world, world, One(world), Many(world), lambda: "made")
    deadline = Deadline(5, lambda: 0.0, lambda _: None)
    values = [record("a"), record("b"), None]
    assert summary(take(stores, ANYONE, values, NOW, deadline)) == {"created": 2, "invalid": 1}
