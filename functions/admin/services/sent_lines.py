"""List the order lines that Odoo holds as rated, by the end of their period.

No index has them, so that a line costs no write to be found there: they are read with the ratings of a time.
"""

from dataclasses import dataclass

from functions.admin.ports import OrderLines, PeriodEnds
from functions.admin.services.line_json import LineJson, document_of, line_json
from functions.admin.services.rating_lists import MOST_READ, Filters, position_text, resumed_position
from fusion_billing.dynamodb.ratings.order_line_items import StoredLine

SENT = "sent"


@dataclass(frozen=True, slots=True)
class SentLines:
    """What the list is read from."""

    ends: PeriodEnds
    lines: OrderLines


def listing(stores: SentLines, filters: Filters, limit: int, after: str | None) -> tuple[list[LineJson], str | None]:
    """Return a page of the sent lines of periods that end within a time, and where the next one starts.

    A page may hold fewer lines than `limit`, or none, and yet have a next one. Raises `Refused` (`bad_cursor`).
    """
    position = None if after is None else resumed_position(after, filters.ends)[0]
    found: list[LineJson] = []
    read = 0
    while True:
        keys, position = stores.ends.page(filters.ends, position, limit - len(found))
        read += len(keys)
        found += [line_json(line) for line in stores.lines.get_many(keys) if _is_listed(line, filters)]
        if position is None:
            return found, None
        if len(found) >= limit or read >= MOST_READ:
            return found, position_text(position, {})


def _is_listed(line: StoredLine, filters: Filters) -> bool:
    document = document_of(line)
    return line.state == SENT and document is not None and filters.hold(document)
