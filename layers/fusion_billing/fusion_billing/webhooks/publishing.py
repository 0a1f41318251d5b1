"""Publish events: the stored form, and the port that services publish through."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

TransactionWrite: TypeAlias = object
"""One write of a transaction, as the database's adapter builds and takes it; use cases only pass it on."""


@dataclass(frozen=True, slots=True)
class Event:
    """A stored event. `body` contains the exact bytes to send; `plan` and `metric` decide who may see it."""

    id: str
    type: str
    subscription: str | None
    body: bytes
    at: datetime
    plan: str | None = None
    metric: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to write for an event, and whom it goes to. Empty if no endpoint listens.

    Attributes:
        writes: One write for the event, and one a delivery.
        endpoints: The IDs of the endpoints to wake the relay for.
        event_id: None if nothing is written.
    """

    writes: list[TransactionWrite]
    endpoints: tuple[str, ...] = ()
    event_id: str | None = None


NOTHING = Prepared(writes=[])


class EventPublisher(Protocol):
    """Publishes events: `application.outbox.Outbox`."""

    def prepare(
        self,
        type: str,  # noqa: A002  what the payload calls it
        *,
        subscription: str | None,
        plan: str | None,
        metric: str | None,
        data: Mapping[str, object],
        now: datetime,
    ) -> Prepared:
        """Return the writes of an event."""

    def wake_up(self, prepared: Prepared) -> None:
        """Wake the relay for the first attempts; call it after the transaction."""
