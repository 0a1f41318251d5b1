"""Measure an hour of rating: planner and worker as deployed, on DynamoDB Local, in this process's CPU.

The engine is a process of its own. The floor of each figure is the bare client making the same calls in the same
minute. Above it is our own work; below it is what we save the client.
"""

import gc
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fusion_billing.messaging.messages import rating_job
from tests.bench.bare import recorded, repeated
from tests.bench.harness import Figure, Progress, by_turns, cpu_ms, ratio, repeated_ratio, spread
from tests.bench.world import METRICS, Pair, World, engine, pairs_of

_SUBSCRIPTIONS, _RECORDS = 1_000, 30
_CHANGED = 100
_GROWTH, _FULL_GROWTH = (1_000, 10_000), (1_000, 10_000, 100_000)
_ROWS = {30: 24, 300: 8, 3_000: 3}
"""How many pairs are rated of each number of rows."""
_PAIR_BOUND = 2.5
_PUT_OF_THE_BOUND = 0.67
"""What a bare put_item took, in ms, on the machine the bound was set for: in puts it holds on any."""
_PUTS = 25
_FLAT = 1.2
_ROUNDS = 7
_EVERY = 4
"""One message in so many is made again bare: the engine's time, not ours, is what that costs."""
_BARE = "the same calls, bare"


def run(*, full: bool) -> list[Figure]:
    """Measure hours in which everything, nothing or a little changed, records per pair, and growth."""
    sizes = _FULL_GROWTH if full else _GROWTH
    progress = Progress("rating", 6 + len(_ROWS) + len(sizes) + 2 * _ROUNDS)
    with engine() as url:
        figures = _hours(World(url), progress)
        figures += _rows(World(url), progress)
        return figures + _growth(url, sizes, progress)


@dataclass(slots=True)
class _Hour:
    """The CPU of the messages of an hour, in milliseconds per pair, and that of the repeated bare calls."""

    pairs: int = 0
    written: int = 0
    own: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    puts: list[float] = field(default_factory=list)

    def figures(self, name: str, bound: float | None) -> list[Figure]:
        mine = statistics.median(self.own)
        puts = list(zip(self.own, self.puts, strict=True))
        in_puts = None if bound is None else round(bound / _PUT_OF_THE_BOUND, 2)
        return [
            Figure("rating", name, mine, "ms", mine, bound=bound, spread=spread(self.own)),
            repeated_ratio("rating", name, "ms", puts, counterpart="one bare put_item", bound=in_puts),
            self.against_bare(name),
        ]

    def against_bare(self, name: str) -> Figure:
        mine, floor = statistics.median(self.own), statistics.median(self.bare)
        times = statistics.median(self.ratios)
        return Figure("rating", name, times, "ms", mine, _BARE, floor, spread=spread(self.ratios))


def _hours(world: World, progress: Progress) -> list[Figure]:
    ids = [str(number) for number in range(1, _SUBSCRIPTIONS + 1)]
    pairs = pairs_of(ids)
    world.add_subscriptions(ids)
    world.add_usage(pairs, _RECORDS)
    progress.step(f"{len(pairs):,} pairs of {_RECORDS} records are loaded")
    world.mark(pairs)
    new = _hour(world, len(pairs))
    progress.step("every pair is new")
    changed = _Hour()
    for quantity in (100, 200):
        world.change(pairs, _RECORDS, quantity)
        _hour(world, len(pairs), changed)
        progress.step("every pair changed")
    world.mark(pairs)
    same = _hour(world, 0)
    progress.step("every pair marked, none changed")
    figures = new.figures("a new pair of 30 records", None)
    figures += changed.figures("a changed pair of 30 records", _PAIR_BOUND)
    figures += same.figures("a marked pair that did not change", None)
    figures += _quiet_hour(world, progress)
    return figures


def _hour(world: World, written: int, hour: _Hour | None = None) -> _Hour:
    """Plan and work an hour; `written` is the number of ratings that it must write."""
    hour = hour or _Hour()
    worker, before = world.worker(), hour.written
    messages = world.plan()
    for place, message in enumerate(messages):
        with recorded(world.client) as calls:
            gc.collect()
            began = time.process_time()
            statistics = worker.do(rating_job(message), has_time=_always)
            spent = (time.process_time() - began) * 1000
        assert not statistics.failed, "a pair could not be rated"
        hour.written += statistics.changed
        hour.pairs += statistics.evaluated
        if not statistics.evaluated:
            continue
        hour.own.append(spent / statistics.evaluated)
        hour.puts.append(_put(world))
        if place % _EVERY == 0 or 0 < written < len(messages) * _EVERY:
            gc.collect()
            bare = cpu_ms(repeated(world.client, calls))
            hour.bare.append(bare / statistics.evaluated)
            hour.ratios.append(spent / bare)
    assert hour.written - before == written, f"{hour.written - before} ratings were written, not {written}"
    return hour


