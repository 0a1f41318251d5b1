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
    """A stored API key: the hash of its secret, its principal, when it was revoked, and its sessions by id."""

    principal: Principal
    hash: str
    created: datetime
    revoked: datetime | None = None
    sessions: Mapping[str, StoredSession] = field(default_factory=dict)

    def live_at(self, now: datetime) -> bool:
        """Return whether it is valid at `now`; a revocation by a clock that is ahead takes effect at once."""
        return self.revoked is None or now + CLOCK_SKEW < self.revoked


@dataclass(frozen=True, slots=True)
class Source:
    """An app that pushes usage: its limits (None: no limit) and the ids of its live keys."""

    id: str
    name: str
    metrics: frozenset[str] | None = None
    plans: frozenset[str] | None = None
    keys: tuple[str, ...] = ()
    created: datetime | None = None
