"""Record who changed a definition, when, and which fields: one history entry per version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired, TypedDict

from fusion_billing.instants import rfc3339

HISTORY = 50
"""Entries of a history that are shown, the newest ones."""


class ChangeEntry(TypedDict):
    """A change as it is stored."""

    version: int
    at: str
    actor: str
    cause: str
    reason: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `actor` is the id of the API key (or `odoo`), `cause` says what was changed.

    `reason` is what the actor gave as such.
    """

    actor: str
    at: datetime
    cause: str
    reason: str | None = None

    def as_json(self, version: int) -> ChangeEntry:
        """Return the history's entry for the version that the change made."""
        entry: ChangeEntry = {"version": version, "at": rfc3339(self.at), "actor": self.actor, "cause": self.cause}
        if self.reason is not None:
            entry["reason"] = self.reason
        return entry


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change, and why, before it is known what changes."""

    actor: str
    reason: str | None = None

    def change(self, at: datetime, cause: str) -> Change:
        """Return the change made at an instant."""
        return Change(self.actor, at, cause, self.reason)


def changed_fields(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Return the names of the fields in which two JSON objects differ, in order."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
