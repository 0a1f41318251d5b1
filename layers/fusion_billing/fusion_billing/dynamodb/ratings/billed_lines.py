"""What Odoo's invoices hold of lines whose period is closed, and which lines wait to be invoiced at all."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from fusion_billing.decimals import plain
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.ratings.line_conditions import FROZEN, on_rating
from fusion_billing.dynamodb.ratings.order_line_items import (
    BY_ORDER_LINE,
    FINAL_INVOICE,
    Standing,
    StoredLine,
)
from fusion_billing.dynamodb.ratings.order_lines import LineStore
from fusion_billing.instants import rfc3339, sortable


class BilledLines(LineStore):
    """Lines, and what was billed of them."""

    def billed(
        self,
        line: StoredLine,
        amount: Decimal,
        state: str,
        now: datetime,
        *,
        next_look: tuple[int, datetime] | None,
        looks: int = 0,
        by_order_line: bool = False,
        standing: Standing | None = None,
    ) -> bool:
        """Write what is billed of a frozen rating's line; `next_look` says where and when to read it again.

        `by_order_line`: the amount comes from the order line, not from invoices alone. `standing` resolves an
        unknown result.
        False where the relay is at work on the line.
        """
        values: dict[str, Any] = {
            "billed": {"S": plain(amount)},
            "billed_at": {"S": rfc3339(now)},
            "billed_state": {"S": state},
            "billed_looks": {"N": str(looks)},
        }
        removed: list[str] = []
        if by_order_line:
            values["billed_source"] = {"S": BY_ORDER_LINE}
        else:
            removed.append("billed_source")
        if next_look is None:
            removed += ["line_pk", "line_at"]
        else:
            values |= _waiting(*next_look)
        if standing is not None:
            reported, gone = standing.attributes()
            values |= reported
            removed += [*gone, "line_intent"]
        return self._write(line, values, removed, FROZEN)

    def read_later(self, line: StoredLine, line_partition: int, at: datetime) -> bool:
        """Schedule the next read of the invoices of a frozen rating's line."""
        return self._write(line, _waiting(line_partition, at), [], FROZEN)

    def final_invoice_seen(self, line: StoredLine) -> bool:
        """Take a line off the list of those that an operator has to invoice."""
        return self._write(
            line,
            {"line_state": {"S": "sent"}},
            ["line_pk", "line_at"],
            on_rating("line_state = :final"),
            more={":final": {"S": FINAL_INVOICE}},
        )

    def final_invoices(self, limit: int) -> list[StoredLine]:
        """Return lines that an operator has to invoice, the oldest first."""
        return self.listing(FINAL_INVOICE, limit)[0]


def _waiting(line_partition: int, at: datetime) -> dict[str, Any]:
    return {"line_pk": {"S": keys.invoices_partition(line_partition)}, "line_at": {"S": sortable(at)}}
