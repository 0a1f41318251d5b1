"""What a month costs on AWS: measured figures, a price list, and how often each thing happens.

Every input is named here with its source. `tests.bench.cost` writes the page.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from math import ceil

from fusion_billing.billing.planning import Hours
from fusion_billing.billing.rating_cadence import RatingCadence
from fusion_billing.catalog.identifiers import LATE_AFTER
from fusion_billing.odoo_lines.line_cadence import send_at

MILLION = 1_000_000
HOURS, DAYS = 720, 30  # of a month
_HOUR = timedelta(hours=1)
_START = datetime(2026, 11, 1, tzinfo=UTC)
_END = _START + HOURS * _HOUR


@dataclass(frozen=True, slots=True)
class Prices:
    """us-east-1, on demand, without free tiers, in dollars. docs/cost.md has the date and the sources."""

    api_requests: tuple[tuple[float, float], ...] = ((300e6, 1.00e-6), (float("inf"), 0.90e-6))
    """HTTP API: up to so many requests of a month, each."""
    lambda_request: float = 0.20e-6
    lambda_gb_second: float = 0.0000133334  # arm64, the first 7.5 thousand million of a month
    write_unit: float = 0.625e-6
    read_unit: float = 0.125e-6
    stored_gb_month: float = 0.25
    log_gb: float = 0.50


@dataclass(frozen=True, slots=True)
class Measured:
    """Measured costs; units and sizes are those that tests assert.

    CPU is of one whole core: docs/performance.md's ratios, where a bare put takes 0.67 ms, and one of a batch
    of inserts 0.046.
    """

    single_ms: float = 0.85
    batched_ms: float = 0.055
    rated_pair_ms: float = 1.5
    row_ms: float = 0.007
    """A further record of a pair, read and rated."""
    call_ms: float = 5.0
    """A DynamoDB call as a client in the same region sees it: assumed, not measured here."""
    batch_call_ms: float = 12.0
    """The same for 25 writes in one call: assumed, not measured here."""
    inserts_a_call: int = 25
    memory_gb: float = 1.0
    cores: float = 1024 / 1769
    """What a function of that memory has of a core."""
    record_units: int = 2
    is_batch_marked_at_once: bool = True
    """Whether the pairs of a batch are marked in one item of one unit, or each in its own."""
    marker_read_units: float = 0.02
    """Of a counter's share of its marker: each worker reads the batches of all shards."""
    record_bytes: int = 270
    index_row_bytes: int = 116
    """0 if there is no index: rating then reads the records themselves."""
    overhead_bytes: int = 100
    """What DynamoDB adds to each item and each index row."""
    request_log_bytes: int = 450
    pairs_a_subscription: int = 3
    rating_writes: tuple[float, ...] = (1,)
    """Units of a rating's versions, the last for all later ones."""
    rating_read_units: float = 4 / 3
    """A rating, and its share of the item with the lines of its period."""
    line_writes: tuple[float, ...] = (5 / 3,)
    """Units of a line to become due, be intended and be sent, by the rating's version: three share an item."""
    line_read_units: float = 1 / 3
    sent_line_ms: float = 8.8
    """The relay's time for a line, Odoo's included, two calls at once: docs/performance.md."""
    subscription_read_units: float = 1.0
    swept_subscription_units: float = 4.1
    """Of a sweep, beside usage: the subscription, its closed periods, and the ratings of two periods."""
    swept_periods: tuple[int, ...] = (1, 1)
    """Invoiced periods whose usage a daily sweep reads, by query."""
    totalled_rating_units: float = 0.53
    """Of a sweep: a rating, read once more for the totals of the overview."""
    totalled_rating_ms: float = 0.12
    totalled_every_days: int = 4


PRICES, NOW = Prices(), Measured()


def _sizes(first: int, versions: int) -> tuple[int, ...]:
    """Return the units of a rating of so many bytes with 40 more of each of its latest 50 versions."""
    return tuple(ceil((first + 40 * min(version, 50)) / 1024) for version in range(1, versions + 1))


BY_WINDOW = replace(NOW, record_units=1, record_bytes=69, index_row_bytes=0)
"""Records of metrics with `"idempotency": "window"`."""

BEFORE = replace(
    NOW,
    is_batch_marked_at_once=False,
    marker_read_units=0.02,
    rating_writes=_sizes(1_700, 50),
    rating_read_units=1.0,
    line_writes=tuple(2 * units + 2 for units in _sizes(1_700, 50)),
    line_read_units=1.0,
    swept_periods=(13,),
    totalled_rating_units=0.0,
    totalled_rating_ms=0.0,
    record_bytes=292,
    index_row_bytes=138,
)
"""The layout before: a marker a pair, the whole rating written with each change of its line, all periods swept."""


@dataclass(frozen=True, slots=True)
class Load:
    """Subscriptions, the counters that each pair pushes a month, the size of batches, and the rating cadence."""

    subscriptions: int
    counters_a_pair: int
    batch: int
    cadence: int = 1
    takes: Measured = field(default=NOW)

    @property
    def pairs(self) -> int:
        """Pairs of a subscription and a metric."""
        return self.subscriptions * self.takes.pairs_a_subscription

    @property
    def counters(self) -> int:
        """Counters a month."""
        return self.pairs * self.counters_a_pair

    @property
    def ratings(self) -> int:
        """Ratings of a pair a month."""
        return len(rated_at(self.counters_a_pair, self.cadence))

    @property
    def lines(self) -> int:
        """Order lines sent of a pair a month."""
        return lines_sent(self.counters_a_pair, self.cadence)


