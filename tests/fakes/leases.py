"""Leases in memory."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class FakeLeases:
    """The leases of one owner; `taken` are those that somebody else holds, and until when."""

    taken: dict[str, datetime] = field(default_factory=dict)
    held: dict[str, datetime] = field(default_factory=dict)
    renewals: int = 0

    def take(self, name: str, now: datetime, until: datetime) -> bool:
        if self.taken.get(name, now) > now:
            return False
        self.held[name] = until
        return True

    def renew(self, name: str, now: datetime, until: datetime) -> bool:
        if self.held.get(name, now) <= now:
            return False
        self.held[name] = until
        self.renewals += 1
        return True

    def give_back(self, name: str) -> None:
        self.held.pop(name, None)

    def leave_closed(self, name: str, now: datetime, until: datetime) -> None:
        self.held.pop(name, None)
        self.taken[name] = until
