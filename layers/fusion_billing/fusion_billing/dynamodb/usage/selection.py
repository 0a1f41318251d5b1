"""Describe which records of a pair to list."""

from dataclasses import dataclass
from datetime import datetime

from fusion_billing.dynamodb import keys
from fusion_billing.instants import sortable

MAX_QUERIES = 10
"""Queries of a page, where most of a pair's records are not selected."""

LEAST_RECORDS = 100
"""Records of a query, where most of them may not be selected."""

FULL_PAGE = 1_000_000
"""Bytes of what a page's records say, which its JSON has up to three times."""

_FIRST, _LAST = "0", ":"  # before and after every instant, as text sorts


@dataclass(frozen=True, slots=True)
class Selection:
    """Says which records of a pair to list.

    Attributes:
        source: None selects the records of all sources.
        start: Windows start at or after this instant; None for no bound.
        end: Windows start before this instant; None for no bound.
        voided: Whether to select voided records instead of those that count.
    """

    subscription: str
    metric: str
    start: datetime | None = None
    end: datetime | None = None
    source: str | None = None
    voided: bool = False

    @property
    def partition(self) -> str:
        """The index's partition."""
        pair = keys.pair(self.subscription, self.metric)
        return keys.voided_pair(pair) if self.voided else pair

    @property
    def first(self) -> str:
        """The earliest start of a window, as the index stores it."""
        return sortable(self.start) if self.start else _FIRST

    @property
    def last(self) -> str:
        """The latest start of a window, as the index stores it."""
        return _before(self.end) if self.end else _LAST

    def has(self, pk: str) -> bool:
        """Return whether the source has a record under this key."""
        return self.source is None or pk.startswith(keys.usage_record(self.source, ""))

    def has_source(self, source: str) -> bool:
        """Return whether records of a source are selected."""
        return self.source in {None, source}


def _before(end: datetime) -> str:
    """Return the text just before an instant's, since BETWEEN includes both bounds."""
    text = sortable(end)
    return text[:-1] + chr(ord(text[-1]) - 1)