@cache
def rated_at(counters: int, cadence: int) -> tuple[datetime, ...]:
    """Return when a pair with that many counters in a month of 30 days is rated, the last 0 to 4 hours after it."""
    every, slots = HOURS // counters, RatingCadence(cadence)
    waiting, rated = False, []
    for hour in range(HOURS + 5):
        begins = _START + hour * _HOUR
        if hour < HOURS and (hour + 1) % every == 0:
            waiting = True
        now = begins + _HOUR + timedelta(minutes=6)
        is_closing = _END - slots.length <= now < _END + LATE_AFTER + _HOUR
        if waiting and (is_closing or slots.whole_slots(Hours(begins, begins)).count):
            rated.append(now)
            waiting = False
    return tuple(rated)


@cache
def lines_sent(counters: int, cadence: int) -> int:
    """Return how often a pair's order line is sent in a month, daily and with each change of the last 30 hours."""
    sent, due = 0, None
    for now in rated_at(counters, cadence):
        if due is not None and due <= now:
            sent, due = sent + 1, None
        at = send_at("daily", now=now, period_end=_END, is_first=sent == 0 and due is None)
        due = at if due is None else min(due, at)
    return sent + (due is not None)


def billed_ms(cpu_ms: float, waited_ms: float) -> float:
    """Return the billed time of a function: its CPU at its share of a core, and its waiting time."""
    return cpu_ms / NOW.cores + waited_ms


def push_ms(batch: int) -> float:
    """Return the time of a push of a batch, including the write of its marker."""
    if batch == 1:
        return billed_ms(NOW.single_ms, 2 * NOW.call_ms)
    calls = ceil(batch / NOW.inserts_a_call)
    return billed_ms(batch * NOW.batched_ms, calls * NOW.batch_call_ms + NOW.call_ms)


def pair_ms(rows: float = 0) -> float:
    """Return a worker's time for a changed pair: one query of its own, and shares of the other calls."""
    return billed_ms(NOW.rated_pair_ms + rows * NOW.row_ms, 1.6 * NOW.call_ms)


def month(load: Load) -> dict[str, float]:
    """Return a month's dollars by purpose."""
    takes, requests = load.takes, ceil(load.counters / load.batch)
    markers = requests if takes.is_batch_marked_at_once else load.counters
    items = [size for size in (takes.record_bytes, takes.index_row_bytes) if size]
    stored = sum(items) + len(items) * takes.overhead_bytes
    return {
        "API Gateway": _api(requests),
        "ingest": requests * PRICES.lambda_request + _compute(requests * push_ms(load.batch)),
        "usage": load.counters * takes.record_units * PRICES.write_unit,
        "markers": markers * PRICES.write_unit + load.counters * takes.marker_read_units * PRICES.read_unit,
        "rating": load.pairs * _ratings(load),
        "lines to Odoo": load.pairs * _lines(load),
        "sweeps": load.subscriptions * DAYS * _sweep(load),
        "a month's records kept": load.counters * stored / 1e9 * PRICES.stored_gb_month,
        "logs": requests * takes.request_log_bytes / 1e9 * PRICES.log_gb,
    }


def _api(requests: int) -> float:
    dollars, left = 0.0, float(requests)
    for most, price in PRICES.api_requests:
        here = min(left, most)
        dollars += here * price
        left -= here
    return dollars


def _compute(milliseconds: float) -> float:
    return milliseconds / 1000 * NOW.memory_gb * PRICES.lambda_gb_second


def query_units(rows: float, takes: Measured) -> float:
    """Return the read units of a query of that many of a pair's records."""
    return max(1, ceil(rows * (takes.index_row_bytes or takes.record_bytes) / 4096)) * 0.5


def _ratings(load: Load) -> float:
    """Return the cost of a pair's ratings over a month: half the period's records are there on average."""
    takes, rows = load.takes, load.counters_a_pair / 2
    shared = takes.subscription_read_units / takes.pairs_a_subscription
    read = query_units(rows, takes) + takes.rating_read_units + shared
    write = sum(_by_version(takes.rating_writes, load.ratings))
    return load.ratings * (read * PRICES.read_unit + _compute(pair_ms(rows))) + write * PRICES.write_unit


def _lines(load: Load) -> float:
    """Return the cost of a pair's lines: entered, read, the intent, and the acknowledgement."""
    takes = load.takes
    write = sum(_by_version(takes.line_writes, load.ratings)) / load.ratings
    each = takes.line_read_units * PRICES.read_unit + write * PRICES.write_unit + _compute(takes.sent_line_ms)
    return load.lines * each


def _sweep(load: Load) -> float:
    """Return the cost of a subscription in a sweep that finds nothing: the usage that it reads again."""
    takes, each = load.takes, load.counters_a_pair
    queries = [each / 2, *(periods * each for periods in takes.swept_periods)]
    usage = takes.pairs_a_subscription * sum(query_units(rows, takes) for rows in queries)
    usage += takes.pairs_a_subscription * takes.totalled_rating_units / takes.totalled_every_days
    compute = takes.pairs_a_subscription * (
        pair_ms(sum(queries)) + takes.totalled_rating_ms / takes.totalled_every_days
    )
    return (usage + takes.swept_subscription_units) * PRICES.read_unit + _compute(compute)


def _by_version(units: tuple[float, ...], versions: int) -> Iterator[float]:
    for version in range(versions):
        yield units[min(version, len(units) - 1)]


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
        "marker_writes": requests,
    }
