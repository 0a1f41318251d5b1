"""Shared parts of the benchmarks: alternating CPU measurements, medians, a table, a JSON file, a progress bar.

A figure is a ratio of two measurements that alternate in the same run, so that other load falls on both. CPU time,
not wall time, wherever the question is what something costs.
"""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    `value` is what is judged: a ratio where `counterpart` is named, else a plain number in `unit`.
    `measured` and `floor` are the two medians the ratio was made of, in `unit`. `bound` is the most
    that `value` may be, or None where the figure is shown only. `spread` is how far the middle half of
    the rounds' values lay apart, where there were rounds.
    """

    suite: str
    name: str
    value: float
    unit: str
    measured: float
    counterpart: str = ""
    floor: float | None = None
    bound: float | None = None
    spread: float | None = None

    @property
    def holds(self) -> bool:
        """Return whether the figure is within its bound."""
        return self.bound is None or self.value <= self.bound


class Progress:
    """Shows a bar on a terminal, and a line per step elsewhere."""

    def __init__(self, title: str, steps: int) -> None:
        self.title, self.steps, self.done = title, steps, 0

    def step(self, what: str = "") -> None:
        """Show that one more step is done."""
        self.done += 1
        width = 24
        filled = width * self.done // max(1, self.steps)
        line = f"{self.title:<12} [{'#' * filled}{'.' * (width - filled)}] {self.done}/{self.steps} {what}"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="" if self.done < self.steps else "\n", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)


def cpu_ms(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Return the milliseconds of this process's CPU that `work` took."""
    before = clock()
    work()
    return (clock() - before) * 1000


@dataclass(frozen=True, slots=True)
class Taken:
    """The milliseconds that each of several works took, by round."""

    samples: list[list[float]]

    def median(self, index: int) -> float:
        """Return the median of one work."""
        return statistics.median(self.samples[index])


def by_turns(
    prepares: Sequence[Callable[[], Callable[[], object]]],
    *,
    repeats: int,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.process_time,
) -> Taken:
    """Measure each of several works once per round, for `repeats` rounds.

    Each entry prepares a round's work and returns it; only the work is timed. Every other round runs in reverse order.
    The first round is discarded: it pays for imports, connections and caches.
    """
    samples: list[list[float]] = [[] for _ in prepares]
    for turn in range(repeats + 1):
        order = range(len(prepares)) if turn % 2 else reversed(range(len(prepares)))
        for index in order:
            spent = cpu_ms(prepares[index](), clock)
            if turn:
                samples[index].append(spent)
        if progress and turn:
            progress.step()
    return Taken(samples)


def ratio(
    suite: str,
    name: str,
    taken: Taken,
    *,
    counterpart: str,
    per: int = 1,
    bound: float | None = None,
    index: int = 0,
    against: int = 1,
) -> Figure:
    """Return the figure of one work relative to another; `per` is the number of things that each did."""
    rounds = zip(taken.samples[index], taken.samples[against], strict=True)
    pairs = [(mine / per, floor / per) for mine, floor in rounds]
    return repeated_ratio(suite, name, "ms", pairs, counterpart=counterpart, bound=bound)


def repeated_ratio(
    suite: str,
    name: str,
    unit: str,
    pairs: Sequence[tuple[float, float]],
    *,
    counterpart: str,
    bound: float | None = None,
) -> Figure:
    """Return the figure of what was measured with its counterpart, `(mine, floor)`, several times.

    Its value is the median of the ratios: a round that was disturbed is one vote, on both sides.
    """
    ratios = [mine / floor for mine, floor in pairs]
    return Figure(
        suite=suite,
        name=name,
        value=statistics.median(ratios),
        unit=unit,
        measured=statistics.median(mine for mine, _ in pairs),
        counterpart=counterpart,
        floor=statistics.median(floor for _, floor in pairs),
        bound=bound,
        spread=spread(ratios),
    )


def spread(values: Sequence[float]) -> float | None:
    """Return how far the middle half of `values` lies apart, None for fewer than four."""
    if len(values) < 4:
        return None
    low, _, high = statistics.quantiles(values, n=4)
    return high - low


def machine() -> str:
    """Return a line that describes the machine and its other load."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    botocore = f"botocore {metadata.version('botocore')}"
    load = os.getloadavg()[0]
    cores = f"{os.cpu_count()} x {_processor()}"
    return f"{python}, {botocore}, {platform.system()}, {cores}, load {load:.1f} at the end"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a Markdown table."""
    rows = [
        "| suite | figure | value | bound | measured | against |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for figure in figures:
        value = f"{figure.value:.2f} x" if figure.counterpart else f"{figure.value:.3g} {figure.unit}"
        if figure.spread is not None:
            value += f" ± {figure.spread / 2:.2g}"
        bound = "" if figure.bound is None else f"{figure.bound:g}{'' if figure.holds else ' **missed**'}"
        against = f"{figure.counterpart}: {figure.floor:.3g} {figure.unit}" if figure.floor is not None else ""
        cells = [figure.suite, figure.name, value, bound, f"{figure.measured:.3g} {figure.unit}", against]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def write_json(figures: Iterable[Figure], path: Path) -> None:
    """Write the figures and the machine they were measured on to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": machine(),
        "figures": [asdict(figure) | {"holds": figure.holds} for figure in figures],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
