"""Lines that wait in lanes which are none any more, since LINE_PARTITIONS was lowered.

A changed setting starts new containers, so a container looks at its first run, and hourly after that for
what was still written under the old setting. The lanes found are emptied into the right ones.
"""

from collections.abc import Callable

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.ratings.order_lines import LineStore

MOST_LANES = 100
"""The largest LINE_PARTITIONS that the template takes."""

_EVERY_SECONDS = 3600.0


class Strays:
    """When it was last looked for strays; `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = float("-inf")

    def line_partitions(self, store: LineStore, line_partitions: int) -> list[int]:
        """Return the lanes past the last that hold lines; none where that was asked within the hour."""
        now = self._clock()
        if now < self._next:
            return []
        found = [
            line_partition
            for line_partition in range(line_partitions, MOST_LANES)
            if store.listing(keys.due_lines_partition(line_partition), 1)[0]
        ]
        self._next = now + _EVERY_SECONDS
        return found
