"""The rating cadence: how often changed pairs are rated.

A day is divided into slots from midnight UTC. The pairs that changed in a slot are rated together after its last hour.
Pairs that can't wait are rated hourly: `functions.rate.hourly_pairs` knows which.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from fusion_billing.billing.planning import HOUR, Hours

CadenceName = Literal["1h", "3h", "6h", "24h"]
CADENCES: tuple[str, ...] = get_args(CadenceName)


@dataclass(frozen=True, slots=True)
class RatingCadence:
    """A cadence of so many hours, a divisor of 24."""

    hours: int = 1

    @classmethod
    def named(cls, name: str) -> "RatingCadence":
        """Return the cadence of a setting such as `6h`; raises `ValueError`."""
        if name not in CADENCES:
            raise ValueError(f"must be one of {', '.join(CADENCES)}, not {name!r}")
        return cls(int(name.removesuffix("h")))

    @property
    def length(self) -> timedelta:
        """Return the length of a slot."""
        return self.hours * HOUR

    def whole_slots(self, hours: Hours) -> Hours:
        """Return `hours` up to the end of the last slot that ends in them; empty if none does."""
        begun = (hours.last + HOUR).hour % self.hours
        return Hours(hours.first, hours.last - begun * HOUR)


HOURLY = RatingCadence()
"""Every changed pair is rated hourly: the default."""


def remaining(hours: Hours, done: Hours, since: datetime | None) -> Hours:
    """Return the hours that follow those `done`, and the hour `since` if it is given."""
    first = done.last + HOUR if done.count else hours.first
    return Hours(first if since is None else max(first, since + HOUR), hours.last)
