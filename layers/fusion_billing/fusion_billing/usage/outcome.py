"""What a push comes to, given what is stored under its key.

| stored | pushed | outcome |
|---|---|---|
| nothing | any | created |
| same target, same quantity and member | | unchanged |
| same target | otherwise, its sequence newer or not given | updated |
| same target | otherwise, its sequence not newer | stale |
| another target | | conflict |

A sequence equal to the stored one with another quantity is stale too: it is not newer, so the first stays.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fusion_billing.usage.push import Push

CREATED: Final = "created"
UPDATED: Final = "updated"
UNCHANGED: Final = "unchanged"
STALE: Final = "stale"
CONFLICT: Final = "conflict"
INVALID: Final = "invalid"
UNAVAILABLE: Final = "unavailable"

ACCEPTED: Final = frozenset({CREATED, UPDATED, UNCHANGED, STALE})


@dataclass(slots=True, eq=False)
class Stored:
    """What is stored under a key, as far as an outcome depends on it."""

    target: str
    quantity: Decimal
    sequence: int | None
    member: str | None
    revision: int


def decide(stored: Stored | None, push: Push) -> str:
    """Return the outcome of `push`; see the table above."""
    if stored is None:
        return CREATED
    if stored.target != push.target:
        return CONFLICT
    if stored.quantity == push.quantity and stored.member == push.member:
        return UNCHANGED
    if push.sequence is None or sequence_is_newer(stored, push):
        return UPDATED
    return STALE


def sequence_is_newer(stored: Stored, push: Push) -> bool:
    """Tell whether the push carries a sequence that the stored record has not reached.

    It must be kept even where nothing else changes: a late push whose sequence lies between the two would
    otherwise take effect.
    """
    return push.sequence is not None and (stored.sequence is None or stored.sequence < push.sequence)
