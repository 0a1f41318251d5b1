"""The lines of invoices and credit notes."""

from decimal import Decimal
from typing import ClassVar

from local.odoo import fields
from local.odoo.figures import ZERO, as_held
from local.odoo.models import taxes
from local.odoo.orm import Model
from local.odoo.state import Record
from local.odoo.taxes import Details

STATES = (("draft", "Draft"), ("posted", "Posted"), ("cancel", "Cancelled"))
MOVE_TYPES = (("out_invoice", "Customer Invoice"), ("out_refund", "Customer Credit Note"))


class InvoiceLine(Model):
    """One line; `sale_line` is the order line it invoices, `renewing` a recurring one's period."""

    name = "account.move.line"
    description = "Journal Item"
    order = "move_id desc, id"
    columns: ClassVar[dict[str, fields.Field]] = {
        "move_id": fields.many2one("Journal Entry", "account.move", required=True),
        "display_type": fields.selection(
            "Display Type", ("product", "Product"), ("line_section", "Section"), ("line_note", "Note")
        ),
        "product_id": fields.many2one("Product", "product.product"),
        "name": fields.char("Label"),
        "quantity": fields.floating("Quantity"),
        "price_unit": fields.floating("Unit Price"),
        "discount": fields.floating("Discount (%)"),
        "tax_ids": fields.many2many("Taxes", "account.tax"),
        "price_subtotal": fields.monetary("Subtotal"),
        "price_total": fields.monetary("Total"),
        "currency_id": fields.many2one("Currency", "res.currency", computed=True),
        "company_id": fields.many2one("Company", "res.company", computed=True),
        "parent_state": fields.selection("Status", *STATES, computed=True),
        "move_type": fields.selection("Type", *MOVE_TYPES, computed=True),
        "sale_line_ids": fields.many2many("Sales Order Lines", "sale.order.line", computed=True),
        "sale_line": fields.integer("Sales Order Line", hidden=True),
        "renewing": fields.Field(kind="boolean", string="Recurring", hidden=True),
    }

    def _defaults(self, _values: Record) -> Record:
        return {"display_type": "product", "quantity": Decimal(1)}

    def _move(self, record: Record) -> Record:
        return self.env.sudo()["account.move"].record(record["move_id"])

    def _compute_display_name(self, record: Record) -> str:
        return str(record["name"] or "")

    def details(self, record: Record) -> Details:
        """Return the line's figures before they are rounded."""
        move = self._move(record)
        line = {**record, "currency_id": move["currency_id"]}
        return taxes.computed(self.env, record["price_unit"], record["quantity"], line, move["company_id"])

    def rounding(self, record: Record) -> Decimal:
        """Return the rounding of the invoice's currency."""
        currency = self.env.state.get("res.currency", self._move(record)["currency_id"]) or {}
        return Decimal(currency.get("rounding") or "0.01")

    def _compute_price_subtotal(self, record: Record) -> Decimal:
        return as_held(self.details(record).subtotal(self.rounding(record)))

    def _compute_price_total(self, record: Record) -> Decimal:
        return as_held(self.details(record).total(self.rounding(record)))

    def _compute_currency_id(self, record: Record) -> object:
        return self._move(record)["currency_id"]

    def _compute_company_id(self, record: Record) -> object:
        return self._move(record)["company_id"]

    def _compute_parent_state(self, record: Record) -> object:
        return self._move(record)["state"]

    def _compute_move_type(self, record: Record) -> object:
        return self._move(record)["move_type"]

    def _compute_sale_line_ids(self, record: Record) -> list[int]:
        line = record["sale_line"]
        return [line] if line and self.env.state.get("sale.order.line", line) else []


def of_order_line(model: Model, line_id: int) -> list[int]:
    """Return the invoice lines of an order line, newest first."""
    return sorted(model.env.state.matching("account.move.line", "sale_line", line_id), reverse=True)


def invoiced_quantity(model: Model, line_id: int) -> Decimal:
    """Return what invoices hold less what credit notes do; a draft counts, a cancelled one does not."""
    lines = model.env.sudo()["account.move.line"]
    total = ZERO
    for found in of_order_line(model, line_id):
        record = lines.record(found)
        if not record["renewing"] and lines.value(found, "parent_state") != "cancel":
            refund = lines.value(found, "move_type") == "out_refund"
            total += -record["quantity"] if refund else record["quantity"]
    return as_held(total)
