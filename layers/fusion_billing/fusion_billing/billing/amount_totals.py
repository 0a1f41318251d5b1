"""Totals of rated amounts by plan, currency and day of the period's end, in parts that are added up one by one.

A part holds the ratings of the subscriptions of a shard whose periods end in a month (UTC).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from fusion_billing.billing.attention import MissingCounter
from fusion_billing.catalog.identifiers import LIST_SHARDS
from fusion_billing.decimals import EXACT, ZERO

FRESH = timedelta(minutes=5)
"""How old the totals of a part may be before it is added up again."""
SETTLED_FRESH = timedelta(days=7)
"""The same for a month that is over and invoiced as a whole."""

MOST_LISTED = 20
"""Counters of a part that are listed if they no longer come."""

_MONTHS_BEFORE, _MONTHS_AFTER, _MONTHS = 2, 1, 12

State = Literal["open", "invoiced", "upcoming"]


class Part(NamedTuple):
    """The periods that end in `month` (`2026-12`, UTC) of the subscriptions of a shard of the list."""

    month: str
    shard: int


class RatedAmount(NamedTuple):
    """What a total needs of a rating. `ends` is the date of the period's end in the subscription's zone."""

    subscription: str
    period_start: datetime
    ends: date
    plan: str
    currency: str
    amount: Decimal
    is_invoiced: bool
    counter: MissingCounter | None = None
    """The charge, if its usage comes regularly."""
    expected_by: datetime | None = None
    """By when more usage is expected, as long as the period lasts."""


class Group(NamedTuple):
    """What is added up together. `opens_at` is set while the period has not begun."""

    ends: date
    is_invoiced: bool
    plan: str
    currency: str
    opens_at: datetime | None = None

    def state(self, now: datetime) -> State:
        """Return the state of the group's periods at `now`."""
        if self.is_invoiced:
            return "invoiced"
        return "open" if self.opens_at is None or self.opens_at <= now else "upcoming"


@dataclass(slots=True)
class Sum:
    """The amount, and the number of ratings and subscriptions, of a group."""

    amount: Decimal = ZERO
    ratings: int = 0
    subscriptions: int = 0

    def add(self, amount: Decimal, ratings: int, subscriptions: int) -> None:
        """Add to the sum."""
        self.amount = EXACT.add(self.amount, amount)
        self.ratings += ratings
        self.subscriptions += subscriptions


@dataclass(slots=True)
class PartTotals:
    """The totals of a part, as of `began_at`, when reading its ratings began."""

    began_at: datetime
    sums: dict[Group, Sum] = field(default_factory=dict)
    missing: list[MissingCounter] = field(default_factory=list)
    """Some of the counters that no longer come."""
    missing_count: int = 0
    _subscription: str = ""
    _counted: set[Group] = field(default_factory=set)

    def add(self, rated: RatedAmount) -> None:
        """Add a rating; those of a subscription follow one another."""
        opens_at = rated.period_start if rated.period_start > self.began_at and not rated.is_invoiced else None
        group = Group(rated.ends, rated.is_invoiced, rated.plan, rated.currency, opens_at)
        if self._subscription != rated.subscription:
            self._subscription, self._counted = rated.subscription, set()
        self.sums.setdefault(group, Sum()).add(rated.amount, 1, 0 if group in self._counted else 1)
        self._counted.add(group)
        if rated.counter is not None and rated.expected_by is not None and rated.expected_by <= self.began_at:
            self.missing_count += 1
            if len(self.missing) < MOST_LISTED:
                self.missing.append(rated.counter)

    def is_fresh(self, part: Part, now: datetime, fresh_for: timedelta) -> bool:
        """Return whether the totals need not be added up again yet: for `fresh_for`, if they may still change."""
        return now < self.began_at + (SETTLED_FRESH if self.is_settled(part) else fresh_for)

    def is_settled(self, part: Part) -> bool:
        """Return whether the month was over, and invoiced as a whole: its amounts no longer change."""
        return part.month < _text(_number(self.began_at)) and all(group.is_invoiced for group in self.sums)


def parts_shown(now: datetime, shard: int | None = None) -> Iterator[Part]:
    """Yield the parts of an overview: periods that end from two months before this one to the next month."""
    this = _number(now)
    for month in range(this - _MONTHS_BEFORE, this + _MONTHS_AFTER + 1):
        for each in range(LIST_SHARDS) if shard is None else (shard,):
            yield Part(_text(month), each)


def _number(instant: datetime) -> int:
    at = instant.astimezone(UTC)
    return at.year * _MONTHS + at.month - 1


def _text(month: int) -> str:
    return f"{month // _MONTHS:04d}-{month % _MONTHS + 1:02d}"
