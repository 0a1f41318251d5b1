"""Limit how many requests a second each key may send, over all containers (docs/decisions/0017-key-rate-limits.md).

A container has a token bucket for each key. If a key sends it more than a few requests a second, it adds its count to a
counter that all containers share, at most once a second, and learns the total from the same write. While the key asks
for more than its limit, each container's bucket fills at its share of it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fusion_billing.errors import TooManyRequests

SLOT_SECONDS = 5
"""How long one shared counter counts."""

BURST_SECONDS = 2.0
"""Requests of so many seconds may come at once."""

SHARED_FROM = 10
"""Requests after which a container shares its count; a tenth of the limit, if that is less."""

_SHARE_EVERY = 1.0
_SETTLED = 4.0
"""Seconds of a slot after which its counter tells the demand: what is not shared yet is a small part by then."""

_CALM_AFTER = 3.0
"""Seconds without enough requests to share after which a container's bucket fills at the whole limit again."""

_LONGEST_WAIT = SLOT_SECONDS
_REMEMBERED_KEYS = 1_000
_FORGOTTEN_AFTER = 2.0 * SLOT_SECONDS


class RequestCounts(Protocol):
    """Counters that all containers share (`dynamodb.state.request_counts.RequestCounts`)."""

    def add(self, key_id: str, slot: int, count: int) -> int | None:
        """Add to the counter of a key's slot; return the total, None if it is unknown just now."""


@dataclass(slots=True)
class _Bucket:
    """The requests of one key in this container.

    `rate` is the tokens a second; `pending` requests are not shared yet, `shared` ones were in `slot`.
    """

    limit: int
    rate: float
    tokens: float
    filled_at: float
    slot: int = 0
    shared: int = 0
    pending: int = 0
    shared_at: float = -math.inf

    @property
    def capacity(self) -> float:
        return max(1.0, self.rate * BURST_SECONDS)

    def fill(self, at: float) -> None:
        self.tokens = min(self.capacity, self.tokens + (at - self.filled_at) * self.rate)
        self.filled_at = at


class RateLimiter:
    """Counts the requests of keys, and refuses those beyond their limits."""

    def __init__(self, counts: RequestCounts, clock: Callable[[], float], default: int) -> None:
        """Create a limiter.

        Args:
            counts: The shared counters.
            clock: A monotonic clock, in seconds.
            default: Requests per second of a key whose source has no limit of its own; 0: it has none.
        """
        self._counts = counts
        self._clock = clock
        self._default = default
        self._buckets: dict[str, _Bucket] = {}

    def check(self, key_id: str, limit: int | None, now: datetime) -> None:
        """Count a request of a key, and raise `TooManyRequests` if it is beyond `limit` (None: the default)."""
        limit = limit or self._default
        if not limit:
            return
        at = self._clock()
        bucket = self._bucket(key_id, limit, at)
        if at - bucket.shared_at > _CALM_AFTER:
            bucket.rate = float(bucket.limit)
        bucket.fill(at)
        bucket.pending += 1
        enough = max(1, min(SHARED_FROM, bucket.limit // 10))
        if bucket.pending >= enough and at - bucket.shared_at >= _SHARE_EVERY:
            bucket.shared_at = at
            self._share(key_id, bucket, now)
        if bucket.tokens < 1:
            seconds = max(1, min(_LONGEST_WAIT, math.ceil((1 - bucket.tokens) / bucket.rate)))
            message = f"This API key may send {bucket.limit} requests per second: send the request again later"
            raise TooManyRequests(message, retry_after=seconds)
        bucket.tokens -= 1

    def _bucket(self, key_id: str, limit: int, at: float) -> _Bucket:
        known = self._buckets.get(key_id)
        if known is not None and known.limit == limit and at - known.filled_at < _FORGOTTEN_AFTER:
            return known
        if len(self._buckets) >= _REMEMBERED_KEYS:
            self._buckets.clear()
        bucket = self._buckets[key_id] = _Bucket(limit, limit, limit * BURST_SECONDS, at)
        return bucket

    def _share(self, key_id: str, bucket: _Bucket, now: datetime) -> None:
        """Add the pending requests to the shared counter, and follow what it says of the demand."""
        slot, elapsed = divmod(now.timestamp(), SLOT_SECONDS)
        if int(slot) != bucket.slot:
            bucket.slot, bucket.shared = int(slot), 0
        total = self._counts.add(key_id, bucket.slot, bucket.pending)
        bucket.shared += bucket.pending
        bucket.pending = 0
        is_surge = bucket.rate == bucket.limit and (total or 0) > bucket.limit * SLOT_SECONDS
        if total is None or not (elapsed >= _SETTLED or is_surge):
            return
        demand = total / max(1.0, elapsed)
        share = bucket.shared / max(total, bucket.shared)
        bucket.rate = bucket.limit * share if demand > bucket.limit else float(bucket.limit)
        bucket.tokens = min(bucket.tokens, bucket.capacity)
