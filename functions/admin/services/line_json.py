"""An order line as responses show it."""

from datetime import datetime
from typing import NotRequired, TypedDict

from fusion_billing.billing.document_fields import UnreadableDocument
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.currencies import DIGITS, with_digits
from fusion_billing.dynamodb.ratings.order_line_items import CHANGED, FAILED, FINAL_INVOICE, StoredLine
from fusion_billing.instants import rfc3339
from fusion_billing.odoo_lines.line_guard import ITSELF, Note, read_notes

_STATE_TIMES = {FAILED: "failed_at", FINAL_INVOICE: "sent_at"}
"""State -> the name of the time at which a line came into it."""


COLUMNS = (
    "id",
    "subscription",
    "charge",
    "period_start",
    "period_end",
    "corrects",
    "state",
    "version",
    "amount",
    "currency",
    "sent_version",
    "sent_amount",
    "odoo_order_id",
    "odoo_line_id",
    "due_at",
    "failed_at",
    "sent_at",
    "attempt_count",
    "error.code",
    "error.message",
)
"""The columns of lines as CSV."""


class LineError(TypedDict):
    """The reason that a line failed."""

    code: str
    message: str


class ChangeInOdoo(TypedDict):
    """A difference between a line and its rating, or a copy of the line, that was found in Odoo."""

    odoo_line_id: int | None
    odoo_order_id: int | None
    found: list[str]
    amount: str
    odoo_amount: str | None
    action: str
    reason: str
    detected_at: str
    repaired_at: list[str]


class LineJson(TypedDict):
    """An order line: what was rated, what Odoo has, and what went wrong."""

    id: str
    subscription: str
    charge: str
    period_start: str
    period_end: str | None
    state: str
    version: int
    amount: str
    currency: str
    odoo_order_id: int | None
    odoo_line_id: int | None
    sent_version: int | None
    sent_amount: str | None
    attempt_count: int
    corrects: NotRequired[str]
    error: NotRequired[LineError]
    changes_in_odoo: NotRequired[list[ChangeInOdoo]]
    due_at: NotRequired[str]
    failed_at: NotRequired[str]
    sent_at: NotRequired[str]


def line_json(line: StoredLine) -> LineJson:
    """Return a line as responses show it."""
    key, document = line.key, document_of(line)
    currency = "" if document is None else document.currency
    shown: LineJson = {
        "id": key.line,
        "subscription": key.subscription,
        "charge": key.charge,
        "period_start": rfc3339(key.period_start),
        "period_end": None if document is None else rfc3339(document.period_end),
        "state": line.state,
        "version": line.version,
        "amount": with_digits(line.amount, currency) if currency in DIGITS else str(line.amount),
        "currency": currency,
        "odoo_order_id": None if document is None else document.odoo_order_id,
        "odoo_line_id": line.odoo_id,
        "sent_version": line.sent_version,
        "sent_amount": None if line.sent_amount is None else str(line.sent_amount),
        "attempt_count": line.attempt_count,
    }
    if key.corrects is not None:
        shown["corrects"] = rfc3339(key.corrects)
    if line.error is not None:
        shown["error"] = {"code": line.error, "message": line.message or ""}
    if line.guard is not None:
        notes = read_notes(line.guard)
        shown["changes_in_odoo"] = [_change(line, name, note) for name, note in notes.items()]
    if line.at and line.line_partition != CHANGED:
        _set_state_time(shown, line.state, rfc3339(datetime.fromisoformat(line.at)))
    if line.state == "sent" and line.sent_at is not None:
        shown["sent_at"] = line.sent_at
    return shown


def document_of(line: StoredLine) -> RatingDocument | None:
    """Return the line's rating document; None if it can't be read, which is why the line failed."""
    try:
        return line.document
    except UnreadableDocument:
        return None


def _set_state_time(shown: LineJson, state: str, at: str) -> None:
    name = _STATE_TIMES.get(state)
    if name == "failed_at":
        shown["failed_at"] = at
    elif name == "sent_at":
        shown["sent_at"] = at
    elif state != "sent":  # the time of a sent line is when its invoice is read
        shown["due_at"] = at


def _change(line: StoredLine, name: str, note: Note) -> ChangeInOdoo:
    return {
        "odoo_line_id": line.odoo_id if name == ITSELF else int(name),
        "odoo_order_id": note.odoo_order,
        "found": list(note.found),
        "amount": note.amount,
        "odoo_amount": note.odoo_amount,
        "action": note.action,
        "reason": note.why,
        "detected_at": rfc3339(note.at),
        "repaired_at": [rfc3339(at) for at in note.repaired_at],
    }
