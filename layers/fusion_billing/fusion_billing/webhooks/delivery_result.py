"""Decide what the response of an endpoint means for a delivery and for the endpoint."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from fusion_billing.webhooks.retry_schedule import next_attempt_at, parse_retry_after

GONE = 410
ATTEMPT_RETENTION = timedelta(days=30)
MAX_STORED_ATTEMPTS = 30

DeliveryState = Literal["due", "delivered", "failed"]


@dataclass(frozen=True, slots=True)
class EndpointResponse:
    """The response to one attempt.

    Attributes:
        status: The HTTP status code, or None if there was no response.
        error: A stable code for a missing response: `timed_out`, `connect_failed`, `tls_failed`,
            `connection_closed`, `unresolvable`, `refused_address` or `bad_answer`.
        retry_after: The `Retry-After` header as sent.
        excerpt: The beginning of the body, for people.
        milliseconds: The duration of the attempt.
    """

    status: int | None
    error: str | None = None
    retry_after: str | None = None
    excerpt: str = ""
    milliseconds: int = 0

    @property
    def success(self) -> bool:
        """Return whether the endpoint accepted the message. A redirect is no success: it is not followed."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004  2xx


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt, stored with its delivery."""

    attempted_at: datetime
    status: int | None
    milliseconds: int
    error: str | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The next state of a delivery, when it is due again, and whether its endpoint is `gone`."""

    state: DeliveryState
    due_at: datetime | None = None
    error: str | None = None
    gone: bool = False


def result_of(response: EndpointResponse, *, attempt_count: int, now: datetime, jitter: float) -> DeliveryResult:
    """Return the result of a delivery after its latest attempt.

    Args:
        response: The response to the latest attempt.
        attempt_count: The number of attempts so far, including the latest.
        now: The time of the latest attempt.
        jitter: A random number in [0, 1) that stretches the delay.
    """
    if response.success:
        return DeliveryResult("delivered")
    if response.status == GONE:
        return DeliveryResult("failed", error="the endpoint responded with 410 Gone", gone=True)
    retry_after = parse_retry_after(response.retry_after, now=now)
    due = next_attempt_at(attempt_count, now=now, jitter=jitter, retry_after=retry_after)
    if due is None:
        return DeliveryResult("failed", error=f"all {attempt_count} attempts failed")
    return DeliveryResult("due", due_at=due)


def recent_attempts(attempts: tuple[Attempt, ...], now: datetime) -> tuple[Attempt, ...]:
    """Return the attempts to store: at most the latest thirty, none older than thirty days."""
    return tuple(attempt for attempt in attempts if now - attempt.attempted_at < ATTEMPT_RETENTION)[
        -MAX_STORED_ATTEMPTS:
    ]
