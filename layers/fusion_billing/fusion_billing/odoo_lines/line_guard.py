"""Decide what to do about an order line that differs from its rating: repair it a few times, or report it.

Odoo and its users change order lines too (Update Prices, a new recurring plan, an edit). By default a changed line is
repaired: it becomes due again, and the relay writes it as rated. If it is changed again after each repair, it fails
after `MAX_REPAIRS` repairs within a day, and an operator decides.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from fusion_billing.instants import parse_instant, rfc3339
from fusion_billing.json_types import JsonMapping, JsonObject

LineGuard = Literal["repair", "report"]
GUARDS: tuple[str, ...] = get_args(LineGuard)
"""`repair`: a changed line is written again as rated; `report`: nothing is written to Odoo."""

MAX_REPAIRS = 5
"""Repairs of one line within `REPAIR_WINDOW`; after the next change it fails."""

REPAIR_WINDOW = timedelta(days=1)

MAX_NOTES = 8
"""Findings stored for one rating; the oldest are dropped."""

SEEN_AGAIN_WITHIN = timedelta(days=3)
"""A finding that was not seen for longer is dropped: all lines are compared daily."""

ITSELF = "line"
"""The key of the finding about the line itself; findings about copies are under their Odoo ids."""

Action = Literal["repaired", "reported", "failed"]


@dataclass(frozen=True, slots=True)
class Note:
    """A stored finding: what differs, both amounts, and what was done.

    `odoo_amount` is None if Odoo does not have the line. `why` says why it was not repaired. `repaired_at` are the
    repairs within the last day, the newest last.
    """

    found: tuple[str, ...]
    amount: str
    odoo_amount: str | None
    odoo_order: int | None
    action: Action
    at: datetime
    why: str = ""
    repaired_at: tuple[datetime, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it was not repaired."""
        return self.action != "repaired"

    def is_same(self, other: "Note | None") -> bool:
        """Return whether `other` is the same finding, seen at any time."""
        return other is not None and replace(self, at=other.at) == other

    def as_dict(self) -> JsonObject:
        """Return it as JSON, times in RFC 3339."""
        return {
            "found": list(self.found),
            "amount": self.amount,
            "odoo_amount": self.odoo_amount,
            "odoo_order_id": self.odoo_order,
            "action": self.action,
            "at": rfc3339(self.at),
            "why": self.why,
            "repaired_at": [rfc3339(at) for at in self.repaired_at],
        }

    @classmethod
    def of(cls, stored: JsonMapping) -> "Note":
        """Return the note that `as_dict` made."""
        return cls(
            tuple(stored["found"]),
            stored["amount"],
            stored["odoo_amount"],
            stored["odoo_order_id"],
            stored["action"],
            parse_instant(stored["at"]),
            stored["why"],
            tuple(parse_instant(at) for at in stored["repaired_at"]),
        )


Notes = Mapping[str, Note]


def read_notes(text: str | None) -> dict[str, Note]:
    """Return the notes stored with a rating; empty if there are none."""
    return {key: Note.of(stored) for key, stored in json.loads(text or "{}").items()}


def notes_text(notes: Notes) -> str:
    """Return notes as the text that is stored."""
    return json.dumps({key: note.as_dict() for key, note in notes.items()}, separators=(",", ":"))


def with_note(notes: Notes, key: str, note: Note) -> dict[str, Note]:
    """Return the notes with one more under `key`, without those that were not seen for long."""
    since = note.at - SEEN_AGAIN_WITHIN
    remaining = {name: old for name, old in notes.items() if name != key and old.at > since}
    newest = sorted(remaining.items(), key=lambda item: item[1].at)[-(MAX_NOTES - 1) :]
    return {**dict(newest), key: note}


def without_note(notes: Notes, key: str, now: datetime) -> dict[str, Note]:
    """Return the notes of a line that agrees again: its repairs of the last day are remembered."""
    since = now - SEEN_AGAIN_WITHIN
    remaining = {name: note for name, note in notes.items() if name != key and note.at > since}
    old = notes.get(key)
    if old is not None and (repairs := repairs_of(old, now)):
        remaining[key] = replace(old, action="repaired", why="", repaired_at=repairs)
    return remaining


def repairs_of(note: Note | None, now: datetime) -> tuple[datetime, ...]:
    """Return the repairs of the line within the last day."""
    return tuple(at for at in note.repaired_at if at > now - REPAIR_WINDOW) if note is not None else ()


def decide(note: Note, before: Note | None, guard: LineGuard, reason: str) -> Note:
    """Return a finding with the action to take about it.

    Args:
        note: The finding, seen at `note.at`.
        before: The previous finding about the same line.
        guard: The setting `LINE_GUARD`.
        reason: Why it can't be repaired; empty if it can.
    """
    repairs = repairs_of(before, note.at)
    if reason or guard == "report":
        return replace(note, action="reported", why=reason or "LINE_GUARD is report", repaired_at=repairs)
    if len(repairs) >= MAX_REPAIRS:
        why = f"it was repaired {len(repairs)} times within a day and changed again each time"
        return replace(note, action="failed", why=why, repaired_at=repairs)
    return replace(note, action="repaired", why="", repaired_at=(*repairs, note.at))
