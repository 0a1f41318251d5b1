"""Rate limits of keys: over one container, over many, and while the shared counter does not respond."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from fusion_billing.access.rate_limit import BURST_SECONDS, SLOT_SECONDS, RateLimiter
from fusion_billing.errors import TooManyRequests

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Counts:
    """The shared counters; `writes` are the calls by key."""

    totals: Counter[tuple[str, int]] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    is_down: bool = False

    def add(self, key_id: str, slot: int, count: int) -> int | None:
        self.writes[key_id] += 1
        if self.is_down:
            return None
        self.totals[key_id, slot] += count
        return self.totals[key_id, slot]


@dataclass
class Clock:
    """Seconds since the start."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


@dataclass
class Fleet:
    """Containers that share counters; each serves one request at a time."""

    limit: int
    clock: Clock = field(default_factory=Clock)
    counts: Counts = field(default_factory=Counts)
    containers: dict[int, RateLimiter] = field(default_factory=dict)
    waits: set[int] = field(default_factory=set)

    def request(self, container: int, key: str = "key") -> bool:
        limiter = self.containers.setdefault(container, RateLimiter(self.counts, self.clock, self.limit))
        try:
            limiter.check(key, None, self.clock.now)
        except TooManyRequests as refused:
            self.waits.add(refused.retry_after)
            return False
        return True

    def run(self, containers: int, each: float, seconds: float, key: str = "key") -> list[int]:
        """Send `each` requests a second to every container; return how many of each second were accepted."""
        accepted = [0] * int(seconds)
        start = self.clock.seconds
        due = [(start + number / (each * containers), number) for number in range(containers)]
        heapq.heapify(due)
        while due:
            at, container = heapq.heappop(due)
            if at >= start + seconds:
                continue
            self.clock.seconds = at
            accepted[int(at - start)] += self.request(container, key)
            heapq.heappush(due, (at + 1 / each, container))
        self.clock.seconds = start + seconds
        return accepted


def test_a_key_below_its_limit_is_never_refused_and_a_slow_one_never_counted_in_the_database() -> None:
    fleet = Fleet(limit=100)
    assert sum(fleet.run(1, 5, 20)) in {100, 101}
    assert fleet.counts.writes["key"] <= 10
    calm = Fleet(limit=100)
    for _ in range(9):
        calm.request(0)
    assert not calm.counts.writes


def test_one_container_accepts_a_burst_and_then_its_limit() -> None:
    fleet = Fleet(limit=10)
    accepted = fleet.run(1, 100, 20)
    assert sum(accepted) <= 10 * 20 + 10 * BURST_SECONDS + 1
    assert all(9 <= second <= 11 for second in accepted[4:])
    assert all(1 <= seconds <= SLOT_SECONDS for seconds in fleet.waits)


@pytest.mark.parametrize("containers", [2, 10, 50])
def test_the_limit_holds_over_containers_within_the_documented_bound(containers: int) -> None:
    limit, seconds = 100, 40
    fleet = Fleet(limit)
    accepted = fleet.run(containers, 60, seconds)
    first, steady = accepted[:5], accepted[5:]
    assert sum(first) <= containers * 60 * 3 + limit * 5
    assert sum(steady) <= limit * len(steady) * 1.15
    assert sum(steady) >= limit * len(steady) * 0.7
    assert fleet.counts.writes["key"] <= containers * (seconds + 1)


def test_containers_that_share_a_key_unevenly_use_its_whole_limit() -> None:
    fleet = Fleet(limit=100)
    accepted = 0
    for step in range(30 * 200):
        fleet.clock.seconds = step / 200
        container = 0 if step % 10 else 1  # one has nine tenths of the requests
        taken = fleet.request(container)
        accepted += taken if fleet.clock.seconds >= 10 else 0
    assert 75 * 20 <= accepted <= 115 * 20


def test_one_key_does_not_slow_another() -> None:
    fleet = Fleet(limit=20)
    for step in range(5_000):
        fleet.clock.seconds = step / 500
        fleet.request(0, "runaway")
        if step % 50 == 0:
            assert fleet.request(0, "calm")


def test_a_key_that_calms_down_has_its_whole_limit_again() -> None:
    fleet = Fleet(limit=100)
    fleet.run(10, 60, 15)
    fleet.run(10, 2, 15)
    assert sum(fleet.run(1, 90, 5)) >= 90 * 5 * 0.95


def test_without_the_shared_counter_the_limit_holds_for_each_container() -> None:
    fleet = Fleet(limit=50)
    fleet.counts.is_down = True
    accepted = fleet.run(2, 200, 20)
    assert all(98 <= second <= 102 for second in accepted[4:])


def test_the_limit_of_the_source_takes_the_place_of_the_default() -> None:
    clock = Clock()
    limiter = RateLimiter(Counts(), clock, 1_000)
    accepted = 0
    for _ in range(100):
        try:
            limiter.check("key", 1, clock.now)
        except TooManyRequests:
            continue
        accepted += 1
    assert accepted == 2


def test_a_default_of_zero_limits_and_counts_no_key_without_a_limit_of_its_own() -> None:
    fleet = Fleet(limit=0)
    assert all(fleet.request(0) for _ in range(1_000))
    assert not fleet.counts.writes


def test_the_smallest_share_is_served_in_the_end() -> None:
    fleet = Fleet(limit=1)
    assert sum(fleet.run(5, 20, 60)) >= 30
