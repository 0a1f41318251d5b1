"""Decide the outcome of a usage record, given what is stored under its key.

| stored | pushed | outcome |
|---|---|---|
| nothing | any | created |
| same target, same quantity and member, not voided | | unchanged |
| same target | otherwise, with a newer sequence or none | updated |
| same target | otherwise, with a sequence that is not newer | stale |
| another target | | conflict |

A sequence equal to the stored one with another quantity is stale too, because it is not newer.
A voided record counts again if it is pushed with a newer sequence, or without one.
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

RECORD_CODES: Final = (
    "unknown_metric",
    "unknown_subscription",
    "unknown_source",
    "source_not_allowed",
    "metric_not_allowed",
    "before_start",
    "subscription_ended",
    "window_key_mismatch",
    "reserved_key",
    "window_too_long",
    "out_of_range",
)
"""Codes of faults that become the code of the record; a record with another fault has the code `invalid`."""


@dataclass(slots=True, eq=False)
class Stored:
    """The record stored under a key, as far as an outcome depends on it."""

    target: str
    quantity: Decimal
    sequence: int | None
    member: str | None
    revision: int
    voided: bool = False


def decide(stored: Stored | None, record: UsageRecord) -> str:
    """Return the outcome of `record`; see the table above."""
    if stored is None:
        return CREATED
    if stored.target != record.target:
        return CONFLICT
    if not stored.voided and stored.quantity == record.quantity and stored.member == record.member:
        return UNCHANGED
    if record.sequence is None or sequence_is_newer(stored, record):
        return UPDATED
    return STALE


def sequence_is_newer(stored: Stored, record: UsageRecord) -> bool:
    """Return whether the record has a sequence that the stored one has not reached.

    It must be stored even if nothing else changes: otherwise a late record with a sequence between the two would
    take effect.
    """
    return record.sequence is not None and (stored.sequence is None or stored.sequence < record.sequence)


_SHOWN = 32  # characters of a stored property, in a response with up to 500 conflicts
_MOST_PROPERTIES = 4


def conflicts(stored_target: str, record: UsageRecord) -> tuple[Fault, ...]:
    """Return where the target of `record` differs from that of the record stored under its key, and what is stored.

    The first four properties that differ are listed.
    """
    subscription, metric, start, end, properties = stored_target.split("#", 4)
    both = (
        ("subscription", subscription, record.subscription),
        ("metric", metric, record.metric),
        ("period_start", _instant(start), _instant(record.start)),
        ("period_end", _instant(end), _instant(record.end)),
    )
    return (
        *(_conflict(field, stored) for field, stored, pushed in both if stored != pushed),
        *_property_conflicts(properties, record.properties),
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
