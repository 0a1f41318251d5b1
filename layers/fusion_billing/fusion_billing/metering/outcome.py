"""What a push comes to, given what is stored under its key.

| stored | pushed | outcome |
|---|---|---|
| nothing | any | created |
| same target, same quantity and member, not voided | | unchanged |
| same target | otherwise, its sequence newer or not given | updated |
| same target | otherwise, its sequence not newer | stale |
| another target | | conflict |

A sequence equal to the stored one with another quantity is stale too: it is not newer, so the first stays.
A voided record counts again once it is pushed with a newer sequence, or without one.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from fusion_billing.errors import Fault
from fusion_billing.instants import rfc3339
from fusion_billing.metering.usage_record import UsageRecord

CREATED: Final = "created"
UPDATED: Final = "updated"
UNCHANGED: Final = "unchanged"
STALE: Final = "stale"
CONFLICT: Final = "conflict"
INVALID: Final = "invalid"
UNAVAILABLE: Final = "unavailable"
VOIDED: Final = "voided"

ACCEPTED: Final = frozenset({CREATED, UPDATED, UNCHANGED, STALE})


@dataclass(slots=True, eq=False)
class Stored:
    """What is stored under a key, as far as an outcome depends on it."""

    target: str
    quantity: Decimal
    sequence: int | None
    member: str | None
    revision: int
    voided: bool = False


def decide(stored: Stored | None, push: UsageRecord) -> str:
    """Return the outcome of `push`; see the table above."""
    if stored is None:
        return CREATED
    if stored.target != push.target:
        return CONFLICT
    if not stored.voided and stored.quantity == push.quantity and stored.member == push.member:
        return UNCHANGED
    if push.sequence is None or sequence_is_newer(stored, push):
        return UPDATED
    return STALE


def sequence_is_newer(stored: Stored, push: UsageRecord) -> bool:
    """Tell whether the push carries a sequence that the stored record has not reached.

    It must be kept even where nothing else changes: a late push whose sequence lies between the two would
    otherwise take effect.
    """
    return push.sequence is not None and (stored.sequence is None or stored.sequence < push.sequence)


_SHOWN = 32  # characters of a stored property, in an answer that names 500 conflicts
_MOST_PROPERTIES = 4


def conflicts(stored_target: str, push: UsageRecord) -> tuple[Fault, ...]:
    """Return where `push` is aimed elsewhere than the record stored under its key, with what is stored.

    Of properties the first four that differ are named.
    """
    subscription, metric, start, end, properties = stored_target.split("#", 4)
    both = (
        ("subscription", subscription, push.subscription),
        ("metric", metric, push.metric),
        ("period_start", _instant(start), _instant(push.start)),
        ("period_end", _instant(end), _instant(push.end)),
    )
    return (
        *(_conflict(field, stored) for field, stored, pushed in both if stored != pushed),
        *_property_conflicts(properties, push.properties),
    )


def _property_conflicts(stored: str, pushed: str) -> list[Fault]:
    before: dict[str, str] = json.loads(stored or "{}")
    now: dict[str, str] = json.loads(pushed or "{}")
    names = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    return [_conflict(f"properties.{_cut(name)}", before.get(name)) for name in names[:_MOST_PROPERTIES]]


def _conflict(field: str, stored: str | None) -> Fault:
    shown = None if stored is None else _cut(stored)
    message = "the stored record has none" if shown is None else f"the stored record has {shown}"
    return Fault(field, CONFLICT, message, stored=shown)


def _cut(text: str) -> str:
    most = _SHOWN * 2 if text.isascii() else _SHOWN
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _instant(sortable_instant: str) -> str:
    return rfc3339(datetime.fromisoformat(sortable_instant))
