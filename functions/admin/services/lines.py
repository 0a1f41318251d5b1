"""List, show and retry the order lines that wait for Odoo or for an operator."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

from functions.admin.cursors import bad_cursor
from functions.admin.ports import OrderLines
from functions.admin.services.line_json import LineJson, document_of, line_json
from fusion_billing.audit.recorder import Record, unrecorded
from fusion_billing.billing.rating import RatingKey
from fusion_billing.catalog.identifiers import is_subscription_id
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.keys import line_partition
from fusion_billing.dynamodb.keys.primary import Key
from fusion_billing.dynamodb.ratings.order_line_items import (
    FAILED,
    StoredLine,
    state_partition_name,
)
from fusion_billing.errors import Conflict, NotFound, Unavailable
from fusion_billing.messaging.relay_messages import LinesJob

_ID = re.compile(r"(?P<subscription>[^~]+)~(?P<start>\d{8}T\d{6}Z)~(?P<charge>[^~@]+)(?:@(?P<corrects>\d{8}T\d{6}Z))?")
_KEY = {"pk", "sk", "line_pk", "line_at"}
_LONGEST = 256
_WRITABLE = frozenset({FAILED, "due"})


class RelayQueue(Protocol):
    """The relay's queue."""

    def send(self, messages: Iterable[LinesJob]) -> int:
        """Send messages."""


def listing(
    store: OrderLines, state: str, line_partitions: int, limit: int, after: str | None
) -> tuple[list[LineJson], str | None]:
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
    return [line_json(line) for line in found], following


def get(store: OrderLines, identity: str) -> LineJson:
    """Return a line; raises `NotFound`."""
    return line_json(store.get(key_of(identity)))


def retry(
    store: OrderLines,
    queue: RelayQueue,
    identity: str,
    line_partitions: int,
    now: datetime,
    *,
    record: Record = unrecorded,
) -> LineJson:
    """Make a failed line due, and have the relay look at once.

    Raises `NotFound`, and `Conflict` where the line is neither failed nor put off, or its period is invoiced.
    """
    line = store.get(key_of(identity))
    if line.state not in _WRITABLE or line.frozen:
        raise Conflict(f"The order line is {line.state}: only a failed or due line can be retried")
    document = document_of(line)
    if document is None:
        raise Conflict("The rating has no order in Odoo")
    before = {"state": line.state, "error": line.error, "attempt_count": line.attempt_count}
    also = record(f"lines/{line.key.line}", before, {"state": "due", "error": None, "attempt_count": 0})
    store.make_due(line, line_partition(document.odoo_order_id, line_partitions), now, also=also)
    wake_up(queue)
    return line_json(store.get(line.key))


def wake_up(queue: RelayQueue) -> None:
    """Wake up the relay to send lines now; if that fails, its schedule sends them within two minutes."""
    try:
        queue.send([LinesJob()])
    except Unavailable:
        return


def key_of(identity: str) -> RatingKey:
    """Return the rating that a line's public id names; raises `NotFound` if the id is invalid."""
    match = _ID.fullmatch(identity)
    if match is None or not is_subscription_id(match["subscription"]):
        raise NotFound(f"No such order line: {identity}")
    try:
        start = _instant(match["start"])
        corrects = _instant(match["corrects"]) if match["corrects"] else None
    except ValueError:
        raise NotFound(f"No such order line: {identity}") from None
    return RatingKey(match["subscription"], start, match["charge"], corrects)


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _position(after: str, partitions: list[str]) -> tuple[int, Key | None]:
    """Return the partition and the key to go on after; raises `Refused` (`bad_cursor`)."""
    try:
        index, key = json.loads(after)
        partition = partitions[index] if index >= 0 else None
    except (ValueError, TypeError, IndexError, RecursionError):
        raise bad_cursor() from None
    if partition is None or not (key is None or _is_key(key, partition)):
        raise bad_cursor()
    return index, key


def _is_key(key: object, partition: str) -> bool:
    """Return whether `key` is a valid key of the index of lines, in a partition."""
    if not isinstance(key, dict) or key.keys() != _KEY or key["line_pk"] != {"S": partition}:
        return False
    texts = [value.get("S") for value in key.values() if isinstance(value, dict) and len(value) == 1]
    return len(texts) == len(_KEY) and all(isinstance(text, str) and 0 < len(text) <= _LONGEST for text in texts)
