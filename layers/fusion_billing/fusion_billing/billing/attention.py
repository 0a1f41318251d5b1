"""What of rating needs an operator's attention: pairs that can't be rated, and counters that stopped coming."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

_CHANGES, _GAPS = 8, 3
"""The latest changes of units that are considered, and the fewest gaps between them that make a habit."""
_LEAST = timedelta(days=1)


class FailingPair(NamedTuple):
    """A pair that could not be rated; the `reason` is empty if it may quote stored data."""

    subscription: str
    metric: str
    reason: str


class ExpectedChange(NamedTuple):
    """When the units of a rating changed last, and by when they would have changed again."""

    changed_at: datetime
    expected_by: datetime


class MissingCounter(NamedTuple):
    """A charge of a subscription whose usage came regularly, and no longer does."""

    subscription: str
    charge: str
    metric: str
    changed_at: datetime


def expected_change(versions: Sequence[tuple[str, datetime]]) -> ExpectedChange | None:
    """Return when units that changed regularly are expected to change again: after twice their longest recent gap.

    At the earliest a day after the last change. `versions` are the units and the time of each version of a rating.
    None without three gaps at least.
    """
    changes = [at for (before, _), (units, at) in pairwise(versions) if before != units]
    times = [*(at for _, at in versions[:1]), *changes][-_CHANGES:]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    if len(gaps) < _GAPS:
        return None
    return ExpectedChange(times[-1], times[-1] + max(2 * max(gaps), _LEAST))
