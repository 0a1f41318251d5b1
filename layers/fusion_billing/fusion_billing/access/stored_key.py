"""An API key and a source as they are kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fusion_billing.access.principal import Principal

CLOCK_SKEW = timedelta(minutes=5)  # more than two machines' clocks ever differ


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key at rest: the hash of its secret, whom it stands for, and when it was revoked."""

    principal: Principal
    hash: str
    created: datetime
    revoked: datetime | None = None

    def live_at(self, now: datetime) -> bool:
        """Tell whether it may be used at `now`; a revocation by a clock that runs ahead holds at once."""
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
