"""Decide which endpoint is served next, so that a slow endpoint or a long backlog delays no other endpoint.

- An endpoint starts with one delivery at a time; each success allows one more, up to `MAX_CONCURRENT`.
- After a failure an endpoint counts as failing. All failing endpoints together use at most
  `MAX_CONCURRENT_FAILING` threads, so that the others keep the rest however many of them hang.
- Failures use up an endpoint's failure budget, in seconds. Once it is used up, the endpoint is not served again
  in this run: an endpoint that hangs stops early, one that refuses at once does not. Its deliveries stay due.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

MAX_CONCURRENT = 4
"""Deliveries to one endpoint at the same time."""
MAX_CONCURRENT_FAILING = 8
"""Deliveries to all failing endpoints at the same time."""
FAILURE_BUDGET = 20.0
"""Seconds that the failures of one endpoint may take in a run."""
FAILURE_BUDGET_IF_FAILING = 10.0
"""The same, for an endpoint that was failing before the run."""


@dataclass(slots=True)
class _EndpointQueue(Generic[Item]):
    waiting: deque[Item]
    is_failing: bool
    failure_budget: float
    max_concurrent: int = 1
    in_flight: int = 0


class FairScheduler(Generic[Item]):
    """Hand out deliveries by endpoint. Not thread-safe: call all methods from one thread."""

    def __init__(self, waiting: Mapping[str, Sequence[Item]], *, failing: Collection[str] = ()) -> None:
        self._queues = {
            name: _EndpointQueue(
                deque(items),
                name in failing,
                FAILURE_BUDGET_IF_FAILING if name in failing else FAILURE_BUDGET,
            )
            for name, items in waiting.items()
            if items
        }
        self._order = deque(self._queues)
        self._failing_in_flight = 0

    def take(self) -> tuple[str, Item] | None:
        """Return the next endpoint and delivery, or None if none may start before another one is done."""
        for _ in range(len(self._order)):
            name = self._order[0]
            self._order.rotate(-1)
            endpoint = self._queues[name]
            if not endpoint.waiting:
                self._order.remove(name)
            elif self._may_start(endpoint):
                endpoint.in_flight += 1
                self._failing_in_flight += endpoint.is_failing
                return name, endpoint.waiting.popleft()
        return None

    def done(self, name: str, *, ok: bool, seconds: float) -> bool:
        """Report that a delivery to the endpoint `name` is done.

        Args:
            name: The endpoint.
            ok: True if the endpoint accepted the delivery.
            seconds: How long the attempt took.

        Returns:
            False if the endpoint used up its failure budget and is not served again in this run.
        """
        endpoint = self._queues[name]
        endpoint.in_flight -= 1
        self._failing_in_flight -= endpoint.is_failing
        if ok:
            endpoint.max_concurrent = min(endpoint.max_concurrent + 1, MAX_CONCURRENT)
            return True
        if not endpoint.is_failing:
            endpoint.is_failing = True
            self._failing_in_flight += endpoint.in_flight
        endpoint.max_concurrent = 1
        endpoint.failure_budget -= seconds
        if endpoint.failure_budget <= 0:
            endpoint.waiting.clear()
        return endpoint.failure_budget > 0

    def drop(self, name: str) -> None:
        """Stop serving the endpoint `name` in this run."""
        self._queues[name].waiting.clear()

    def _may_start(self, endpoint: _EndpointQueue[Item]) -> bool:
        if endpoint.in_flight >= endpoint.max_concurrent:
            return False
        return not endpoint.is_failing or self._failing_in_flight < MAX_CONCURRENT_FAILING
