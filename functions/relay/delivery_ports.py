"""What runs of deliveries need of the stores; `tests.fakes.webhooks` implements it in memory."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from fusion_billing.webhooks.publishing import Event, Prepared, TransactionWrite

if TYPE_CHECKING:
    from fusion_billing.dynamodb.webhooks.deliveries import Due
    from fusion_billing.webhooks.delivery import Delivery
    from fusion_billing.webhooks.delivery_result import DeliveryResult, EndpointResponse
    from fusion_billing.webhooks.endpoint import Endpoint


class EndpointHealth(Protocol):
    """Endpoints, and whether they work: `dynamodb.webhooks.endpoints.EndpointStore`."""

    def all(self) -> "list[Endpoint]":
        """Return every endpoint."""

    def note_failure(self, endpoint_id: str, now: datetime) -> datetime | None:
        """Note a failed attempt. Return since when the endpoint fails, None if it was deleted."""

    def note_success(self, endpoint_id: str) -> None:
        """Note a successful attempt."""

    def disable(self, endpoint: "Endpoint", writes: Sequence[TransactionWrite]) -> bool:
        """Disable an endpoint, with the writes of the event that reports it. Return False if it is not enabled."""


class DueDeliveries(Protocol):
    """Deliveries that are due, and their results: `dynamodb.webhooks.deliveries.DeliveryStore`."""

    def due(self, endpoint_id: str, now: datetime, *, limit: int) -> "list[Due]":
        """Return what is due for an endpoint, the longest due first."""

    def claim(self, found: "Due", *, token: str, until: datetime) -> "Delivery | None":
        """Claim a due delivery until an instant. Return None if another run has it."""

    def finish(
        self,
        delivery: "Delivery",
        *,
        token: str,
        response: "EndpointResponse | None",
        result: "DeliveryResult",
        now: datetime,
    ) -> bool:
        """Write the result of a claimed delivery. Return False if the claim was lost."""

    def fail(self, found: "Due", *, reason: str) -> bool:
        """Fail a due delivery without an attempt. Return False if it is no longer due."""


class DeliveryEvents(Protocol):
    """Events to deliver: `dynamodb.webhooks.events.EventStore`."""

    def get(self, event_id: str) -> Event | None:
        """Return an event, or None if it expired."""

    def to_fan_out(self, limit: int) -> list[str]:
        """Return the IDs of events whose deliveries are still to be written."""

    def fan_out(self, event_id: str, endpoints: "Iterable[Endpoint]") -> list[str]:
        """Write the deliveries of an event. Return the endpoints to serve."""


class EndpointEventPublisher(Protocol):
    """Publishes events about an endpoint: `application.outbox.Outbox`."""

    def prepare_for(
        self,
        type: str,  # noqa: A002  what the payload calls it
        *,
        endpoints: "Sequence[Endpoint]",
        data: Mapping[str, object],
        now: datetime,
    ) -> Prepared:
        """Return the writes of an event for these endpoints alone."""

    def wake_up(self, prepared: Prepared) -> None:
        """Wake the relay for the first attempts; call it after the transaction."""


class EndpointLeases(Protocol):
    """Leases of endpoints, one woken run each: `dynamodb.state.endpoint_leases.EndpointLeases`."""

    def take(self, endpoint_id: str, *, token: str, now: datetime, until: datetime) -> bool:
        """Take the lease of an endpoint. Return False, and leave a note, if another run holds it."""

    def give_back(self, endpoint_id: str, *, token: str) -> bool:
        """Release the lease. Return True if another run left a note."""
