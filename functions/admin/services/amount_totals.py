"""Add up the ratings of all subscriptions by month, plan and currency, a bounded time at each request.

Nothing is written: each container keeps what it has added up, partition by partition of the index `ends`, and adds up
again what is older than some minutes. So an overview answers at once, and says if a part is still missing.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from functions.admin.ports import Ratings
from fusion_billing.billing.rating import RatingKey, StoredRating
from fusion_billing.catalog.identifiers import MAX_PAGE
from fusion_billing.decimals import EXACT, ZERO
from fusion_billing.dynamodb.ratings.period_ends import EndPosition, EndRange

KEPT = timedelta(minutes=5)
"""How old the totals of a partition may be."""

_PAGE = MAX_PAGE
_MONTHS_BEFORE, _MONTHS_AFTER = 2, 1
_MONTHS = 12


class Group(NamedTuple):
    """What is added up together: `ends` is the date of the period's end in the subscription's zone."""

    ends: date
    state: str
    plan: str
    currency: str


@dataclass(slots=True)
class Sum:
    """The amount, and the number of ratings and subscriptions, of a group."""

    amount: Decimal = ZERO
    ratings: int = 0
    subscriptions: int = 0


class EndPartitions(Protocol):
    """Reads partitions of the index `ends` (`dynamodb.ratings.period_ends.PeriodEnds`)."""

    def partition_page(
        self, ends: EndRange, position: EndPosition, limit: int
    ) -> tuple[list[RatingKey], EndPosition | None]:
        """Return ratings of one partition, and where it goes on."""


@dataclass(slots=True)
class _Partition:
    """The sums of a partition, and where adding up goes on (None: it is complete)."""

    began_at: datetime
    position: EndPosition | None
    sums: dict[Group, Sum] = field(default_factory=lambda: defaultdict(Sum))
    last: tuple[str, Group] | None = None


@dataclass(slots=True)
class AmountTotals:
    """Adds up; `clock` is a monotonic clock in seconds."""

    ends: EndPartitions
    ratings: Ratings
    clock: Callable[[], float]
    _complete: dict[str, _Partition] = field(default_factory=dict)
    _begun: dict[str, _Partition] = field(default_factory=dict)

    def refresh(self, now: datetime, seconds: float) -> None:
        """Add up what is missing or outdated, for some seconds at most; raises `Unavailable`."""
        until = self.clock() + seconds
        ends = period_ends_shown(now)
        for name in self._outdated(ends, now):
            partition = self._begun.setdefault(name, _Partition(now, EndPosition(name)))
            while partition.position is not None:
                if self.clock() >= until:
                    return
                self._add_page(ends, partition, now)
            self._complete[name] = self._begun.pop(name)

    def calculated_at(self, now: datetime) -> datetime | None:
        """Return the time of the oldest part of the totals; None while a part is missing."""
        known = [self._complete.get(name) for name in period_ends_shown(now).partitions]
        times = [partition.began_at for partition in known if partition is not None]
        return min(times) if len(times) == len(known) else None

    def sums(self, now: datetime) -> Iterator[tuple[Group, Sum]]:
        """Yield what is known of each group, once for each partition."""
        for name in period_ends_shown(now).partitions:
            if name in self._complete:
                yield from self._complete[name].sums.items()

    def _outdated(self, ends: EndRange, now: datetime) -> list[str]:
        """Return the partitions to add up: those that are missing first, then the oldest."""
        beginning = datetime.min.replace(tzinfo=UTC)
        at = {name: self._complete[name].began_at for name in ends.partitions if name in self._complete}
        due = [name for name in ends.partitions if name not in at or at[name] + KEPT <= now]
        return sorted(due, key=lambda name: at.get(name, beginning))

    def _add_page(self, ends: EndRange, partition: _Partition, now: datetime) -> None:
        if partition.position is None:
            return
        keys, partition.position = self.ends.partition_page(ends, partition.position, _PAGE)
        found = self.ratings.get_many(keys)
        for key in keys:
            if key in found:
                self._add(partition, found[key], now)

    def _add(self, partition: _Partition, rating: StoredRating, now: datetime) -> None:
        document = json.loads(rating.document_json)
        state = "invoiced" if rating.frozen else "upcoming" if rating.key.period_start > now else "open"
        ends = _local_date(document["period_end"], document["timezone"])
        group = Group(ends, state, document["plan"], document["currency"])
        total = partition.sums[group]
        total.amount = EXACT.add(total.amount, rating.amount)
        total.ratings += 1
        if partition.last != (rating.key.subscription, group):
            total.subscriptions += 1
        partition.last = (rating.key.subscription, group)


def period_ends_shown(now: datetime) -> EndRange:
    """Return which periods an overview shows: those that end from two months before this one to the next month."""
    month = now.astimezone(UTC).year * _MONTHS + now.astimezone(UTC).month - 1
    return EndRange(_first_day(month - _MONTHS_BEFORE), _first_day(month + _MONTHS_AFTER + 1) - timedelta(seconds=1))


def _first_day(month: int) -> datetime:
    return datetime(month // _MONTHS, month % _MONTHS + 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4096)
def _local_date(period_end: str, timezone: str) -> date:
    return datetime.fromisoformat(period_end).astimezone(ZoneInfo(timezone)).date()
