"""The size of a batch: smaller at once when Odoo is slow, larger again step by step.

A load of a hundred lines took a busy Odoo up to a minute, longer than a call may last; ten lines of it would
have gone through. A container keeps the size from run to run.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from functions.relay.batches import LARGEST
from fusion_billing.odoo.errors import ReadTimeout

_AIM_SECONDS = 8.0
_SLOW_SECONDS = 12.0
_QUICK_SECONDS = 5.0
_TIMED_OUT_SHARE = 8
_GROWTH = 4


class Pace:
    """The largest batch that Odoo processes in time, learned from the calls so far. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._largest = LARGEST

    def largest(self) -> int:
        """Return how many lines the next call may hold."""
        return self._largest

    @contextmanager
    def timed(self, lines: int, clock: Callable[[], datetime]) -> Iterator[None]:
        """Learn from the time that the block takes for `lines` lines."""
        started = clock()
        try:
            yield
        except ReadTimeout:
            self._shrink(lines // _TIMED_OUT_SHARE)
            raise
        self.took(lines, (clock() - started).total_seconds())

    def took(self, lines: int, seconds: float) -> None:
        """Learn that `lines` lines took `seconds` seconds."""
        if seconds > _SLOW_SECONDS:
            self._shrink(int(lines * _AIM_SECONDS / seconds))
        elif seconds < _QUICK_SECONDS:
            with self._lock:
                if 2 * lines >= self._largest:
                    self._largest = min(LARGEST, self._largest + max(1, self._largest // _GROWTH))

    def _shrink(self, lines: int) -> None:
        with self._lock:
            self._largest = max(1, min(self._largest, lines))
