"""Compute the cost on AWS from measured figures and a price list: the tables of docs/cost.md.

`python -m tests.bench.cost` writes them into the page, `--check` tests whether they are current. Every input is
named in `tests.bench.cost_model` with its source; change one, and run it again.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from math import ceil
from pathlib import Path

from tests.bench.cost_model import (
    BEFORE,
    BY_WINDOW,
    DAYS,
    HOURS,
    MILLION,
    NOW,
    Load,
    Measured,
    at_rate,
    fan_out,
    month,
)
from tests.bench.fixed_costs import fixed_costs

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cost.md"
_BEGIN, _END = "<!-- computed: python -m tests.bench.cost -->\n", "<!-- end of what is computed -->\n"

# --- the page -------------------------------------------------------------------------------------

_SIZES = (1_000, 100_000, 10_000_000)
_KINDS = (("daily", DAYS), ("hourly", HOURS))
_BATCHES = ((1, "single"), (100, "batches of 100"))


def page() -> str:
    """Return the computed part of docs/cost.md."""
    return "\n".join([*_a_million(), *_before(), *_fixed(), *_a_month(), *_rate(), *_hours()]) + "\n"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    heads = list(heads)
    yield f"| {' | '.join(heads)} |"
    yield f"|{'|'.join(' --- ' if not place else ' ---: ' for place in range(len(heads)))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


_LOADS = (
    ("daily, single", DAYS, 1, 1),
    ("daily, batches of 100", DAYS, 100, 1),
    ("hourly, single", HOURS, 1, 1),
    ("hourly, batches of 100", HOURS, 100, 1),
    ("the same, rated every 3 h", HOURS, 100, 3),
    ("the same, every 6 h", HOURS, 100, 6),
    ("the same, every 24 h", HOURS, 100, 24),
)
_KEYED = ((NOW, "with keys of the app"), (BY_WINDOW, "keyed by window"))


def _a_million() -> Iterator[str]:
    yield "### A million counters\n"
    for takes, keyed in _KEYED:
        yield from _of_kind(takes, keyed)


def _of_kind(takes: Measured, keyed: str) -> Iterator[str]:
    loads = [(name, Load(100_000, each, batch, cadence, takes)) for name, each, batch, cadence in _LOADS]
    months = [(name, load, month(load)) for name, load in loads]
    names = list(months[0][2])
    rows = [
        [
            name,
            *(_dollars(spent[part] / load.counters * MILLION) for part in names),
            _total(spent, load),
        ]
        for name, load, spent in months
    ]
    yield from _table([f"{keyed}, at 100,000 subscriptions", *names, "all"], rows)


def _before() -> Iterator[str]:
    yield "### Before and now\n"
    for kind, each in (("Hourly", HOURS), ("Daily", DAYS)):
        loads = [Load(100_000, each, 100, takes=takes) for takes in (BEFORE, NOW, BY_WINDOW)]
        months = [(month(load), load) for load in loads]
        parts = months[0][0]
        rows = [[part, *(_dollars(spent[part] / load.counters * MILLION) for spent, load in months)] for part in parts]
        rows.append(["all", *(_total(spent, load) for spent, load in months)])
        heads = [f"{kind} counters in batches of 100, a million", "before", "now", "keyed by window"]
        yield from _table(heads, rows)


def _fixed() -> Iterator[str]:
    yield "### A month without a counter\n"
    costs = fixed_costs()
    rows = [[each.what, each.count, _dollars(each.dollars), _dollars(each.after_free)] for each in costs]
    sums = (sum(each.dollars for each in costs), sum(each.after_free for each in costs))
    rows.append(["all", "", *(f"**{_dollars(amount)}**" for amount in sums)])
    yield from _table(["", "number", "list price", "after what is always free"], rows)


def _total(spent: dict[str, float], load: Load) -> str:
    return f"**{_dollars(sum(spent.values()) / load.counters * MILLION)}**"


def _a_month() -> Iterator[str]:
    yield "### A month\n"
    rows = []
    for size in _SIZES:
        for kind, each in _KINDS:
            loads = [Load(size, each, batch) for batch, _ in _BATCHES]
            loads.append(Load(size, each, 100, takes=BY_WINDOW))
            totals = [_dollars(sum(month(load).values())) for load in loads]
            rows.append([f"{size:,}, {kind}", f"{loads[0].counters / MILLION:,.2f} M", *totals])
    heads = ["subscriptions", "counters", *(words for _, words in _BATCHES), "batches of 100, keyed by window"]
    yield from _table(heads, rows)


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
                ("marker_writes", "markers"),
            )
        ),
        [
            "partitions at 1,000 a second, usage",
            *[f"{ceil(one['table_writes'] / 1000)}" for one in (single, batched)],
        ],
        ["partitions, its index", *[f"{ceil(one['index_writes'] / 1000)}" for one in (single, batched)]],
        ["marker partitions, at least", *[f"{ceil(one['marker_writes'] / 1000)}" for one in (single, batched)]],
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
        hour = fan_out(size * NOW.pairs_a_subscription, shards=shards, workers=workers)
        took = f"{hour.hours:,.2f} h" if hour.hours >= 1 else f"{hour.hours * 60:,.1f} min"
        rows.append([f"{size:,}", str(shards), str(workers), str(hour.at_once), f"{hour.messages:,}", took])
    heads = ["subscriptions", "marker shards", "workers allowed", "workers busy", "messages", "takes"]
    yield from _table(heads, rows)


def _dollars(amount: float) -> str:
    if amount >= 100:
        return f"${amount:,.0f}"
    return f"${amount:,.2f}" if amount >= 0.01 or not amount else f"${amount:,.4f}"


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
