"""Read what Odoo invoiced of order lines: the amounts of the invoice lines, credit notes negative.

If the API user may not read invoices, the invoiced quantity of the order line is used instead.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fusion_billing.decimals import EXACT, ZERO
from fusion_billing.odoo.client import Odoo, Row
from fusion_billing.odoo.errors import AccessDenied, InvalidCall, MissingAccessRights
from fusion_billing.odoo.order_line_reading import decimal
from fusion_billing.odoo.orders import Seconds, many2one

_LINE = ("move_id", "quantity", "price_subtotal", "price_total", "sale_line_ids")
_INVOICE = ("state", "move_type")


@dataclass(frozen=True, slots=True)
class Billed:
    """What is invoiced of one order line, without and with taxes; `is_draft` if an invoice is not posted."""

    subtotal: Decimal = ZERO
    total: Decimal = ZERO
    is_draft: bool = False
    count: int = 0

    def amount(self, *, with_taxes: bool) -> Decimal:
        """Return the one that the rated amount is compared with."""
        return self.total if with_taxes else self.subtotal


def read_billed(odoo: Odoo, ids: Sequence[int], seconds: Seconds) -> dict[int, Billed] | None:
    """Return what invoices hold of order lines, those of which none does left out.

    None where the API user may not read invoices.
    """
    if not ids:
        return {}
    domain = [["sale_line_ids", "in", list(ids)]]
    try:
        rows = odoo.search_read("account.move.line", domain, _LINE, seconds=seconds())
        found = {many2one(row.get("move_id")) for row in rows}
        moves = sorted({move[0] for move in found if move})
        invoices = {row["id"]: row for row in odoo.read("account.move", moves, _INVOICE, seconds=seconds())}
    except (AccessDenied, MissingAccessRights, InvalidCall):
        return None
    return _summed(rows, invoices, frozenset(ids))


def _summed(rows: Sequence[Row], invoices: Mapping[int, Row], ids: frozenset[int]) -> dict[int, Billed]:
    lines: defaultdict[int, list[tuple[Row, Row]]] = defaultdict(list)
    for row in rows:
        move = many2one(row.get("move_id"))
        invoice = invoices.get(move[0]) if move else None
        if invoice is None or invoice.get("state") == "cancel":
            continue
        billed_lines = [line for line in row.get("sale_line_ids") or [] if line in ids]
        for line in billed_lines:
            lines[line].append((row, invoice))
    return {line: _billed(found) for line, found in lines.items()}


def _billed(found: Sequence[tuple[Row, Row]]) -> Billed:
    subtotal = total = ZERO
    for row, invoice in found:
        sign = EXACT.create_decimal(-1 if invoice.get("move_type") == "out_refund" else 1)
        subtotal = EXACT.add(subtotal, EXACT.multiply(sign, decimal(row.get("price_subtotal"))))
        total = EXACT.add(total, EXACT.multiply(sign, decimal(row.get("price_total"))))
    is_draft = any(invoice.get("state") == "draft" for _, invoice in found)
    return Billed(subtotal, total, is_draft, len(found))
