"""Record who changed a definition, when, and which fields: one history entry per version."""

from dataclasses import dataclass
from datetime import datetime

from fusion_billing.instants import rfc3339
from fusion_billing.json_types import JsonMapping, JsonObject

HISTORY = 50
"""Entries of a history that are shown, the newest ones."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `actor` is the id of the API key (or `odoo`), `cause` says what was changed.

    `reason` is what the actor gave as such.
    """

    actor: str
    at: datetime
    cause: str
    reason: str | None = None

    def as_json(self, version: int) -> JsonObject:
        """Return the history's entry for the version that the change made."""
        entry = {"version": version, "at": rfc3339(self.at), "actor": self.actor, "cause": self.cause}
        return entry if self.reason is None else {**entry, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change, and why, before it is known what changes."""

    actor: str
    reason: str | None = None

    def change(self, at: datetime, cause: str) -> Change:
        """Return the change made at an instant."""
        return Change(self.actor, at, cause, self.reason)


def changed_fields(before: JsonMapping, after: JsonMapping) -> list[str]:
    """Return the names of the fields in which two JSON objects differ, in order."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
