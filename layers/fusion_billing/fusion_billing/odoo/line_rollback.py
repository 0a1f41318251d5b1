"""Bring an order line in Odoo back to a state that is right to invoice, after an attempt that did not come out right.

What is already invoiced is never reduced: Odoo invoices only what a line's quantity has grown by since, so a lower
quantity or another price would never be billed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from fusion_billing.decimals import ZERO, plain
from fusion_billing.odoo import comparison
from fusion_billing.odoo.bulk_load import Loader
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import LineInvoiced, OdooError
from fusion_billing.odoo.line_attempt import Attempt, FailedLine, RequestedLine
from fusion_billing.odoo.order_line_reading import OdooLine, read_lines
from fusion_billing.odoo_lines.order_line import COLUMNS, OrderLine


@dataclass(frozen=True, slots=True)
class LineRollback:
    """Write earlier states of lines by the loader that wrote the lines themselves."""

    odoo: Odoo
    loader: Loader

    def roll_back(self, attempt: Attempt, error: OdooError, odoo_line: OdooLine) -> FailedLine:
        """Restore what was last verified of a wrong line, or set it to what is invoiced of it (usually nothing)."""
        target = _rollback_target(attempt, odoo_line)
        restored = self._write(attempt, odoo_line, target)
        if restored is not None and restored.invoiced != attempt.invoiced_before:
            raced = self.after_concurrent_invoice(replace(attempt, before=odoo_line), restored)
            return raced or FailedLine(error, restored, is_known=True)
        is_done = restored is not None and (restored.form, restored.subtotal) == (target.form, target.subtotal)
        outcome = _explain(target) if is_done else "it could not be rolled back: change it in Odoo"
        error = type(error)(f"{error.message}; {outcome}", name=error.name)
        return FailedLine(error, restored or odoo_line, is_known=True, needs_operator=not is_done)

    def after_concurrent_invoice(self, attempt: Attempt, odoo_line: OdooLine) -> FailedLine | None:
        """Handle a line that Odoo invoiced while it was being written.

        Returns:
            None if the invoice has the line as it was written. Otherwise the failure, after the line was reduced
            to what is invoiced of it: what it grew by would be billed by Odoo, and again as an adjustment.
        """
        if _is_invoiced_as_written(attempt.before, odoo_line):
            return None
        if odoo_line.invoiced != odoo_line.quantity:
            odoo_line = self._write(attempt, odoo_line, _invoiced_part(attempt.before, odoo_line)) or odoo_line
        error = LineInvoiced("Odoo invoiced the line while it was being changed", name="qty_invoiced")
        return FailedLine(error, odoo_line, is_known=True)

    def keep_invoiced_part(self, line: OrderLine, odoo_line: OdooLine, delivered: Iterable[bool]) -> OdooLine | None:
        """Reduce a line to what is invoiced of it.

        Args:
            line: The line as this service knows it.
            odoo_line: The line in Odoo.
            delivered: Whether to write the delivered quantity too; one attempt each, until nothing is left to invoice.

        Returns:
            The line as read back, None if Odoo refuses.
        """
        target, reduced = replace(odoo_line, quantity=odoo_line.invoiced), None
        for with_delivered in delivered:
            attempt = Attempt(RequestedLine(line), odoo_line, line, delivered=with_delivered)
            reduced = self._write(attempt, odoo_line, target)
            if reduced is None or reduced.to_invoice <= ZERO:
                break
        return reduced

    def _write(self, attempt: Attempt, odoo_line: OdooLine, target: OdooLine) -> OdooLine | None:
        """Write the quantity, price and discount of `target`; return the line as read back, None if Odoo refuses."""
        columns = (*COLUMNS, "discount", *(["qty_delivered"] if attempt.delivered else []))
        row = [
            attempt.line.external_id,
            str(odoo_line.order),
            str(odoo_line.product),
            plain(target.quantity),
            plain(target.price),
            target.name or attempt.line.name,
            plain(target.discount),
            *([plain(target.quantity)] if attempt.delivered else []),
        ]
        [result] = self.loader.load([row], columns)
        if not isinstance(result, int):
            return None
        return read_lines(self.odoo, [result], self.loader.seconds).get(result)


def _rollback_target(attempt: Attempt, odoo_line: OdooLine) -> OdooLine:
    before = attempt.before
    if before is not None and comparison.amount(attempt.line, before) == attempt.requested.acknowledged:
        return before
    return replace(odoo_line, quantity=attempt.invoiced_before, price=ZERO, discount=ZERO, subtotal=ZERO, total=ZERO)


def _is_invoiced_as_written(before: OdooLine | None, odoo_line: OdooLine) -> bool:
    """Return whether the invoice certainly has what was written.

    If only the price changed, the quantity does not show which of the two prices the invoice has.
    """
    if odoo_line.invoiced != odoo_line.quantity:
        return False
    return before is None or odoo_line.quantity != before.quantity or odoo_line.form == before.form


def _invoiced_part(before: OdooLine | None, odoo_line: OdooLine) -> OdooLine:
    """Return the line reduced to what is invoiced: at its former price if that is what was invoiced."""
    is_former = before is not None and before.quantity == odoo_line.invoiced
    price = before.price if before is not None and is_former else odoo_line.price
    return replace(odoo_line, quantity=odoo_line.invoiced, price=price)


def _explain(target: OdooLine) -> str:
    if target.quantity != target.invoiced:
        return f"it was set back to {plain(target.quantity)} at {plain(target.price)}"
    return "it was set to the invoiced quantity" if target.invoiced else "it was set to a quantity of 0"
