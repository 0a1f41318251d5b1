"""The outbox's port on the webhooks table and the relay queue."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from fusion_billing.dynamodb.webhooks.endpoints import EndpointDirectory, EndpointStore
from fusion_billing.dynamodb.webhooks.events import EventStore, event_writes
from fusion_billing.messaging.wakeups import WakeUps
from fusion_billing.webhooks.endpoint import Endpoint
from fusion_billing.webhooks.publishing import Event, TransactionWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TableGateway:
    """`application.outbox.Gateway` on the webhooks table."""

    def __init__(
        self, dynamodb: "DynamoDBClient", wake_ups: WakeUps, table: str, monotonic: Callable[[], float]
    ) -> None:
        self._directory = EndpointDirectory(EndpointStore(dynamodb, table), monotonic=monotonic)
        self._events = EventStore(dynamodb, table)
        self._wake_ups = wake_ups
        self._table = table

    def endpoints(self) -> Sequence[Endpoint]:
        """Return every endpoint, at most a second old."""
        return self._directory.endpoints()

    def next_sequence(self, subscription: str) -> int:
        """Return the next sequence number of a subscription."""
        return self._events.next_sequence(subscription)

    def event_writes(self, event: Event, endpoints: Sequence[Endpoint], *, direct: bool) -> list[TransactionWrite]:
        """Return the writes for the event and, if `direct`, for its deliveries."""
        return event_writes(self._table, event, endpoints, direct=direct)

    def wake_up(self, endpoints: Iterable[str]) -> None:
        """Wake the relay for these endpoints."""
        self._wake_ups.now(endpoints)
