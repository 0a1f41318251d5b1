"""When a delivery is tried again: the schedule that Standard Webhooks recommends, ten tries in 76 hours."""

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
"""How long each try waits for the one before it to have failed."""

JITTER = 0.1
"""A delay is stretched by up to this share, so that what failed together does not come back together."""

MAX_RETRY_AFTER = timedelta(hours=24)
"""What a `Retry-After` may ask for at most."""

DISABLE_AFTER = timedelta(days=5)
"""An endpoint that has only failed for so long is disabled."""

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
    """Return how long a `Retry-After` header asks to wait, by seconds or by date; None where it says nothing.

    What can't be read says nothing, a date that is past says 0.
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
    """Say whether an endpoint that has only failed since then is to be disabled."""
    return now - failing_since >= DISABLE_AFTER
