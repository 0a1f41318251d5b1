"""Wake-up messages: they start a relay run for an endpoint before its schedule does."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from fusion_billing.errors import Unavailable
from fusion_billing.messaging.queue import ONCE, Queue
from fusion_billing.messaging.relay_messages import DeliveriesJob

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

QUIET_SECONDS = 1


class WakeUps:
    """Wakes the relay for endpoints, at once or after a delay of up to fifteen minutes.

    The first message goes out at once. A message within `QUIET_SECONDS` of it is sent with that delay, and stands
    for all that come until it is received: a run that makes a thousand events for an endpoint sends one message a
    second. A lost message costs two minutes, never an event: the relay's schedule finds due deliveries.
    """

    LONGEST_DELAY = 900

    def __init__(self, client: "SQSClient", queue_url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._queue = Queue(client, queue_url, retry=ONCE)
        self._monotonic = monotonic
        self._covered: dict[str, float] = {}  # endpoint -> a message is on its way until then
        self._sent: dict[str, float] = {}  # when the latest is, or will be, received
        self._lock = threading.Lock()

    def now(self, endpoints: Iterable[str]) -> None:
        """Wake the relay for these endpoints."""
        self._send([(endpoint, delay) for endpoint in endpoints if (delay := self._delay(endpoint)) is not None])

    def after(self, delays: Iterable[tuple[str, int]]) -> None:
        """Wake the relay for each endpoint after its delay in seconds; longer delays are left to the schedule."""
        self._send([(endpoint, delay) for endpoint, delay in delays if delay <= self.LONGEST_DELAY])

    def _delay(self, endpoint: str) -> int | None:
        with self._lock:
            moment = self._monotonic()
            if moment < self._covered.get(endpoint, moment):
                return None
            recent = moment < self._sent.get(endpoint, moment - QUIET_SECONDS) + QUIET_SECONDS
            delay = QUIET_SECONDS if recent else 0
            self._covered[endpoint] = self._sent[endpoint] = moment + delay
            return delay

    def _send(self, delays: Iterable[tuple[str, int]]) -> None:
        # The event is stored by now, so the caller must not fail.
        with suppress(Unavailable):
            self._queue.send_delayed((DeliveriesJob(endpoints=(endpoint,)), delay) for endpoint, delay in delays)