def _put(world: World) -> float:
    """Return the current CPU of a bare put_item, in milliseconds."""
    item = {"pk": {"S": "BENCH"}, "doc": {"S": "x" * 300}, "q": {"N": "12.5"}}

    def work() -> None:
        for _ in range(_PUTS):
            world.client.put_item(TableName=world.tables.state, Item=item)

    return cpu_ms(work) / _PUTS


def _quiet_hour(world: World, progress: Progress) -> list[Figure]:
    """Measure an hour without pushes: the queries that find it empty."""
    worker = world.worker()
    messages = world.plan()
    with recorded(world.client) as calls:
        for message in messages:
            worker.do(rating_job(message), has_time=_always)
    assert {method for method, _ in calls} == {"query"}, "an hour without markers is its queries"

    def work() -> None:
        for message in messages:
            worker.do(rating_job(message), has_time=_always)

    taken = by_turns([lambda: work, lambda: repeated(world.client, calls)], repeats=_ROUNDS, progress=progress)
    name = f"an hour without a marker, {_SUBSCRIPTIONS:,} subscriptions"
    return [ratio("rating", name, taken, counterpart=_BARE)]


def _rows(world: World, progress: Progress) -> list[Figure]:
    """Measure pairs with increasing numbers of records."""
    figures = []
    per_row: list[tuple[int, float]] = []
    for rows, count in _ROWS.items():
        ids = [f"r{rows}-{number}" for number in range(count)]
        pairs = [Pair(id_, METRICS[0]) for id_ in ids]
        world.add_subscriptions(ids)
        world.add_usage(pairs, rows)
        hour = _Hour()
        for quantity in (50, 60, 70, 80):
            world.change(pairs, rows, quantity)
            _hour(world, count, hour)
        progress.step(f"{rows:,} rows a pair")
        mine = statistics.median(hour.own)
        per_row.append((rows, mine))
        if hour.ratios:
            figures.append(hour.against_bare(f"a changed pair of {rows:,} rows"))
    (least, few), (most, many) = per_row[0], per_row[-1]
    slope = (many - few) / (most - least)
    return [*figures, Figure("rating", "each further row", slope * 1000, "us", slope * 1000)]


def _growth(url: str, sizes: Sequence[int], progress: Progress) -> list[Figure]:
    """Measure an hour of a hundred changed pairs among increasing numbers of subscriptions."""
    worlds = [_world_of(url, size) for size in sizes]
    progress.step(f"{', '.join(f'{size:,}' for size in sizes)} subscriptions are loaded")
    workers = [world.worker() for world, _ in worlds]
    quantity = 100

    def prepared(index: int) -> Any:
        nonlocal quantity
        quantity += 1
        world, pairs = worlds[index]
        world.change(pairs, _RECORDS, quantity)

        def work() -> None:
            written = sum(workers[index].do(rating_job(message), has_time=_always).changed for message in world.plan())
            assert written == _CHANGED, f"{written} ratings were written"

        return work

    prepares = [partial(prepared, index) for index in range(len(sizes))]
    taken = by_turns(prepares, repeats=_ROUNDS, progress=progress)
    figures = [
        ratio(
            "rating",
            f"an hour of {_CHANGED} changed pairs among {size:,} subscriptions",
            taken,
            counterpart=f"among {sizes[0]:,}",
            bound=_FLAT,
            index=index,
            against=0,
        )
        for index, size in enumerate(sizes)
        if index
    ]
    slope = (taken.median(len(sizes) - 1) - taken.median(0)) / (sizes[-1] - sizes[0]) * 1000
    return [*figures, Figure("rating", "slope, for 1,000 more subscriptions", slope, "ms", slope)]


def _world_of(url: str, size: int) -> tuple[World, list[Pair]]:
    """Return a world of that many subscriptions with a record each, and the pairs that will change."""
    world = World(url)
    ids = [str(number) for number in range(1, size + 1)]
    world.add_subscriptions(ids)
    pairs = [Pair(id_, METRICS[0]) for id_ in ids[:: size // _CHANGED]]
    world.add_usage(pairs, _RECORDS)
    world.add_usage((Pair(id_, METRICS[1]) for id_ in ids), 1)
    return world, pairs


def _always() -> bool:
    return True
