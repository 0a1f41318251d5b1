"""What an app pushed: one counter, read and checked."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(slots=True, eq=False)
class UsageRecord:
    """One usage record as it was pushed.

    `start` and `end` are the window's instants as `instants.sortable` writes them, `number` is the quantity
    as plain text, `properties` canonical JSON or empty. `key` is the app's, or one made here (`key_made`).
    `source` is the one the record names, empty where it names none; `actor` the id of the key that pushes it
    on that source's behalf, empty where it is the source's own.
    """

    key: str
    key_made: bool
    subscription: str
    metric: str
    start: str
    end: str
    quantity: Decimal
    number: str
    sequence: int | None = None
    member: str | None = None
    properties: str = ""
    source: str = ""
    actor: str = ""

    @property
    def pair(self) -> str:
        """What is rated together: subscription and metric."""
        return f"{self.subscription}#{self.metric}"

    @property
    def target(self) -> str:
        """What a key is bound to for ever: subscription, metric, window and properties."""
        return f"{self.subscription}#{self.metric}#{self.start}#{self.end}#{self.properties}"
