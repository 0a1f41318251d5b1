"""Draft invoices, and the wizard that makes them."""

from decimal import Decimal
from typing import Any, ClassVar

from local.odoo import fields
from local.odoo.errors import UserError
from local.odoo.figures import ZERO, to_currency
from local.odoo.models.lines import Line
from local.odoo.models.orders import Order
from local.odoo.orm import Model, api_records
from local.odoo.state import Record

NOTHING = "Cannot create an invoice. No items are available to invoice."
HELP = (
    '<p class="o_view_nocontent_smiling_face">\n                Create a customer invoice\n'
    "              </p><p>\n                Create invoices, register payments and keep track of the "
    "discussions with your customers.\n              </p>\n            "
)


class Invoice(Model):
    """A customer invoice or credit note: its amount, its state, its lines."""

    name = "account.move"
    description = "Journal Entry"
    order = "id desc"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Number"),
        "state": fields.selection(
            "Status", ("draft", "Draft"), ("posted", "Posted"), ("cancel", "Cancelled")
        ),
        "move_type": fields.selection(
            "Type", ("out_invoice", "Customer Invoice"), ("out_refund", "Customer Credit Note")
        ),
        "partner_id": fields.many2one("Partner", "res.partner"),
        "currency_id": fields.many2one("Currency", "res.currency"),
        "payment_state": fields.selection(
            "Payment Status",
            ("not_paid", "Not Paid"),
            ("in_payment", "In Payment"),
            ("paid", "Paid"),
            ("partial", "Partially Paid"),
            ("reversed", "Reversed"),
            ("blocked", "Blocked"),
            ("invoicing_legacy", "Invoicing App Legacy"),
        ),
        "invoice_line_ids": fields.one2many("Invoice lines", "account.move.line", "move_id"),
        "invoice_origin": fields.char("Origin"),
        "invoice_date": fields.day("Invoice/Bill Date"),
        "amount_total": fields.floating("Total"),
    }


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
        """Invoice all that is to invoice; return the action that shows the invoice."""
        invoices, partner = [], None
        for record_id in ids:
            for order_id in self.record(record_id)["sale_order_ids"]:
                lines = Line(self.env)
                due = [
                    i
                    for i in Order(self.env).value(order_id, "order_line")
                    if lines.value(i, "qty_to_invoice")
                ]
                if not due:
                    raise UserError(NOTHING)
                invoices.append(invoice(self.env.sudo()["account.move"], order_id, due))
                partner = self.env.state.get("sale.order", order_id) or {}
        return _action(invoices, int((partner or {})["partner_id"]))


def invoice(
    moves: Model, order_id: int, line_ids: list[int], *, date: str | None = None, draft: bool = False
) -> int:
    """Make an invoice of the quantities to invoice of these lines, and mark them invoiced.

    A recurring product's line is billed at its whole quantity each time and stays as it is when
    `date` is given (a subscription's period); otherwise every line is treated alike.
    """
    env = moves.env
    orders, lines = Order(env), Line(env)
    total = ZERO
    billed_lines: list[Record] = []
    for line_id in line_ids:
        record = lines.record(line_id)
        recurring = date is not None and lines.value(line_id, "recurring_invoice")
        quantity = record["product_uom_qty"] if recurring else lines.value(line_id, "qty_to_invoice")
        total += _amount(orders, record, quantity)
        billed_lines.append(
            {
                **{name: record[name] for name in ("name", "product_id", "price_unit", "discount")},
                "sale_line_ids": [line_id],
                "quantity": quantity,
            }
        )
        if not recurring:
            billed = record["qty_invoiced"] + quantity
            env.state.update("sale.order.line", line_id, {"qty_invoiced": billed})
    order = orders.record(order_id)
    values = {
        "name": f"Draft Invoice {order['name']}" if date is None else f"INV/{order['name']}/{date}",
        "state": "draft" if date is None or draft else "posted",
        "payment_state": "not_paid",
        "move_type": "out_refund" if total < 0 else "out_invoice",
        "partner_id": order["partner_id"],
        "currency_id": order["currency_id"],
        "invoice_origin": order["name"],
        "invoice_date": date,
        "amount_total": total,
    }
    env.change_order(order_id)
    made = int(moves.create([values])[0])
    # Odoo turns an invoice below zero into a credit note: its quantities change their sign.
    sign = -1 if total < 0 else 1
    env.sudo()["account.move.line"].create(
        [{**line, "quantity": sign * line["quantity"], "move_id": made} for line in billed_lines]
    )
    return made


def _amount(orders: Order, record: Record, quantity: Decimal) -> Decimal:
    share = 1 - record["discount"] / 100
    return to_currency(quantity * record["price_unit"] * share, orders.rounding(record["order_id"]))


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
