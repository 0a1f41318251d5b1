"""When to retry a delivery: the schedule that Standard Webhooks recommends, ten attempts in 76 hours."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The delay of each attempt after the previous one failed."""

JITTER = 0.1
"""The largest random extension of a delay, so that deliveries that failed together are not retried together."""

MAX_RETRY_AFTER = timedelta(hours=24)
"""The longest `Retry-After` that is followed."""

DISABLE_AFTER = timedelta(days=5)
"""How long an endpoint may only fail before it is disabled."""

_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


def next_attempt_at(
    attempt_count: int, *, now: datetime, jitter: float, retry_after: timedelta | None = None
) -> datetime | None:
    """Return when to try again after `tries` that failed, the last at `now`; None if that was the last.

    `jitter` is a random number in [0, 1). A `retry_after` is never undercut, and never shortens the schedule:
    an endpoint that says 0 would else use up its tries in a moment.
    """
    if attempt_count >= len(DELAYS):
        return None
    delay = DELAYS[attempt_count] * (1 + JITTER * jitter)
    if retry_after is not None:
        delay = max(delay, min(retry_after, MAX_RETRY_AFTER))
    return now + delay


def parse_retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """Parse a `Retry-After` header, in seconds or as a date; None if there is none.

    An invalid value counts as none, a date in the past as 0.
    """
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=int(text))
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    try:
        return max(timedelta(0), until - now)
    except OverflowError:
        return None


def failed_too_long(failing_since: datetime, now: datetime) -> bool:
    """Return whether an endpoint that has only failed since `failing_since` is to be disabled."""
    return now - failing_since >= DISABLE_AFTER
