"""Define an API key and a source as they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fusion_billing.access.principal import Principal
from fusion_billing.access.sessions import StoredSession

CLOCK_SKEW = timedelta(minutes=5)
"""More than the clocks of two machines differ."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A stored API key: the hash of its secret, its principal, and until when it is valid.

    `sessions` are those of the console, by id. `requests_per_second` is the copy of its source's limit; None for the
    service's default.
    """

    principal: Principal
    hash: str
    created: datetime
    revoked: datetime | None = None
    expires: datetime | None = None
    requests_per_second: int | None = None
    sessions: Mapping[str, StoredSession] = field(default_factory=dict)

    def live_at(self, now: datetime) -> bool:
        """Return whether it is not revoked at `now`; a revocation by a clock that is ahead takes effect at once."""
        return self.revoked is None or now + CLOCK_SKEW < self.revoked

    def has_expired(self, now: datetime) -> bool:
        """Return whether it is no longer valid at `now`."""
        return self.expires is not None and self.expires <= now


@dataclass(frozen=True, slots=True)
class Source:
    """An app that pushes usage: its limits (None: no limit) and the ids of its live keys.

    `requests_per_second` holds for each of its keys; None for the service's default.
    """

    id: str
    name: str
    metrics: frozenset[str] | None = None
    plans: frozenset[str] | None = None
    subscriptions: frozenset[str] | None = None
    keys: tuple[str, ...] = ()
    created: datetime | None = None
    version: int = 1
    requests_per_second: int | None = None

    @property
    def limits(self) -> tuple[frozenset[str] | None, ...]:
        """The limits that its keys and endpoints have copies of."""
        return self.metrics, self.plans, self.subscriptions
