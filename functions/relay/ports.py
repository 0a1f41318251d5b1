"""What the relay's use cases need of the stores."""

from datetime import datetime
from typing import Protocol


class PartitionLeases(Protocol):
    """The leases of partitions, held by one owner."""

    def take(self, name: str, now: datetime, until: datetime) -> bool:
        """Take a lease. Return False if another owner holds it."""

    def renew(self, name: str, now: datetime, until: datetime) -> bool:
        """Renew a lease that is held. Return False if it expired."""

    def give_back(self, name: str) -> object:
        """Release a lease that is held."""

    def leave_closed(self, name: str, now: datetime, until: datetime) -> None:
        """Keep a lease until `until` without an owner."""
