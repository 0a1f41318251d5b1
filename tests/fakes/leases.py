"""Leases in memory."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class FakeLeases:
    """The leases of one owner, on a table that owners share.

    Attributes:
        table: Owner and end of each lease, by name.
        renewals: How often this owner renewed a lease.
    """

    owner: str = "own"
    table: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    renewals: int = 0

    @property
    def held(self) -> dict[str, datetime]:
        """Return the ends of this owner's leases, by name."""
        return {name: until for name, (owner, until) in self.table.items() if owner == self.owner}

    def of_another_owner(self) -> "FakeLeases":
        """Return the same leases as another owner sees them."""
        return FakeLeases("another", self.table)

    def take(self, name: str, now: datetime, until: datetime) -> bool:
        if name in self.table and self.table[name][1] > now:
            return False
        self.table[name] = self.owner, until
        return True

    def renew(self, name: str, now: datetime, until: datetime) -> bool:
        if self.held.get(name, now) <= now:
            return False
        self.table[name] = self.owner, until
        self.renewals += 1
        return True

    def give_back(self, name: str) -> None:
        if name in self.held:
            del self.table[name]

    def leave_closed(self, name: str, now: datetime, until: datetime) -> None:
        del now
        if name in self.held:
            self.table[name] = self.owner, until
