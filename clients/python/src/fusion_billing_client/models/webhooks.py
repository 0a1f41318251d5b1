"""Webhook endpoints, deliveries and events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fusion_billing_client.decoding import Model


@dataclass(frozen=True, kw_only=True)
class Endpoint(Model):
    """A webhook endpoint; `secret` is known only when it was created or its secret rotated."""

    id: str
    url: str
    events: tuple[str, ...]
    source: str | None = None
    description: str = ""
    state: str = "enabled"
    created_at: datetime | None = None
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    previous_secret_expires_at: datetime | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class DeliveryAttempt(Model):
    """One attempt to deliver an event."""

    attempted_at: datetime
    duration_ms: int | None = None
    status: int | None = None
    error: str | None = None
    response: str | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery(Model):
    """The delivery of one event to one endpoint."""

    id: str
    type: str
    state: str
    endpoint: str | None = None
    event: str | None = None
    subscription: str | None = None
    attempt_count: int = 0
    created_at: datetime | None = None
    due_at: datetime | None = None
    error: str | None = None
    attempts: tuple[DeliveryAttempt, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Event(Model):
    """An event."""

    id: str
    type: str
    timestamp: datetime | None = None
    created_at: datetime | None = None
    subscription: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sent(Model):
    """An event that is sent."""

    event: str | None = None
    delivery: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReplayResult(Model):
    """How many events are sent again, and where the next call continues."""

    replayed: int = 0
    next_since: datetime | None = None
