"""The lines that wait for Odoo or for somebody: shown, and tried again."""

import json
import re
from datetime import UTC, datetime
from typing import Any, Protocol

from functions.admin.cursors import bad_cursor
from fusion_billing.billing.rating import RatingKey
from fusion_billing.billing.rating_document import RatingDocument, UnreadableDocument
from fusion_billing.catalog.identifiers import is_subscription_id
from fusion_billing.currencies import DIGITS, with_digits
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.ratings.order_line_items import (
    CHANGED,
    FAILED,
    FINAL_INVOICE,
    StoredLine,
    state_partition_name,
)
from fusion_billing.dynamodb.ratings.order_lines import LineStore
from fusion_billing.dynamodb.ratings.ratings import line_partition
from fusion_billing.errors import Conflict, NotFound, Unavailable
from fusion_billing.instants import rfc3339
from fusion_billing.odoo_lines.line_guard import ITSELF, read_notes

_ID = re.compile(r"(?P<subscription>[^~]+)~(?P<start>\d{8}T\d{6}Z)~(?P<charge>[^~@]+)(?:@(?P<corrects>\d{8}T\d{6}Z))?")
_AT = {FAILED: "failed_at", FINAL_INVOICE: "sent_at"}
"""What the instant is called at which a line came into its state."""
_KEY = {"pk", "sk", "line_pk", "line_at"}
_LONGEST = 256
_WRITABLE = frozenset({FAILED, "due"})


class RelayQueue(Protocol):
    """The relay's queue."""

    def send(self, messages: Any) -> int:
        """Send messages."""


def listing(
    store: LineStore, state: str, line_partitions: int, limit: int, after: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of the lines in `state`, and where the next one starts.

    `state` is `failed`, `final_invoice`, `due`, or `changed`: changed in Odoo and not repaired.
    """
    partitions = [state_partition_name(state)]
    if state == "due":
        partitions = [keys.due_lines_partition(number) for number in range(line_partitions)]
    index, key = (0, None) if after is None else _position(after, partitions)
    found: list[StoredLine] = []
    while index < len(partitions):
        page, key = store.listing(partitions[index], limit - len(found), key)
        found += page
        if key is None:
            index += 1
        if len(found) >= limit:
            break
    following = None if index >= len(partitions) else json.dumps([index, key])
    return [shown(line) for line in found], following


def get(store: LineStore, identity: str) -> dict[str, Any]:
    """Return a line; raises `NotFound`."""
    return shown(store.get(key_of(identity)))


def retry(store: LineStore, queue: RelayQueue, identity: str, line_partitions: int, now: datetime) -> dict[str, Any]:
    """Make a failed line due, and have the relay look at once.

    Raises `NotFound`, and `Conflict` where the line is neither failed nor put off, or its period is invoiced.
    """
    line = store.get(key_of(identity))
    if line.state not in _WRITABLE or line.frozen:
        raise Conflict(f"the line is {line.state}: there is nothing to try again")
    document = _document(line)
    if document is None:
        raise Conflict("the rating names no order in Odoo")
    store.make_due(line, line_partition(document.odoo_order_id, line_partitions), now)
    wake_up(queue)
    return shown(store.get(line.key))


def wake_up(queue: RelayQueue) -> None:
    """Have the relay send lines now; if that can't be asked, its schedule does within two minutes."""
    try:
        queue.send([{"job": "lines"}])
    except Unavailable:
        return


def key_of(identity: str) -> RatingKey:
    """Return the rating that a line's public id names; raises `NotFound` where it can't be one."""
    match = _ID.fullmatch(identity)
    if match is None or not is_subscription_id(match["subscription"]):
        raise NotFound(f"there is no line {identity}")
    try:
        start = _instant(match["start"])
        corrects = _instant(match["corrects"]) if match["corrects"] else None
    except ValueError:
        raise NotFound(f"there is no line {identity}") from None
    return RatingKey(match["subscription"], start, match["charge"], corrects)


def shown(line: StoredLine) -> dict[str, Any]:
    """Return a line as JSON: what it owes, what Odoo holds of it, and what went wrong."""
    key, document = line.key, _document(line)
    currency = "" if document is None else document.currency
    told: dict[str, Any] = {
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
        "tries": line.attempt_count,
    }
    if key.corrects is not None:
        told["corrects"] = rfc3339(key.corrects)
    if line.error is not None:
        told["error"] = {"code": line.error, "message": line.message or ""}
    if line.guard is not None:
        notes = read_notes(line.guard)
        told["changes_in_odoo"] = [
            {"odoo_line_id": line.odoo_id if name == ITSELF else int(name), **note.as_dict()}
            for name, note in notes.items()
        ]
    if line.at and line.line_partition != CHANGED:
        told[_AT.get(line.state, "due_at")] = rfc3339(datetime.fromisoformat(line.at))
    return told


def _document(line: StoredLine) -> RatingDocument | None:
    """Return the line's rating document; None if it can't be read, which is why the line failed."""
    try:
        return line.document
    except UnreadableDocument:
        return None


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _position(after: str, partitions: list[str]) -> tuple[int, Any]:
    """Return the partition and the key to go on after; raises `Refused` (`bad_cursor`)."""
    try:
        index, key = json.loads(after)
        partition = partitions[index] if index >= 0 else None
    except (ValueError, TypeError, IndexError, RecursionError):
        raise bad_cursor() from None
    if partition is None or not (key is None or _is_key(key, partition)):
        raise bad_cursor()
    return index, key


def _is_key(key: Any, partition: str) -> bool:
    """Return whether `key` can be one of the index of lines, in a partition."""
    if not isinstance(key, dict) or key.keys() != _KEY or key["line_pk"] != {"S": partition}:
        return False
    texts = [value.get("S") for value in key.values() if isinstance(value, dict) and len(value) == 1]
    return len(texts) == len(_KEY) and all(isinstance(text, str) and 0 < len(text) <= _LONGEST for text in texts)
