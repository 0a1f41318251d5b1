"""When to send a request again, and how long to wait before.

Usage records carry idempotency keys, definitions are replaced whole, and reading changes nothing: these requests
are repeated after a lost connection, 429, and 5xx. Requests that create something new with each call (a source, a
key, an endpoint) are repeated only if the service can't have acted on them: after a refused connection or a 429.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Final

RETRIED_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
TOO_MANY_REQUESTS: Final = 429


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long a request is repeated.

    The delay before attempt n is random between half and all of `base * 2 ** (n - 1)` seconds, at most `longest`.
    A `Retry-After` of the service is the least delay; one beyond `longest_retry_after` ends the attempts.
    """

    attempts: int = 5
    base: float = 0.25
    longest: float = 20.0
    longest_retry_after: float = 60.0

    def delay(self, attempt: int, retry_after: float | None) -> float | None:
        """Return the seconds to wait after attempt number `attempt` (from 1) failed; None to give up."""
        if attempt >= self.attempts:
            return None
        if retry_after is not None and retry_after > self.longest_retry_after:
            return None
        whole = min(self.longest, self.base * 2.0 ** (attempt - 1))
        jittered = whole * (0.5 + random.random() / 2)  # noqa: S311  spreads load; nothing secret
        return max(jittered, retry_after or 0.0)


NO_RETRIES: Final = RetryPolicy(attempts=1)


def retry_after_seconds(value: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds that a `Retry-After` header names, as a number or as a date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=timezone.utc)
    return max(0.0, (until - (now or datetime.now(timezone.utc))).total_seconds())
