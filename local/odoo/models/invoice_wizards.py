"""The dialogues that make invoices of orders, and credit notes of invoices."""

from collections import defaultdict
from typing import Any, ClassVar

from local.odoo import fields
from local.odoo.errors import UserError
from local.odoo.models.invoices import invoice, reverse
from local.odoo.models.lines import Line
from local.odoo.models.orders import Order
from local.odoo.orm import Model, api_records

NOTHING = "Cannot create an invoice. No items are available to invoice."
HELP = (
    '<p class="o_view_nocontent_smiling_face">\n                Create a customer invoice\n'
    "              </p><p>\n                Create invoices, register payments and keep track of the "
    "discussions with your customers.\n              </p>\n            "
)


class InvoiceWizard(Model):
    """The dialogue "Create invoices" of an order."""

    name = "sale.advance.payment.inv"
    description = "Sales Advance Payment Invoice"
    columns: ClassVar[dict[str, fields.Field]] = {
        "advance_payment_method": fields.selection("Create Invoice", ("delivered", "Regular invoice")),
        "sale_order_ids": fields.many2many("Sales Orders", "sale.order"),
    }

    @api_records
    def create_invoices(self, ids: list[int]) -> dict[str, Any]:
        """Invoice all that is to invoice, one invoice a customer and currency; return the action."""
        groups: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
        for record_id in ids:
            for order_id in self.record(record_id)["sale_order_ids"]:
                order = self.env.state.get("sale.order", order_id) or {}
                key = (order.get("company_id"), order.get("partner_id"), order.get("currency_id"))
                groups[key].append(order_id)
        invoices = [self._invoice(orders) for orders in groups.values()]
        partner = next(iter(groups), (None, 0))[1]
        return _action(invoices, int(str(partner)))

    def _invoice(self, order_ids: list[int]) -> int:
        lines = Line(self.env)
        orders = Order(self.env)
        due = [i for o in order_ids for i in orders.value(o, "order_line") if lines.value(i, "qty_to_invoice")]
        if not due:
            raise UserError(NOTHING)
        return invoice(self.env.sudo()["account.move"], order_ids, due)


class ReversalWizard(Model):
    """The dialogue "Credit Note" of an invoice."""

    name = "account.move.reversal"
    description = "Account Move Reversal"
    columns: ClassVar[dict[str, fields.Field]] = {
        "move_ids": fields.many2many("Journal Entries", "account.move"),
        "reason": fields.char("Reason displayed on Credit Note"),
        "journal_id": fields.integer("Journal"),
    }

    @api_records
    def refund_moves(self, ids: list[int]) -> dict[str, Any]:
        """Make a draft credit note of each invoice; return the action that shows it."""
        moves = self.env["account.move"]
        made = [
            reverse(moves, move_id, self.record(i)["reason"]) for i in ids for move_id in self.record(i)["move_ids"]
        ]
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": made[0] if len(made) == 1 else False,
        }


def _action(invoices: list[int], partner_id: int) -> dict[str, Any]:
    return {
        "id": 260,
        "display_name": "Invoices",
        "name": "Invoices",
        "type": "ir.actions.act_window",
        "xml_id": "account.action_move_out_invoice_type",
        "path": "invoicing",
        "help": HELP,
        "binding_model_id": False,
        "binding_type": "action",
        "binding_view_types": "list,form",
        "view_id": [730, "account.out.invoice.list"],
        "domain": "[('move_type', 'in', ['out_invoice', 'out_refund', 'out_receipt'])]",
        "context": {
            "default_move_type": "out_invoice",
            "default_partner_id": partner_id,
            "default_partner_shipping_id": partner_id,
            "default_invoice_payment_term_id": None,
        },
        "res_id": invoices[0] if len(invoices) == 1 else False,
        "res_model": "account.move",
        "target": "current",
        "view_mode": "list,kanban,form,activity",
        "mobile_view_mode": "kanban",
    }
