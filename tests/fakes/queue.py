"""Queues."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from fusion_billing.errors import Unavailable
from fusion_billing.messaging.messages import Job


@dataclass
class FakeQueue:
    """A queue that keeps its messages as JSON would; `capacity` is how many more it takes."""

    messages: list[dict[str, object]] = field(default_factory=list)
    capacity: int = 1_000_000

    def send(self, messages: Iterable[Job]) -> int:
        count = 0
        for message in messages:
            if not self.capacity:
                raise Unavailable("The queue did not take every message")
            self.capacity -= 1
            self.messages.append(json.loads(json.dumps(message.to_json())))
            count += 1
        return count


@dataclass
class FakeRatingJobs:
    """The jobs that other functions request of rating: `(name, argument, delay)` in their order."""

    requested: list[tuple[str, str | None, int]] = field(default_factory=list)
    is_down: bool = False

    def subscription(self, subscription: str, *, delay: int = 0) -> None:
        self._request("subscription", subscription, delay)

    def sweep(self, charge: str | None = None, *, delay: int = 0) -> None:
        self._request("sweep", charge, delay)

    def _request(self, name: str, argument: str | None, delay: int) -> None:
        if self.is_down:
            raise Unavailable("The rating queue could not be reached")
        self.requested.append((name, argument, delay))
