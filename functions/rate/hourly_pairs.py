"""Know which pairs are rated hourly if the rating cadence is longer than an hour.

They are those that near a step of their charge (a threshold, the included units, a tier, the maximum amount), those
whose period ends before their next slot, and those with an urgent marker: late usage, and pairs whose last rating
failed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from functions.rate.ports import HourlyPairs
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.planning import HOUR
from fusion_billing.billing.rating_cadence import RatingCadence
from fusion_billing.catalog.identifiers import LATE_AFTER
from fusion_billing.dynamodb.markers.changed_pairs import EVERY_METRIC, ChangedPair

_SLOTS_AHEAD = 4
"""A pair is near a step if it reaches it within so many slots at its pace: in two, if it becomes twice as fast."""


@dataclass(frozen=True, slots=True)
class HourlyRating:
    """The pairs that are rated hourly, by the cadence of the others."""

    store: HourlyPairs
    cadence: RatingCadence

    def of(self, shard: int, now: datetime) -> "ShardPairs":
        """Return the pairs of a shard that are rated hourly `now`."""
        return ShardPairs(self.store, self.store.of(shard, now), now)

    def add_closing(self, subscription: BilledSubscription, now: datetime) -> None:
        """Have a subscription rated hourly from the last slot of its period on, until all its usage is late."""
        end = subscription.calendar.open.end
        if now < end:
            since = end - self.cadence.length
            self.store.put(subscription.id, EVERY_METRIC, since=since, until=end + LATE_AFTER + HOUR)


@dataclass(frozen=True, slots=True)
class ShardPairs:
    """The pairs of one shard that are rated hourly, as one message finds and changes them."""

    store: HourlyPairs
    pairs: set[tuple[str, str]]
    now: datetime

    def select(self, page: Iterable[ChangedPair]) -> list[ChangedPair]:
        """Return those of a page's pairs that are rated hourly."""
        return [
            pair
            for pair in page
            if pair.is_urgent
            or (pair.subscription, pair.metric) in self.pairs
            or (pair.subscription, EVERY_METRIC) in self.pairs
        ]

    def update(self, nearing: "NearingPairs") -> None:
        """Add the rated pairs that near a step, each until its period ends, and remove those that don't."""
        for pair, until in nearing.pairs.items():
            if until is not None and pair not in self.pairs:
                self.store.put(*pair, since=self.now, until=until)
                self.pairs.add(pair)
            elif until is None and pair in self.pairs:
                self.store.put(*pair, since=self.now, until=self.now)
                self.pairs.remove(pair)
        nearing.pairs.clear()


class NearingPairs:
    """The pairs that a message has rated, and until when each that nears a step is rated hourly (None: it is not)."""

    def __init__(self, cadence: RatingCadence) -> None:
        self.ahead = _SLOTS_AHEAD * cadence.length
        self.pairs: dict[tuple[str, str], datetime | None] = {}

    def note(self, subscription: str, metric: str, until: datetime | None) -> None:
        """Note a rating of a pair; a pair nears a step if any of its charges does."""
        pair = subscription, metric
        self.pairs[pair] = until if until is not None else self.pairs.get(pair)
