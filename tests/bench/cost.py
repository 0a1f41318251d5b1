"""Compute the cost on AWS from measured figures and a price list: the tables of docs/cost.md.

`python -m tests.bench.cost` writes them into the page, `--check` tests whether they are current. Every input is
named here with its source; change one, and run it again.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cost.md"
_BEGIN, _END = "<!-- computed: python -m tests.bench.cost -->\n", "<!-- end of what is computed -->\n"

MILLION = 1_000_000
HOURS, DAYS = 720, 30  # of a month


@dataclass(frozen=True, slots=True)
class Prices:
    """us-east-1, on demand, without free tiers, in dollars. docs/cost.md has the date and the sources."""

    api_requests: tuple[tuple[float, float], ...] = ((300e6, 1.00e-6), (float("inf"), 0.90e-6))
    """HTTP API: up to so many requests of a month, each."""
    api_kilobytes_a_request: int = 512
    lambda_request: float = 0.20e-6
    lambda_gb_second: float = 0.0000133334  # arm64, the first 7.5 thousand million of a month
    write_unit: float = 0.625e-6
    read_unit: float = 0.125e-6
    stored_gb_month: float = 0.25
    log_gb: float = 0.50


@dataclass(frozen=True, slots=True)
class Measured:
    """Measured costs; units are those that tests assert.

    CPU is of one whole core: docs/performance.md's ratios, where a bare put takes 0.67 ms, and one of a batch
    of inserts 0.046.
    """

    single_ms: float = 0.85
    batched_ms: float = 0.055
    rated_pair_ms: float = 1.5
    call_ms: float = 5.0
    """A DynamoDB call as a client in the same region sees it: assumed, not measured here."""
    batch_call_ms: float = 12.0
    """The same for 25 writes in one call: assumed, not measured here."""
    inserts_a_call: int = 25
    memory_gb: float = 1.0
    cores: float = 1024 / 1769
    """What a function of that memory has of a core."""
    record_units: int = 2
    marker_units: int = 1
    record_bytes: int = 700
    index_row_bytes: int = 130
    request_log_bytes: int = 450
    pairs_a_subscription: int = 3
    rating_bytes: int = 1_700
    rating_history_bytes: int = 40
    rating_history: int = 50
    line_index_units: int = 2
    """A due line enters the index, a sent one leaves it."""
    line_intents: int = 1
    """Writes of a line's item before it is sent, 25 to a call."""
    sent_line_ms: float = 8.8
    """The relay's time for a line, Odoo's included, two calls at once: docs/performance.md."""


PRICES, TAKES = Prices(), Measured()


@dataclass(frozen=True, slots=True)
class Load:
    """A number of subscriptions, the counters that each pair pushes a month, and the size of batches."""

    subscriptions: int
    counters_a_pair: int
    batch: int

    @property
    def pairs(self) -> int:
        """Pairs of a subscription and a metric."""
        return self.subscriptions * TAKES.pairs_a_subscription

    @property
    def counters(self) -> int:
        """Counters a month."""
        return self.pairs * self.counters_a_pair


def billed_ms(cpu_ms: float, waited_ms: float) -> float:
    """Return the billed time of a function: its CPU at its share of a core, and its waiting time."""
    return cpu_ms / TAKES.cores + waited_ms


def push_ms(batch: int) -> float:
    """Return the time of a push of a batch, including the write of its marker."""
    if batch == 1:
        return billed_ms(TAKES.single_ms, 2 * TAKES.call_ms)
    calls = ceil(batch / TAKES.inserts_a_call)
    return billed_ms(batch * TAKES.batched_ms, (2 * calls) * TAKES.batch_call_ms)


def pair_ms() -> float:
    """Return a worker's time for a changed pair: one query of its own, and shares of the other calls."""
    return billed_ms(TAKES.rated_pair_ms, 1.6 * TAKES.call_ms)


