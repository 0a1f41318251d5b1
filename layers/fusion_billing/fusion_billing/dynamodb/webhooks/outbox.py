"""The outbox on DynamoDB and SQS: `application.outbox` with what it needs of the world."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.application.outbox import Event, Outbox
from fusion_billing.dynamodb.webhooks.endpoints import EndpointDirectory, EndpointStore
from fusion_billing.dynamodb.webhooks.events import EventStore, event_writes
from fusion_billing.webhooks.endpoint import Endpoint

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

QUIET_SECONDS = 1
_BATCH = 10  # messages that one SendMessageBatch takes


def build_outbox(
    dynamodb: "DynamoDBClient",
    sqs: "SQSClient",
    *,
    table: str,
    queue_url: str,
    monotonic: Callable[[], float] = time.monotonic,
) -> Outbox:
    """Return an outbox on the webhooks table and the relay's queue; build one a container, not one a call."""
    return Outbox(TableGateway(dynamodb, WakeUps(sqs, queue_url, monotonic=monotonic), table, monotonic))


class TableGateway:
    """`application.outbox.Gateway` on the webhooks table."""

    def __init__(
        self, dynamodb: "DynamoDBClient", wake_ups: "WakeUps", table: str, monotonic: Callable[[], float]
    ) -> None:
        self._directory = EndpointDirectory(EndpointStore(dynamodb, table), monotonic=monotonic)
        self._events = EventStore(dynamodb, table)
        self._nudges = wake_ups
        self._table = table

    def endpoints(self) -> Sequence[Endpoint]:
        """Return every endpoint, perhaps a second old."""
        return self._directory.endpoints()

    def next_sequence(self, subscription: str) -> int:
        """Return a number higher than every one given for this subscription before."""
        return self._events.next_sequence(subscription)

    def event_writes(self, event: Event, endpoints: Sequence[Endpoint], *, direct: bool) -> list[Any]:
        """Return the writes for the event and, if `direct`, for its deliveries."""
        return event_writes(self._table, event, endpoints, direct=direct)

    def wake_up(self, endpoints: Iterable[str]) -> None:
        """Ask the relay to serve these endpoints now."""
        self._nudges.now(endpoints)


class WakeUps:
    """Messages that wake the relay for an endpoint, at once or after a delay of up to fifteen minutes.

    The first nudge goes out at once. One that follows within `QUIET_SECONDS` is sent with that delay and
    stands for all that come until it is received, so a run that makes a thousand events for an
    endpoint sends a message a second and not a thousand.
    """

    LONGEST_DELAY = 900

    def __init__(self, sqs: "SQSClient", queue_url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._monotonic = monotonic
        self._covered: dict[str, float] = {}  # endpoint -> a nudge is on its way until then
        self._sent: dict[str, float] = {}  # when the latest is, or will be, received
        self._lock = threading.Lock()

    def now(self, endpoints: Iterable[str]) -> None:
        """Wake the relay for these endpoints. What AWS refuses is left to the relay's schedule."""
        self._send([(endpoint, delay) for endpoint in endpoints if (delay := self._delay(endpoint)) is not None])

    def after(self, wanted: Iterable[tuple[str, int]]) -> None:
        """Wake the relay for each endpoint after so many seconds; longer delays are the schedule's."""
        self._send([(endpoint, delay) for endpoint, delay in wanted if delay <= self.LONGEST_DELAY])

    def _delay(self, endpoint: str) -> int | None:
        with self._lock:
            moment = self._monotonic()
            if moment < self._covered.get(endpoint, moment):
                return None
            recent = moment < self._sent.get(endpoint, moment - QUIET_SECONDS) + QUIET_SECONDS
            delay = QUIET_SECONDS if recent else 0
            self._covered[endpoint] = self._sent[endpoint] = moment + delay
            return delay

    def _send(self, messages: Sequence[tuple[str, int]]) -> None:
        for start in range(0, len(messages), _BATCH):
            entries: Any = [
                {
                    "Id": str(index),
                    "MessageBody": json.dumps({"job": "deliveries", "endpoint": endpoint}),
                    "DelaySeconds": delay,
                }
                for index, (endpoint, delay) in enumerate(messages[start : start + _BATCH])
            ]
            try:
                self._sqs.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
            except (BotoCoreError, ClientError):
                # The event is stored by now: the two-minute schedule finds it, and the caller must not fail.
                return
