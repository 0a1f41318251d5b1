"""Wake-ups of the relay for retries that are due before its schedule would find them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

_SOON_SECONDS = 60.0
_SOON_STEP_SECONDS, _STEP_SECONDS = 1, 10


class SendsWakeUps(Protocol):
    """Sends wake-up messages for endpoints."""

    def after(self, delays: Iterable[tuple[str, int]]) -> object:
        """Send a wake-up for each endpoint, after so many seconds."""


@dataclass
class RetryWakeUps:
    """The wake-ups of one run. Retries of an endpoint that are due at about the same time share one."""

    wake_ups: SendsWakeUps
    _requested: set[tuple[str, int]] = field(default_factory=set, init=False)
    _unsent: list[tuple[str, int]] = field(default_factory=list, init=False)

    def request(self, endpoint: str, due: datetime, now: datetime) -> None:
        """Request a wake-up for a retry, to the second within a minute, else to ten seconds."""
        present = now.timestamp()
        step = _SOON_STEP_SECONDS if due.timestamp() - present < _SOON_SECONDS else _STEP_SECONDS
        at = math.ceil(due.timestamp() / step) * step
        if (endpoint, at) not in self._requested:
            self._requested.add((endpoint, at))
            self._unsent.append((endpoint, max(0, math.ceil(at - present))))

    def send(self) -> None:
        """Send the wake-ups that were requested since the last call."""
        if self._unsent:
            self.wake_ups.after(self._unsent)
            self._unsent = []
