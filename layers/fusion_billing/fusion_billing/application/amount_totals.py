"""Keep the totals of rated amounts of all subscriptions, part by part, so that an overview shows them at once.

Nothing is written for a rating. A part is added up from its ratings: by the sweep of its shard every fourth day, and by
an overview if it is outdated, the longest outdated first, as far as the time allows. Totals are stored, one item a
part, so an overview is complete from its first request on, as of the time that it names.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from fusion_billing.billing.amount_totals import FRESH, Group, Part, PartTotals, RatedAmount, Sum, parts_shown
from fusion_billing.billing.attention import MissingCounter
from fusion_billing.catalog.identifiers import MAX_PAGE

PAGE = MAX_PAGE
"""Ratings that are read between two checks of the remaining time."""

_Position = TypeVar("_Position")
"""Where ratings go on, as their reader names it."""


class RatedAmounts(Protocol[_Position]):
    """Reads the amounts of ratings (`dynamodb.ratings.rated_amounts.RatedAmounts`)."""

    def page(self, part: Part, after: _Position | None, limit: int) -> tuple[Sequence[RatedAmount], _Position | None]:
        """Return ratings of a part by subscription, and where they go on; raises `Unavailable`."""


class StoredTotals(Protocol):
    """Stores totals (`dynamodb.state.amount_totals.StoredTotals`)."""

    def get(self, parts: Iterable[Part]) -> dict[Part, PartTotals]:
        """Return the totals of those parts that were stored; raises `Unavailable`."""

    def put(self, part: Part, totals: PartTotals) -> None:
        """Store the totals of a part, unless newer ones are stored; raises `Unavailable`."""


@dataclass(slots=True)
class _Begun(PartTotals, Generic[_Position]):
    """A part that is being added up, and the position to continue from."""

    position: _Position | None = None


@dataclass(slots=True)
class AmountTotals(Generic[_Position]):
    """The totals, as far as this container knows them."""

    rated: RatedAmounts[_Position]
    stored: StoredTotals
    _known: dict[Part, PartTotals] = field(default_factory=dict)
    _begun: dict[Part, _Begun[_Position]] = field(default_factory=dict)

    def refresh(
        self,
        now: datetime,
        has_time: Callable[[], bool],
        *,
        shard: int | None = None,
        fresh_for: timedelta = FRESH,
    ) -> bool:
        """Add up the parts older than `fresh_for` while `has_time` returns True, of one shard if `shard` is given.

        Returns whether some are still outdated, and this call completed another one. Raises `Unavailable`.
        """
        outdated = self._outdated(now, shard, fresh_for)
        if outdated:
            self._load(parts_shown(now, shard))
            outdated = self._outdated(now, shard, fresh_for)
        for number, part in enumerate(outdated):
            if not self._add_up(part, now, has_time):
                return number > 0
        return False

    def calculated_at(self, now: datetime) -> datetime | None:
        """Return the time of the oldest part that may still change; None while a part is missing."""
        known = [(part, self._known.get(part)) for part in parts_shown(now)]
        times = [totals.began_at for part, totals in known if totals is not None and not totals.is_settled(part)]
        return min(times) if all(totals is not None for _, totals in known) else None

    def progress(self, now: datetime) -> tuple[int, int]:
        """Return how many parts have been added up at least once, and how many there are."""
        parts = list(parts_shown(now))
        return sum(part in self._known for part in parts), len(parts)

    def sums(self, now: datetime) -> Iterator[tuple[Group, Sum]]:
        """Yield what is known of each group, once for each part."""
        for part in parts_shown(now):
            if part in self._known:
                yield from self._known[part].sums.items()

    def missing(self, now: datetime) -> tuple[list[MissingCounter], int]:
        """Return some of the counters that no longer come, the longest missing first, and their number."""
        known = [self._known[part] for part in parts_shown(now) if part in self._known]
        listed = [counter for totals in known for counter in totals.missing]
        return sorted(listed, key=lambda counter: counter.changed_at), sum(totals.missing_count for totals in known)

    def _outdated(self, now: datetime, shard: int | None, fresh_for: timedelta) -> list[Part]:
        """Return the parts to add up: those that are missing first, then the oldest."""
        parts = [part for part in parts_shown(now, shard) if part not in self._known]
        known = [part for part in parts_shown(now, shard) if part in self._known]
        due = [part for part in known if not self._known[part].is_fresh(part, now, fresh_for)]
        return parts + sorted(due, key=lambda part: self._known[part].began_at)

    def _load(self, parts: Iterable[Part]) -> None:
        """Take over totals that another container stored, if they are newer."""
        for part, totals in self.stored.get(parts).items():
            if part not in self._known or self._known[part].began_at < totals.began_at:
                self._known[part] = totals

    def _add_up(self, part: Part, now: datetime, has_time: Callable[[], bool]) -> bool:
        """Add up a part from where it was left; return whether it is complete now."""
        begun, known = self._begun.get(part), self._known.get(part)
        if begun is None or (known is not None and known.began_at >= begun.began_at):
            # Another container completed it meanwhile: what was read before that is outdated.
            begun = self._begun[part] = _Begun(now)
        while has_time():
            page, begun.position = self.rated.page(part, begun.position, PAGE)
            for rated in page:
                begun.add(rated)
            if begun.position is None:
                del self._begun[part]
                self._known[part] = PartTotals(begun.began_at, begun.sums, begun.missing, begun.missing_count)
                self.stored.put(part, self._known[part])
                return True
        return False
