"""How long a request may go on trying: a deadline, and pauses that grow and are never in step."""

import random
from collections.abc import Callable

_FIRST_PAUSE = 0.025
_LONGEST_PAUSE = 1.0


class Deadline:
    """Time left of one request; shared by all its writes."""

    def __init__(self, seconds: float, clock: Callable[[], float], pause: Callable[[float], None]) -> None:
        """Take the seconds from now, a monotonic clock, and what waits (`time.sleep`)."""
        self._clock = clock
        self._pause = pause
        self._until = clock() + seconds

    def ended(self) -> bool:
        """Tell whether the time is up."""
        return self._clock() >= self._until

    def wait(self, attempt: int) -> bool:
        """Pause before try number `attempt` + 1; False, at once, where the time would be up by then."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
        seconds = longest * (0.5 + random.random() / 2)  # noqa: S311  jitter is no secret
        if self._clock() + seconds >= self._until:
            return False
        self._pause(seconds)
        return True