def month(load: Load) -> dict[str, float]:
    """Return a month's dollars by purpose. Every push changes its pair, so it is rated."""
    requests = ceil(load.counters / load.batch)
    function = requests * push_ms(load.batch) / 1000 * TAKES.memory_gb * PRICES.lambda_gb_second
    units = TAKES.record_units + TAKES.marker_units
    stored_gb = load.counters * (TAKES.record_bytes + TAKES.index_row_bytes) / 1e9
    return {
        "API Gateway": _api(requests),
        "ingest": requests * PRICES.lambda_request + function,
        "usage and markers": load.counters * units * PRICES.write_unit,
        "rating": _rating(load),
        "lines to Odoo": _lines(load),
        "a month's records kept": stored_gb * PRICES.stored_gb_month,
        "logs": requests * TAKES.request_log_bytes / 1e9 * PRICES.log_gb,
    }


def _api(requests: int) -> float:
    dollars, left = 0.0, float(requests)
    for most, price in PRICES.api_requests:
        here = min(left, most)
        dollars += here * price
        left -= here
    return dollars


def _rating(load: Load) -> float:
    """Return the cost of rating a pair after each of its counters, over a month."""
    rated = load.pairs * load.counters_a_pair
    rows = load.counters_a_pair / 2  # of a growing period, on average
    read = ceil(rows * TAKES.index_row_bytes / 4096) * 0.5 + _rating_reads(load) + 1 / TAKES.pairs_a_subscription
    write = _rating_writes(load) + TAKES.line_index_units / 2
    seconds = rated * pair_ms() / 1000
    compute = seconds * TAKES.memory_gb * PRICES.lambda_gb_second
    return rated * (read * PRICES.read_unit + write * PRICES.write_unit) + compute


def _lines(load: Load) -> float:
    """Return the cost of a line after each rating: the read, the intent, and the acknowledgement."""
    sent = load.pairs * load.counters_a_pair
    # Twice the whole item: the intent before the call, and what became of it after.
    write = (1 + TAKES.line_intents) * _rating_writes(load) + TAKES.line_index_units / 2
    compute = sent * TAKES.sent_line_ms / 1000 * TAKES.memory_gb * PRICES.lambda_gb_second
    return sent * (_rating_reads(load) * PRICES.read_unit + write * PRICES.write_unit) + compute


def _rating_kilobytes(load: Load) -> Iterator[float]:
    for version in range(1, load.counters_a_pair + 1):
        history = min(version, TAKES.rating_history) * TAKES.rating_history_bytes
        yield (TAKES.rating_bytes + history) / 1024


def _rating_writes(load: Load) -> float:
    return sum(ceil(size) for size in _rating_kilobytes(load)) / load.counters_a_pair


def _rating_reads(load: Load) -> float:
    return sum(ceil(size / 4) for size in _rating_kilobytes(load)) / load.counters_a_pair


# --- limits ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hour:
    """The rating of an hour: number of messages, duration, and concurrent workers."""

    messages: int
    hours: float
    at_once: int


def fan_out(pairs: int, *, shards: int, workers: int, run_seconds: float = 280.0) -> Hour:
    """Simulate an hour's messages: one per shard, each continued by further messages until it is done.

    A worker handles a message for at most `run_seconds`. The next message goes to the first worker that is free.
    """
    left = [pairs / shards * pair_ms() / 1000] * shards
    free = [0.0] * min(workers, shards)
    waiting = [(0.0, shard) for shard in range(shards)]
    messages, ends = 0, 0.0
    while waiting:
        ready, shard = waiting.pop(0)
        worker = min(range(len(free)), key=free.__getitem__)
        begins = max(ready, free[worker])
        takes = min(left[shard], run_seconds)
        left[shard] -= takes
        free[worker] = begins + takes
        messages += 1
        ends = max(ends, free[worker])
        if left[shard] > 1e-9:
            waiting.append((free[worker], shard))
    return Hour(messages, ends / 3600, len(free))


def at_rate(records: int, batch: int) -> dict[str, float]:
    """Return the load that `records` a second put on each part."""
    requests = records / batch
    return {
        "requests": requests,
        "functions": requests * push_ms(batch) / 1000,
        "table_writes": float(records),
        "index_writes": float(records),
        "marker_writes": float(records),
    }


# --- the page -------------------------------------------------------------------------------------

