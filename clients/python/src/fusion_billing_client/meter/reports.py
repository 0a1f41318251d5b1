"""What a meter tells of its ledger."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class FlushReport:
    """What a flush did: counters pushed, rejected, and left to push."""

    pushed: int
    rejected: int
    pending: int


@dataclass(frozen=True)
class Status:
    """The state of a ledger.

    Attributes:
        pending: Counters that the service does not have yet.
        rejected: Counters that it rejected; `rejected()` lists them.
        oldest_pending: The start of the oldest pending window.
        last_push_at: When this process last pushed everything.
        last_error: Why its last push failed, None if it did not.
        unreadable: Journal lines that could not be read, after a power loss.
    """

    pending: int
    rejected: int
    oldest_pending: str | None
    last_push_at: datetime | None
    last_error: str | None
    unreadable: int
