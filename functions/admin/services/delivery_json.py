"""A delivery as responses show it."""

from typing import NotRequired, TypedDict

from fusion_billing.instants import rfc3339
from fusion_billing.webhooks.delivery import Delivery
from fusion_billing.webhooks.delivery_result import Attempt

COLUMNS = (
    "id",
    "endpoint",
    "event",
    "type",
    "subscription",
    "state",
    "attempt_count",
    "created_at",
    "due_at",
    "error",
)
"""The columns of deliveries as CSV; attempts and bodies are in JSON alone."""


class AttemptJson(TypedDict):
    """One attempt to deliver an event."""

    attempted_at: str
    duration_ms: int
    status: NotRequired[int]
    error: NotRequired[str]
    response: NotRequired[str]


class DeliveryJson(TypedDict):
    """The delivery of one event to one endpoint; `event` is the `webhook-id` that it is sent under."""

    id: str
    endpoint: str
    event: str
    type: str
    state: str
    attempt_count: int
    created_at: str
    attempts: list[AttemptJson]
    subscription: NotRequired[str]
    due_at: NotRequired[str]
    error: NotRequired[str]
    body: NotRequired[str | None]


def delivery_json(delivery: Delivery) -> DeliveryJson:
    """Return a delivery as responses show it, without its body."""
    shown: DeliveryJson = {
        "id": delivery.id,
        "endpoint": delivery.endpoint,
        "event": delivery.event,
        "type": delivery.type,
        "state": delivery.state,
        "attempt_count": delivery.attempt_count,
        "created_at": rfc3339(delivery.created_at),
        "attempts": [_attempt(attempt) for attempt in delivery.attempts],
    }
    if delivery.subscription is not None:
        shown["subscription"] = delivery.subscription
    if delivery.due_at is not None:
        shown["due_at"] = rfc3339(delivery.due_at)
    if delivery.error is not None:
        shown["error"] = delivery.error
    return shown


def _attempt(attempt: Attempt) -> AttemptJson:
    shown: AttemptJson = {"attempted_at": rfc3339(attempt.attempted_at), "duration_ms": attempt.milliseconds}
    if attempt.status is not None:
        shown["status"] = attempt.status
    if attempt.error is not None:
        shown["error"] = attempt.error
    if attempt.excerpt:
        shown["response"] = attempt.excerpt
    return shown
