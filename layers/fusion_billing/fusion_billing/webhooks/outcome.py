"""What an answer means for a delivery and for its endpoint."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from fusion_billing.webhooks.retry_schedule import next_try, parse_retry_after

GONE = 410
ATTEMPTS_KEPT = timedelta(days=30)
MOST_ATTEMPTS_KEPT = 30

DeliveryState = Literal["due", "delivered", "parked"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of one try.

    `status` is None where there was no answer; then `error` is a stable word for why (`timed_out`,
    `connect_failed`, `tls_failed`, `unresolvable`, `refused_address`, `bad_answer`, …).
    `excerpt` is the beginning of the body, for people.
    """

    status: int | None
    error: str | None = None
    retry_after: str | None = None
    excerpt: str = ""
    milliseconds: int = 0

    @property
    def success(self) -> bool:
        """Say whether the endpoint took the message. A redirect did not: it is not followed."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004  2xx


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try as it is kept."""

    at: datetime
    status: int | None
    milliseconds: int
    error: str | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What becomes of a delivery, when it is next due, and whether its endpoint is `gone`."""

    state: DeliveryState
    due: datetime | None = None
    error: str | None = None
    gone: bool = False


def judge(answer: Answer, *, attempt_count: int, now: datetime, jitter: float) -> DeliveryResult:
    """Return what becomes of a delivery after `tries` tries, the last of which got `answer` at `now`."""
    if answer.success:
        return DeliveryResult("delivered")
    if answer.status == GONE:
        return DeliveryResult("parked", error="the endpoint answered 410", gone=True)
    due = next_try(attempt_count, now=now, jitter=jitter, retry_after=parse_retry_after(answer.retry_after, now=now))
    if due is None:
        return DeliveryResult("parked", error=f"every one of {attempt_count} tries failed")
    return DeliveryResult("due", due=due)


def kept(attempts: tuple[Attempt, ...], now: datetime) -> tuple[Attempt, ...]:
    """Return the attempts that are still kept: the latest, none older than thirty days."""
    return tuple(one for one in attempts if now - one.at < ATTEMPTS_KEPT)[-MOST_ATTEMPTS_KEPT:]
