"""Plays many stories on all cores, and counts plays, firings and failures."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.campaign.campaign import Result, play
from tests.campaign.faults import KINDS
from tests.campaign.processes import pool

NONE = "none"
"""The name, in FAULTS, of stories without a fault."""


def seeds_of(text: str) -> range:
    """Return the seeds that a text names: `123`, or `1-100`."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def kinds_of(text: str) -> list[str | None]:
    """Return the kinds that a text names, separated by commas; all of them for an empty one."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in KINDS and name != NONE]
    if unknown:
        raise SystemExit(f"There is no fault {', '.join(unknown)}. There are: {', '.join([NONE, *KINDS])}")
    return [None if name == NONE else name for name in names or KINDS]


class Report:
    """Counts plays and firings, and prints each failure as it comes."""

    def __init__(self, kinds: Sequence[str | None]) -> None:
        self.kinds = kinds
        self.plays: Counter[str | None] = Counter()
        self.firings: Counter[str] = Counter()
        self.failures = 0

    def add(self, result: Result) -> None:
        """Count a play; print how it failed, if it did."""
        self.plays[result.kind] += 1
        self.firings.update(result.fired)
        if result.failure is not None:
            self.failures += 1
            print(result.failure, flush=True)

    def unfired(self) -> list[str]:
        """Return the kinds that were played and never happened."""
        return [kind for kind in self.kinds if kind is not None and not self.firings[kind]]

    def __str__(self) -> str:
        rows = [f"{'fault':40} {'plays':>6} {'firings':>8}"]
        rows += [f"{kind or NONE:40} {self.plays[kind]:6} {self.firings[kind or NONE]:8}" for kind in self.kinds]
        return "\n".join(rows)


def run(
    seeds: range,
    kinds: Sequence[str | None],
    processes: int,
    most_failures: int,
    *,
    until_all_happened: int = 0,
) -> Report:
    """Play each seed of each kind; stop early after `most_failures`.

    A kind that never happened in them is played on, up to the seed `until_all_happened`.
    """
    report = Report(kinds)
    jobs = [(seed, kind) for seed in seeds for kind in kinds]
    with pool(processes) as players:
        _add_all(report, players.imap_unordered(_play, jobs, 4), most_failures)
        for seed in range(max(seeds) + 1, until_all_happened + 1):
            unfired = report.unfired()
            if not unfired or report.failures >= most_failures:
                break
            _add_all(report, players.imap_unordered(_play, [(seed, kind) for kind in unfired]), most_failures)
        players.terminate()
    return report


def _add_all(report: Report, results: Iterable[Result], most_failures: int) -> None:
    for result in results:
        report.add(result)
        if report.failures >= most_failures:
            return


def _play(job: tuple[int, str | None]) -> Result:
    return play(*job)
