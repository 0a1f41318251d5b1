"""Measure an hour at scale, with eight workers on DynamoDB Local: nothing lost, linear, the time per pair flat.

`make scale` runs it at full size, a hundred thousand pairs that changed in one hour; the integration tests run it
with a few thousand. The workers are processes, as Lambda's are; each takes the messages of the rating queue in turn,
and sends on what is not done within a run. Usage and markers are those of batches: each batch of a hundred pairs is
one marker.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any
from unittest.mock import patch

from fusion_billing.billing.planning import hour_text
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.markers.change_markers import marker_item
from fusion_billing.messaging.messages import rating_job
from local.tables import Tables
from tests.bench.world import METRICS, MONTH, SHARDS, Pair, World, engine, pairs_of

_WORKERS = 8
_BATCH = 100
_RECORDS = 3
_RUN_SECONDS = 280.0
_ENGINE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much to measure: the pairs of the hours, records of the large pair, and groups of the large customer."""

    pairs: Sequence[int]
    records: int
    groups: int


FULL = Size((25_000, 100_000), 100_000, 10_000)
SHORT = Size((600, 1_200, 2_400), 5_000, 500)


@dataclass(frozen=True, slots=True)
class Hour:
    """What an hour came to."""

    pairs: int
    evaluated: int
    seconds: float
    cpu: float
    peak_mb: float
    messages: int

    @property
    def cpu_ms(self) -> float:
        """Return the workers' CPU per pair, in milliseconds."""
        return self.cpu / self.pairs * 1000


def measure(size: Size) -> Iterator[str]:
    """Yield a line for each finding; raises `AssertionError` where something is lost."""
    with engine() as url:
        yield from _hours(url, size.pairs)
        yield from _large_pair(url, size.records)
        yield from _large_customer(url, size.groups)


def _hours(url: str, sizes: Sequence[int]) -> Iterator[str]:
    first: Hour | None = None
    for size in sizes:
        hour = hour_of_pairs(url, size)
        first = first or hour
        yield (
            f"{size:>9,} pairs: {hour.seconds:.1f} s with {_WORKERS} workers, {hour.cpu_ms:.2f} ms of CPU a pair "
            f"({hour.cpu_ms / first.cpu_ms:.2f} of {first.pairs:,} pairs), {hour.messages} messages, "
            f"at most {hour.peak_mb:.0f} MB a worker, nothing lost"
        )


def hour_of_pairs(url: str, size: int) -> Hour:
    """Return what an hour came to in which that many pairs changed; each must have been rated."""
    world = World(url)
    ids = [str(100_000 + number) for number in range(-(-size // len(METRICS)))]
    pairs = pairs_of(ids)[:size]
    world.add_subscriptions(ids)
    world.add_usage(pairs, _RECORDS)
    hour = rated(world, pairs)
    assert hour.evaluated == len(pairs), f"{hour.evaluated:,} of {len(pairs):,} pairs were rated"
    lost = _unrated(world, pairs)
    assert not lost, f"{len(lost)} pairs have no rating: {lost[:3]}"
    return hour


def _large_pair(url: str, records: int) -> Iterator[str]:
    world = World(url)
    world.add_subscriptions(["1"])
    pair = Pair("1", METRICS[0])
    world.add_usage([pair], records)
    hour = rated(world, [pair])
    assert not _unrated(world, [pair])
    yield f"one pair of {records:,} records: {hour.seconds:.1f} s, at most {hour.peak_mb:.0f} MB"


def _large_customer(url: str, groups: int) -> Iterator[str]:
    """Rate a thousand pairs alone, and beside a customer whose usage is in so many groups."""
    took = []
    for has_large in (False, True):
        world = World(url)
        world.group_by(METRICS[1], "region")
        ids = [str(number) for number in range(100, 1_100)]
        others = [Pair(id_, METRICS[0]) for id_ in ids]
        world.add_subscriptions([*ids, "1"])
        world.add_usage(others, _RECORDS)
        large = [Pair("1", METRICS[1])] if has_large else []
        world.add_groups(large, groups)
        hour = rated(world, [*large, *others])
        assert not _unrated(world, [*large, *others])
        took.append(hour)
    yield (
        f"1,000 pairs beside a customer of {groups:,} groups: {took[1].seconds:.1f} s, "
        f"without it {took[0].seconds:.1f} s"
    )


def rated(world: World, pairs: Sequence[Pair]) -> Hour:
    """Mark pairs as ingest does for batches, plan the hour, and have it rated by the workers."""
    hour = hour_text(world.now)
    items = (marker_item([f"{pair.name}#{MONTH}" for pair in batch], hour, SHARDS) for batch in _batches(pairs))
    world.write(world.tables.markers, items)
    messages = world.plan()
    began = time.perf_counter()
    done = _work(world, messages)
    seconds = time.perf_counter() - began
    return Hour(
        len(pairs),
        sum(each["evaluated"] for each in done),
        seconds,
        sum(each["cpu"] for each in done),
        max(each["peak_mb"] for each in done),
        len(done),
    )


def _work(world: World, messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    context = get_context("spawn")
    with context.Pool(_WORKERS, _start, (world.url, world.tables, world.now)) as pool:
        pending = [pool.apply_async(_do, (message,)) for message in messages]
        done = []
        while pending:
            result = pending.pop(0).get()
            done.append(result)
            pending += [pool.apply_async(_do, (message,)) for message in result["sent"]]
    return done


_WORKER: dict[str, Any] = {}


def _start(url: str, tables: Tables, now: Any) -> None:
    """Make a worker in a process of its own."""
    world = World.existing(url, tables, now)
    # A page of a large pair takes DynamoDB Local seconds, where DynamoDB takes milliseconds.
    with patch.object(client, "dynamodb", partial(client.dynamodb, read_timeout=_ENGINE_SECONDS)):
        _WORKER.update(world=world, worker=world.worker())


def _do(message: dict[str, Any]) -> dict[str, Any]:
    world, worker = _WORKER["world"], _WORKER["worker"]
    world.queue.messages.clear()
    ends, cpu = time.monotonic() + _RUN_SECONDS, time.process_time()
    statistics = worker.do(rating_job(message), has_time=lambda: time.monotonic() < ends)
    assert not statistics.failed, "a pair could not be rated"
    return {
        "evaluated": statistics.evaluated,
        "sent": list(world.queue.messages),
        "cpu": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "pid": os.getpid(),
    }


def _unrated(world: World, pairs: Sequence[Pair]) -> list[str]:
    """Return the pairs without a rating."""
    missing = []
    for batch in _batches(pairs):
        keys = {(f"R#{pair.subscription}#2026-11-01T00:00:00Z", pair.metric): pair.name for pair in batch}
        wanted = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys]
        request: Any = {world.tables.ratings: {"Keys": wanted, "ProjectionExpression": "pk, sk"}}
        found = world.client.batch_get_item(RequestItems=request)["Responses"][world.tables.ratings]
        stored = {(item["pk"]["S"], item["sk"]["S"]) for item in found}
        missing += [name for key, name in keys.items() if key not in stored]
    return missing


def _batches(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    for first in range(0, len(pairs), _BATCH):
        yield pairs[first : first + _BATCH]


def main() -> int:
    """Measure, and print each finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few thousand pairs in place of a hundred thousand")
    size = SHORT if parser.parse_args().short else FULL
    for line in measure(size):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
