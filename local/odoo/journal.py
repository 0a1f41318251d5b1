"""What was called, when, by whom, on which orders, and how it ended."""

import itertools
import threading
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT = 10_000


@dataclass(slots=True)
class Entry:
    """One call. `started` and `ended` are seconds of one monotonic clock, comparable to each other.

    `outcome` is `ok`, the name of the error answered, `refused` (a load with `ids: false`), or the
    fault that was injected.
    """

    number: int
    protocol: str
    user: int
    model: str
    method: str
    rows: int
    started: float
    ended: float | None = None
    orders: list[int] = field(default_factory=list)
    outcome: str = "running"


class Journal:
    """The latest calls, and counters over all of them since the start (or `clear`)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._counters: Counter[str] = Counter()

    def begin(self, protocol: str, user: int, model: str, method: str, rows: int) -> Entry:
        """Note that a call arrived."""
        with self._lock:
            entry = Entry(next(self._numbers), protocol, user, model, method, rows, time.monotonic())
            self._entries.append(entry)
            return entry

    def end(self, entry: Entry, outcome: str) -> None:
        """Note how a call ended."""
        with self._lock:
            entry.ended = time.monotonic()
            entry.outcome = outcome
            self._counters["calls"] += 1
            self._counters[f"{entry.model}/{entry.method}"] += 1
            self._counters[f"outcome:{outcome}"] += 1
            self._counters[f"rows:{entry.model}/{entry.method}"] += entry.rows

    def count(self, what: str) -> None:
        """Count something that is no call, such as a key that was refused."""
        with self._lock:
            self._counters[what] += 1

    def entries(self, model: str | None = None, method: str | None = None) -> list[dict[str, Any]]:
        """Return the calls, oldest first, of one model and method where given."""
        with self._lock:
            return [
                asdict(entry)
                for entry in self._entries
                if model in (None, entry.model) and method in (None, entry.method)
            ]

    def counters(self) -> dict[str, int]:
        """Return numbers of `calls`, `<model>/<method>`, `rows:<model>/<method>`, `outcome:<outcome>`.

        `unauthorized` counts requests whose key was missing or refused.
        """
        with self._lock:
            return dict(self._counters)

    def overlaps(self, model: str = "sale.order.line", method: str = "load") -> list[tuple[int, int]]:
        """Return the pairs (numbers) of calls that ran at one time on one order."""
        calls = [entry for entry in self.entries(model, method) if entry["ended"] is not None]
        calls.sort(key=lambda entry: entry["started"])
        found = []
        for position, one in enumerate(calls):
            for other in itertools.islice(calls, position + 1, None):
                if other["started"] >= one["ended"]:
                    break
                if set(one["orders"]) & set(other["orders"]):
                    found.append((one["number"], other["number"]))
        return found

    def clear(self) -> None:
        """Forget calls and counters."""
        with self._lock:
            self._entries.clear()
            self._counters.clear()
