"""List the audit log."""

from typing import NotRequired, Protocol, TypedDict

from functions.admin.cursors import bad_cursor
from fusion_billing.audit.entry import Document, Entry, is_entry_id
from fusion_billing.dynamodb.audit.audit_log import Position, Selection
from fusion_billing.instants import rfc3339


class AuditEntryJson(TypedDict):
    """An entry; one side of a change is null where the object does not exist."""

    id: str
    recorded_at: str
    actor: str
    source: str
    via: str
    action: str
    object: str
    stage: str
    before: Document | None
    after: Document | None
    reason: NotRequired[str]
    error: NotRequired[str]


class ReadableAuditLog(Protocol):
    """Lists entries (`dynamodb.audit.audit_log.AuditLog`)."""

    def page(self, chosen: Selection, after: Position | None, limit: int) -> tuple[list[Entry], Position | None]:
        """Return a page of entries, the newest first, and where the list goes on, if it does."""


def listing(
    log: ReadableAuditLog, chosen: Selection, after: str | None, limit: int
) -> tuple[list[AuditEntryJson], str | None]:
    """Return a page of the chosen entries, the newest first, and where the next page begins."""
    found, following = log.page(chosen, None if after is None else _position(after, chosen), limit)
    return [entry_json(entry) for entry in found], None if following is None else _text(following)


def entry_json(entry: Entry) -> AuditEntryJson:
    """Return an entry as responses show it."""
    shown: AuditEntryJson = {
        "id": entry.id,
        "recorded_at": rfc3339(entry.at),
        "actor": entry.actor.key_id,
        "source": entry.actor.source,
        "via": entry.actor.via,
        "action": entry.action,
        "object": entry.object_,
        "stage": entry.stage,
        "before": entry.before,
        "after": entry.after,
    }
    if entry.reason is not None:
        shown["reason"] = entry.reason
    if entry.error is not None:
        shown["error"] = entry.error
    return shown


def _text(position: Position) -> str:
    return f"{position.month}~{position.entry_id or ''}"


def _position(after: str, chosen: Selection) -> Position:
    """Return where a list goes on; raises `Refused` (`bad_cursor`)."""
    month, _, entry = after.partition("~")
    if month not in chosen.months or (entry and not is_entry_id(entry)):
        raise bad_cursor()
    return Position(month, entry or None)
