"""Record who changed a definition, when, and which fields: one history entry per version."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NotRequired, TypedDict

from fusion_billing.instants import rfc3339

if TYPE_CHECKING:
    from fusion_billing.catalog.stored_subscription import StoredSubscription

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

    `reason` is what the actor gave as such. `also` are further writes of the transaction that makes the change, as
    the database's adapter takes them: its entry in the audit log.
    """

    actor: str
    at: datetime
    cause: str
    reason: str | None = None
    also: Sequence[object] = ()

    def as_json(self, version: int) -> ChangeEntry:
        """Return the history's entry for the version that the change made."""
        entry: ChangeEntry = {"version": version, "at": rfc3339(self.at), "actor": self.actor, "cause": self.cause}
        if self.reason is not None:
            entry["reason"] = self.reason
        return entry


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change, and why, before it is known what changes.

    `record` returns the writes of the audit log for a subscription as it was and as it becomes.
    """

    actor: str
    reason: str | None = None
    record: "Callable[[StoredSubscription | None, StoredSubscription], Sequence[object]] | None" = None

    def change(self, at: datetime, cause: str, also: Sequence[object] = ()) -> Change:
        """Return the change made at an instant."""
        return Change(self.actor, at, cause, self.reason, also)

    def change_of(
        self, stored: "StoredSubscription | None", new: "StoredSubscription", at: datetime, cause: str
    ) -> Change:
        """Return the change of a subscription, made at an instant."""
        return self.change(at, cause, () if self.record is None else self.record(stored, new))


def changed_fields(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Return the names of the fields in which two JSON objects differ, in order."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
