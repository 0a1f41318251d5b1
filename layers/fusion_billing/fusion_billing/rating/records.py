"""Usage records as rating sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(slots=True)
class Record:
    """One counter: in `[window_start, window_end)` (aware UTC) it stood at `quantity`.

    `key` orders records whose windows start together; `member` is for distinct counts; `properties`
    are what filters and groups select by.
    """

    key: str
    window_start: datetime
    window_end: datetime
    quantity: Decimal
    member: str | None = None
    properties: Mapping[str, str] | None = None
    revision: int = 1


def in_order(records: list[Record]) -> list[Record]:
    """Return the records by window start, then key: the order that `last` and free records go by."""
    return sorted(records, key=_position)


def _position(record: Record) -> tuple[datetime, str]:
    return record.window_start, record.key


def start_of(record: Record) -> datetime:
    """Return where the record's window starts, for sorting and searching by it."""
    return record.window_start
