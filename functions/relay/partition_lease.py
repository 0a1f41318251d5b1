"""The lease of a partition of due order lines: one run at a time sends the lines of a partition.

A run renews the lease before a call that could outlast half of it. After a call that timed out, the lease is
kept until Odoo has certainly given that call up.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from functions.relay.ports import PartitionLeases
from fusion_billing.dynamodb.keys import partition_lease

LEASE = timedelta(seconds=120)

_MIN_CALL_SECONDS = 5.0
_MARGIN_SECONDS = 8.0


class OutOfTime(Exception):
    """The run has no time left for another call. Lines that were not sent stay due."""


class LeaseLost(Exception):
    """The lease expired before it was renewed. Another run may hold it now."""


@dataclass
class PartitionLease:
    """The lease of one partition, held by one run.

    Args:
        number: The partition's number.
        clock: Returns the time.
        remaining: Returns the seconds that are left of the run.
        call_seconds: How long a call to Odoo may take at most.
    """

    leases: PartitionLeases
    number: int
    clock: Callable[[], datetime]
    remaining: Callable[[], float]
    call_seconds: float
    _until: datetime | None = field(default=None, init=False)
    _keep_until: datetime | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The name under which the lease is stored."""
        return partition_lease(self.number)

    @property
    def is_kept(self) -> bool:
        """Tell whether Odoo may still be processing a call of this partition."""
        return self._keep_until is not None

    def take(self) -> bool:
        """Take the lease. Return False if another run holds it."""
        now = self.clock()
        if not self.leases.take(self.name, now, now + LEASE):
            return False
        self._until = now + LEASE
        return True

    def keep_until(self, instant: datetime) -> None:
        """Keep the partition leased until `instant`, whenever this run ends."""
        self._keep_until = instant

    def release(self) -> None:
        """Release the lease if this run holds it, unless it is to be kept."""
        if self._until is None:
            return
        if self._keep_until is None:
            self.leases.give_back(self.name)
        else:
            self.leases.leave_closed(self.name, self.clock(), self._keep_until)

    def seconds_for_call(self) -> float:
        """Return how long the next call may take, and renew the lease if it would not last twice as long.

        Raises:
            OutOfTime: The run has no time left for a call.
            LeaseLost: The lease expired, and another run may hold it.
        """
        seconds = min(self.call_seconds, LEASE.total_seconds() / 2, self.remaining() - _MARGIN_SECONDS)
        if seconds < _MIN_CALL_SECONDS:
            raise OutOfTime
        now = self.clock()
        if self._until is None or self._until < now + timedelta(seconds=2 * seconds):
            if not self.leases.renew(self.name, now, now + LEASE):
                raise LeaseLost
            self._until = now + LEASE
        return seconds
