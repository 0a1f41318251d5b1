"""How an invocation of a function sees its time, and how it ended."""

from dataclasses import dataclass
from typing import Any

from tests.campaign.director import Frame
from tests.lives.service import Clock


@dataclass(frozen=True, slots=True)
class Ended:
    """How an invocation ended: with a response, with an error, or killed (neither)."""

    response: Any
    error: Exception | None
    frame: Frame

    @property
    def was_killed(self) -> bool:
        """Return whether it ended without a response."""
        return self.frame.is_dead


class Context:
    """The Lambda context of an invocation."""

    aws_request_id = "campaign"

    def __init__(self, frame: Frame, clock: Clock) -> None:
        self._frame = frame
        self._clock = clock
        self.function_name = frame.function

    def get_remaining_time_in_millis(self) -> int:
        """Return the time that is left."""
        passed = (self._clock.now - self._frame.started).total_seconds()
        return max(0, int((self._frame.limit - passed) * 1000))
