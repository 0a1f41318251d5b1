"""What every benchmark shares: CPU measured in turns, medians, a table, a JSON file, a progress bar.

A figure is a ratio of two things measured in the same run, by turns, so that whatever else the machine
does falls on both alike. CPU time, not wall time, wherever the question is what a thing costs.
"""

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    `value` is what is judged: a ratio where `counterpart` is named, else a plain number in `unit`.
    `measured` and `floor` are the two medians the ratio was made of, in `unit`. `bound` is the most
    that `value` may be, or None where the figure is shown only.
    """

    suite: str
    name: str
    value: float
    unit: str
    measured: float
    counterpart: str = ""
    floor: float | None = None
    bound: float | None = None

    @property
    def holds(self) -> bool:
        """Tell whether the figure is within its bound."""
        return self.bound is None or self.value <= self.bound


class Progress:
    """A bar on a terminal, a line a step elsewhere."""

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


def by_turns(
    prepares: Sequence[Callable[[], Callable[[], object]]],
    *,
    repeats: int,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.process_time,
) -> list[float]:
    """Measure each of several works once a round, `repeats` rounds, and return their medians in milliseconds.

    Each entry prepares a round's work and returns it; only the work is timed. The first round is
    thrown away: it pays for imports, connections and caches.
    """
    samples: list[list[float]] = [[] for _ in prepares]
    for turn in range(repeats + 1):
        for prepare, taken in zip(prepares, samples, strict=True):
            spent = cpu_ms(prepare(), clock)
            if turn:
                taken.append(spent)
        if progress and turn:
            progress.step()
    return [statistics.median(taken) for taken in samples]


def machine() -> str:
    """Return what the figures were measured on, in one line."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {platform.machine()}, {platform.system()}"


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a Markdown table."""
    rows = [
        "| suite | figure | value | bound | measured | against |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for figure in figures:
        value = f"{figure.value:.2f} x" if figure.counterpart else f"{figure.value:.3g} {figure.unit}"
        bound = "" if figure.bound is None else f"{figure.bound:g}{'' if figure.holds else ' **missed**'}"
        against = (
            f"{figure.counterpart}: {figure.floor:.3g} {figure.unit}" if figure.floor is not None else ""
        )
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
