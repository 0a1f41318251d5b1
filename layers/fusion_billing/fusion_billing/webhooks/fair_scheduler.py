"""Who is served next: endpoints by turns, so that none waits for another's slowness or backlog.

- An endpoint begins with one delivery at a time, and is trusted with more at once as it takes them.
- After its first failure it is doubtful; all the doubtful together get a part of the threads only, so that
  however many of them hang, the others have the rest.
- Failures that took their time end an endpoint's turn for this run: one that hangs is not asked again and
  again, one that refuses at once may be. What is left stays due.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

AT_ONCE = 4
DOUBTFUL_AT_ONCE = 8
WASTE_ALLOWED = 20.0
WASTE_ALLOWED_IF_DOUBTFUL = 10.0
"""Seconds that an endpoint's failures may take of a run."""


@dataclass(slots=True)
class _Turn(Generic[Item]):
    waiting: deque[Item]
    doubtful: bool
    deadline: float
    width: int = 1
    in_flight: int = 0


class FairScheduler(Generic[Item]):
    """Hands out deliveries by endpoint. Not thread-safe: one thread takes and reports."""

    def __init__(self, waiting: Mapping[str, Sequence[Item]], *, doubtful: Collection[str] = ()) -> None:
        self._turns = {
            name: _Turn(
                deque(items),
                name in doubtful,
                WASTE_ALLOWED_IF_DOUBTFUL if name in doubtful else WASTE_ALLOWED,
            )
            for name, items in waiting.items()
            if items
        }
        self._order = deque(self._turns)
        self._doubtful_in_flight = 0

    def take(self) -> tuple[str, Item] | None:
        """Return the next delivery and its endpoint, or None if none may begin before another is done."""
        for _ in range(len(self._order)):
            name = self._order[0]
            self._order.rotate(-1)
            turn = self._turns[name]
            if not turn.waiting:
                self._order.remove(name)
            elif self._may_begin(turn):
                turn.in_flight += 1
                self._doubtful_in_flight += turn.doubtful
                return name, turn.waiting.popleft()
        return None

    def done(self, name: str, *, ok: bool, seconds: float) -> bool:
        """Report that a delivery which was taken is done, whether the endpoint took it, and in what time.

        Returns False where the endpoint's turn is over by that.
        """
        turn = self._turns[name]
        turn.in_flight -= 1
        self._doubtful_in_flight -= turn.doubtful
        if ok:
            turn.width = min(turn.width + 1, AT_ONCE)
            return True
        if not turn.doubtful:
            turn.doubtful = True
            self._doubtful_in_flight += turn.in_flight
        turn.width = 1
        turn.deadline -= seconds
        if turn.deadline <= 0:
            turn.waiting.clear()
        return turn.deadline > 0

    def drop(self, name: str) -> None:
        """Serve an endpoint no more in this run."""
        self._turns[name].waiting.clear()

    def _may_begin(self, turn: _Turn[Item]) -> bool:
        if turn.in_flight >= turn.width:
            return False
        return not turn.doubtful or self._doubtful_in_flight < DOUBTFUL_AT_ONCE
