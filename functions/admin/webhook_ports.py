"""Ports of the admin function for webhooks: what its services need from the outside."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fusion_billing.webhooks.delivery import Delivery
    from fusion_billing.webhooks.delivery_result import DeliveryState
    from fusion_billing.webhooks.endpoint import Endpoint
    from fusion_billing.webhooks.publishing import Event, Prepared, TransactionWrite


class Endpoints(Protocol):
    """Stores webhook endpoints (`dynamodb.webhooks.endpoints.EndpointStore`)."""

    def get(self, endpoint_id: str) -> "Endpoint | None":
        """Return an endpoint."""

    def listing(self, *, source: str | None, limit: int, after: str | None) -> "tuple[list[Endpoint], str | None]":
        """Return a page of endpoints by id, and the id after which the next page begins."""

    def create(self, endpoint: "Endpoint", also: "Sequence[TransactionWrite]" = ()) -> None:
        """Store a new endpoint, with further writes of the transaction; raises `VersionConflict` if one fails."""

    def replace(
        self, endpoint: "Endpoint", *, forget_failures: bool = False, also: "Sequence[TransactionWrite]" = ()
    ) -> "Endpoint":
        """Store an endpoint over the version that was read, and return it; raises `Conflict`."""

    def delete(self, endpoint_id: str, also: "Sequence[TransactionWrite]" = ()) -> None:
        """Delete an endpoint."""


class EndpointSecrets(Protocol):
    """Encrypts signing secrets (`dynamodb.webhooks.endpoint_secrets.EndpointSecrets`)."""

    def seal(self, endpoint_id: str, secret: str) -> bytes:
        """Return a secret encrypted for one endpoint; raises `Unavailable`."""

    def open(self, endpoint_id: str, sealed: bytes) -> str:
        """Return the secret that was encrypted; raises `Unavailable`."""


class Events(Protocol):
    """Stores events (`dynamodb.webhooks.events.EventStore`)."""

    def write(self, writes: "list[TransactionWrite]") -> None:
        """Store an event that no other change comes with."""


class StoredEvents(Protocol):
    """Reads events (`dynamodb.webhooks.events.EventStore`)."""

    def get(self, event_id: str) -> "Event | None":
        """Return an event; None if there is none, or it has expired."""

    def bodies(self, event_ids: Sequence[str]) -> dict[str, bytes]:
        """Return the bodies of those of the events that exist, by ID."""


class EndpointEvents(Protocol):
    """Publishes events about an endpoint (`application.outbox.Outbox`)."""

    def prepare_for(
        self,
        type: str,  # noqa: A002  what the payload calls it
        *,
        endpoints: "Sequence[Endpoint]",
        data: Mapping[str, object],
        now: datetime,
    ) -> "Prepared":
        """Return the writes of an event for these endpoints alone."""

    def wake_up(self, prepared: "Prepared") -> None:
        """Wake the relay for the first attempts."""


class Deliveries(Protocol):
    """Reads and replays deliveries (`dynamodb.webhooks.deliveries.DeliveryStore`)."""

    def get(self, endpoint_id: str, event_id: str) -> "Delivery | None":
        """Return a delivery."""

    def listing(
        self,
        endpoint_id: str,
        *,
        limit: int,
        after: str | None = None,
        since: datetime | None = None,
        states: "frozenset[DeliveryState] | None" = None,
        type_: str | None = None,
        visible_to: "Endpoint | None" = None,
        oldest_first: bool = False,
    ) -> "tuple[list[Delivery], str | None]":
        """Return a page of an endpoint's deliveries, and the event after which the next page begins."""

    def replay(self, endpoint_id: str, event_id: str, now: datetime, also: "Sequence[TransactionWrite]" = ()) -> bool:
        """Make a delivery due now; False if there is none."""


class WakeUps(Protocol):
    """Wakes the relay (`messaging.wakeups.WakeUps`)."""

    def now(self, endpoints: Iterable[str]) -> None:
        """Wake the relay for endpoints."""
