"""A delivery: one event on its way to one endpoint."""

from dataclasses import dataclass
from datetime import datetime

from fusion_billing.webhooks import identifiers
from fusion_billing.webhooks.delivery_result import Attempt, DeliveryState


@dataclass(frozen=True, slots=True)
class Delivery:
    """A stored delivery.

    Attributes:
        attempt_count: Attempts since the delivery was created or last replayed.
        created_at: The time of the event.
        due_at: The time of the next attempt; during an attempt, the end of its lease.
        error: The reason that it failed.
        plan: The plan that the event is about; None if it was stored by an earlier release.
        metric: The metric that the event is about; None also for an event about none.
    """

    endpoint: str
    event: str
    type: str
    state: DeliveryState
    attempt_count: int
    created_at: datetime
    subscription: str | None = None
    due_at: datetime | None = None
    error: str | None = None
    plan: str | None = None
    metric: str | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def id(self) -> str:
        """Return its public id."""
        return identifiers.delivery_id(self.endpoint, self.event)
