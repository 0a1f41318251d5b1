"""Results that are written while the next batch is at Odoo."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from functions.relay.line_results import RunStatistics
from fusion_billing.errors import Unavailable

Write = Callable[[datetime], None]
"""Writes one result; the argument is the time at which it was known."""


@dataclass
class BackgroundWrites:
    """Writes the results of one partition's lines on the threads of `writers`."""

    writers: ThreadPoolExecutor
    clock: Callable[[], datetime]
    statistics: RunStatistics
    _writes: list[Future[None]] = field(default_factory=list, init=False)

    def add(self, write: Write) -> None:
        """Start a write, with the present time."""
        self._writes.append(self.writers.submit(write, self.clock()))

    def wait(self) -> None:
        """Wait until every write is done.

        A line whose result the table refused stays due; repeating the load of the same row changes nothing.
        """
        for write in self._writes:
            try:
                write.result()
            except Unavailable:
                self.statistics.add("not_written")
