"""Define a usage record: one counter pushed by an app, parsed and valid."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(slots=True, eq=False)
class UsageRecord:
    """One usage record as it was pushed.

    `start` and `end` are the instants of the window as `instants.sortable` writes them, `number` is the quantity as
    plain text, `properties` canonical JSON or empty. `key` is the app's, or one that the service made (`key_made`).
    `reason` is why it is corrected, for its history; empty if none is given.
    `source` is the source that the record names, empty if it names none; `actor` is the id of the key that pushes it
    on behalf of that source, empty if the key is the source's own. `window_suffix` is the end of a key that was derived
    from the window (`metering.window_keys`), None for any other key.
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
    reason: str = ""
    source: str = ""
    actor: str = ""
    window_suffix: str | None = None

    @property
    def pair(self) -> str:
        """The subscription and the metric, whose usage is rated together."""
        return f"{self.subscription}#{self.metric}"

    @property
    def target(self) -> str:
        """What never changes under a key: subscription, metric, window and properties."""
        return f"{self.subscription}#{self.metric}#{self.start}#{self.end}#{self.properties}"
