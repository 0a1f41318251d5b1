"""Lines of invoices: what of which order lines an invoice bills."""

from decimal import Decimal
from typing import Any, ClassVar

from local.odoo import fields
from local.odoo.figures import ZERO, to_currency
from local.odoo.orm import Model
from local.odoo.state import Record


class InvoiceLine(Model):
    """One line of an invoice, and the lines of orders it bills."""

    name = "account.move.line"
    description = "Journal Item"
    order = "move_id desc, id"
    columns: ClassVar[dict[str, fields.Field]] = {
        "move_id": fields.many2one("Journal Entry", "account.move", required=True),
        "name": fields.char("Label"),
        "product_id": fields.many2one("Product", "product.product"),
        "sale_line_ids": fields.many2many("Sales Order Lines", "sale.order.line"),
        "quantity": fields.floating("Quantity", digits="Product Unit"),
        "price_unit": fields.floating("Unit Price"),
        "discount": fields.floating("Discount (%)", digits="Discount"),
        "price_subtotal": fields.monetary("Subtotal"),
        "price_total": fields.monetary("Total"),
        "parent_state": fields.char("Status", computed=True),
    }

    def _compute_price_subtotal(self, record: Record) -> Decimal:
        order_lines = self.env.sudo()["sale.order.line"]
        share = 1 - record["discount"] / 100
        rounding = Decimal("0.01")
        for line_id in record["sale_line_ids"]:
            if self.env.state.get("sale.order.line", line_id):
                order = order_lines.record(line_id)["order_id"]
                rounding = self.env.sudo()["sale.order"].rounding(order)  # type: ignore[attr-defined]
        return to_currency(record["quantity"] * record["price_unit"] * share, rounding)

    def _compute_price_total(self, record: Record) -> Decimal:
        return self._compute_price_subtotal(record)

    def _compute_parent_state(self, record: Record) -> Any:
        return (self.env.state.get("account.move", record["move_id"]) or {}).get("state")


def count_invoiced(model: Model, line_ids: list[int]) -> None:
    """Have order lines say how much of them is invoiced: by invoices less credits, cancelled ones apart."""
    state = model.env.state
    for line_id in line_ids:
        billed = ZERO
        for record in state.table("account.move.line").values():
            move = state.get("account.move", record["move_id"]) or {}
            if line_id in record["sale_line_ids"] and move.get("state") not in (None, "cancel"):
                billed += record["quantity"] * (-1 if move["move_type"] == "out_refund" else 1)
        if state.get("sale.order.line", line_id):
            state.update("sale.order.line", line_id, {"qty_invoiced": billed})