_SIZES = (1_000, 100_000, 10_000_000)
_KINDS = (("daily", DAYS), ("hourly", HOURS))
_BATCHES = ((1, "single"), (100, "batches of 100"))


def page() -> str:
    """Return the computed part of docs/cost.md."""
    return "\n".join([*_a_million(), *_a_month(), *_rate(), *_hours()]) + "\n"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    heads = list(heads)
    yield f"| {' | '.join(heads)} |"
    yield f"|{'|'.join(' --- ' if not place else ' ---: ' for place in range(len(heads)))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _a_million() -> Iterator[str]:
    yield "### A million counters\n"
    loads = [(f"{kind}, {words}", Load(100_000, each, batch)) for kind, each in _KINDS for batch, words in _BATCHES]
    months = [(name, load, month(load)) for name, load in loads]
    names = list(months[0][2])
    rows = [
        [name, *(_dollars(spent[part] / load.counters * MILLION) for part in names), _total(spent, load)]
        for name, load, spent in months
    ]
    yield from _table(["at 100,000 subscriptions", *names, "all"], rows)


def _total(spent: dict[str, float], load: Load) -> str:
    return f"**{_dollars(sum(spent.values()) / load.counters * MILLION)}**"


def _a_month() -> Iterator[str]:
    yield "### A month\n"
    rows = []
    for size in _SIZES:
        for kind, each in _KINDS:
            loads = [Load(size, each, batch) for batch, _ in _BATCHES]
            totals = [_dollars(sum(month(load).values())) for load in loads]
            rows.append([f"{size:,}, {kind}", f"{loads[0].counters / MILLION:,.2f} M", *totals])
    yield from _table(["subscriptions", "counters", *(words for _, words in _BATCHES)], rows)


def _rate() -> Iterator[str]:
    yield "### Ten thousand records a second\n"
    single, batched = at_rate(10_000, 1), at_rate(10_000, 100)
    rows = [
        ["requests a second", f"{single['requests']:,.0f}", f"{batched['requests']:,.0f}"],
        ["functions at once", f"{single['functions']:,.0f}", f"{batched['functions']:,.0f}"],
        *(
            [f"write units a second, {words}", f"{single[name]:,.0f}", f"{batched[name]:,.0f}"]
            for name, words in (
                ("table_writes", "usage"),
                ("index_writes", "its index"),
                ("marker_writes", "markers, at most"),
            )
        ),
        [
            "partitions at 1,000 a second, usage",
            *[f"{ceil(one['table_writes'] / 1000)}" for one in (single, batched)],
        ],
        ["partitions, its index", *[f"{ceil(one['index_writes'] / 1000)}" for one in (single, batched)]],
        ["marker shards, at least", *[f"{ceil(one['marker_writes'] / 1000)}" for one in (single, batched)]],
    ]
    yield from _table(["", *(words for _, words in _BATCHES)], rows)


def _hours() -> Iterator[str]:
    yield "### An hour of rating, every pair changed\n"
    rows = []
    for size, shards, workers in (
        (1_000, 16, 50),
        (100_000, 16, 50),
        (1_000_000, 16, 50),
        (10_000_000, 16, 50),
        (10_000_000, 64, 50),
        (10_000_000, 100, 100),
    ):
        hour = fan_out(size * TAKES.pairs_a_subscription, shards=shards, workers=workers)
        took = f"{hour.hours:,.2f} h" if hour.hours >= 1 else f"{hour.hours * 60:,.1f} min"
        rows.append([f"{size:,}", str(shards), str(workers), str(hour.at_once), f"{hour.messages:,}", took])
    heads = ["subscriptions", "marker shards", "workers allowed", "workers busy", "messages", "takes"]
    yield from _table(heads, rows)


def _dollars(amount: float) -> str:
    if amount >= 100:
        return f"${amount:,.0f}"
    return f"${amount:,.2f}" if amount >= 0.01 else f"${amount:,.4f}"


def main() -> int:
    """Write the page, or check it; return 1 if it is outdated."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cost", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit with 1 if the page is outdated; change nothing")
    asked = parser.parse_args()
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    wanted = f"{before}{_BEGIN}\n{page()}{_END}{after}"
    if asked.check:
        return 0 if text == wanted else 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
