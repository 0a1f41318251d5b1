"""When to try again: attempts with pauses that grow and are never in step, and the deadline of a request.

::

    for attempt in WRITES.attempts():
        if write():
            return
    raise Unavailable("...")

The pauses of many workers that failed together are jittered, so that they do not come back together.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: its number, from 1, and whether it is the last one."""

    number: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often to try, and how long to pause in between.

    Args:
        max_attempts: Attempts in total, the first one included.
        first_pause: Seconds before the second attempt, at most; each further pause is twice as long. 0: no pause.
        longest_pause: Seconds that no pause exceeds.
    """

    max_attempts: int
    first_pause: float = 0.05
    longest_pause: float = 2.0

    def attempts(self, pause: Callable[[float], None] | None = None) -> Iterator[Attempt]:
        """Yield the attempts and pause between them; `pause` takes seconds (None: `time.sleep`)."""
        for number in range(1, self.max_attempts + 1):
            if number > 1 and self.first_pause:
                (pause or time.sleep)(self.pause_after(number - 1))
            yield Attempt(number, number == self.max_attempts)

    def pause_after(self, number: int) -> float:
        """Return how many seconds to pause after attempt `number`, counted from 1: half to all of its share."""
        share = min(self.longest_pause, self.first_pause * 2 ** (number - 1))
        return float(share * (0.5 + random.random() / 2))  # noqa: S311  jitter is no secret


WRITES = RetryPolicy(max_attempts=6)
"""For a write of several items, some of which the table throttled."""

VERSION_CONFLICTS = RetryPolicy(max_attempts=6, first_pause=0)
"""For read-decide-write cycles that another writer overtook: the next read sees its write."""

_WITHIN_A_REQUEST = RetryPolicy(max_attempts=0, first_pause=0.025, longest_pause=1.0)


class Deadline:
    """The time left of one request; all its writes share it."""

    def __init__(self, seconds: float, clock: Callable[[], float], pause: Callable[[float], None]) -> None:
        """Start the deadline.

        Args:
            seconds: From now.
            clock: A monotonic clock, in seconds.
            pause: Waits for some seconds (`time.sleep`).
        """
        self._clock = clock
        self._pause = pause
        self._until = clock() + seconds

    def ended(self) -> bool:
        """Return whether the time is up."""
        return self._clock() >= self._until

    def wait(self, attempt: int) -> bool:
        """Pause after attempt number `attempt`, counted from 0; return False at once if too little time is left."""
        seconds = _WITHIN_A_REQUEST.pause_after(attempt + 1)
        if self._clock() + seconds >= self._until:
            return False
        self._pause(seconds)
        return True
