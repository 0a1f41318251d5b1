"""Invoices and credit notes, from draft to posted, cancelled or reversed."""

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar

from local.odoo import fields, taxes
from local.odoo.errors import UserError
from local.odoo.figures import ZERO, as_held
from local.odoo.models.invoice_lines import MOVE_TYPES, STATES, invoiced_quantity
from local.odoo.models.lines import Line
from local.odoo.models.orders import Order
from local.odoo.orm import Model, api_records
from local.odoo.state import Record

POSTED = (
    "You can't delete a posted journal item. Don’t play games with your accounting records; "  # noqa: RUF001
    "reset the journal entry to draft before deleting it."
)
REFUNDS = {"out_invoice": "out_refund", "out_refund": "out_invoice"}


class Invoice(Model):
    """A customer invoice, or a credit note."""

    name = "account.move"
    description = "Journal Entry"
    order = "id desc"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Number"),
        "ref": fields.char("Reference"),
        "state": fields.selection("Status", *STATES),
        "move_type": fields.selection("Type", *MOVE_TYPES),
        "payment_state": fields.selection(
            "Payment Status",
            ("not_paid", "Not Paid"),
            ("in_payment", "In Payment"),
            ("paid", "Paid"),
            ("partial", "Partially Paid"),
            ("reversed", "Reversed"),
        ),
        "partner_id": fields.many2one("Partner", "res.partner"),
        "currency_id": fields.many2one("Currency", "res.currency"),
        "company_id": fields.many2one("Company", "res.company"),
        "invoice_origin": fields.char("Origin"),
        "invoice_date": fields.day("Invoice/Bill Date"),
        "invoice_line_ids": fields.one2many("Invoice lines", "account.move.line", "move_id"),
        "reversed_entry_id": fields.many2one("Reversal of", "account.move"),
        "reversal_move_ids": fields.one2many("Reversals", "account.move", "reversed_entry_id"),
        "amount_untaxed": fields.monetary("Untaxed Amount"),
        "amount_tax": fields.monetary("Tax"),
        "amount_total": fields.monetary("Total"),
    }

    def _defaults(self, _values: Record) -> Record:
        return {"state": "draft", "move_type": "out_invoice", "payment_state": "not_paid", "company_id": 1}

    def _compute_display_name(self, record: Record) -> str:
        kind = "Credit Note" if record["move_type"] == "out_refund" else "Invoice"
        name = record["name"] or f"Draft {kind}"
        return f"{name} ({record['ref']})" if record["ref"] else str(name)

    # amounts

    def _totals(self, record: Record) -> tuple[Decimal, Decimal]:
        lines = self.env.sudo()["account.move.line"]
        ids = self.value(record["id"], "invoice_line_ids")
        figures = [lines.details(lines.record(i)) for i in ids]  # type: ignore[attr-defined]
        currency = self.env.state.get("res.currency", record["currency_id"] or 0) or {}
        return taxes.totals(figures, Decimal(currency.get("rounding") or "0.01"))

    def _compute_amount_untaxed(self, record: Record) -> Decimal:
        return as_held(self._totals(record)[0])

    def _compute_amount_tax(self, record: Record) -> Decimal:
        return as_held(self._totals(record)[1])

    def _compute_amount_total(self, record: Record) -> Decimal:
        return as_held(sum(self._totals(record), ZERO))

    # actions

    @api_records
    def action_post(self, ids: list[int]) -> bool:
        """Post drafts: each gets its number."""
        for record_id in ids:
            record = self.record(record_id)
            if record["state"] != "draft":
                raise UserError("The entry must be in draft.")
            prefix = "RINV" if record["move_type"] == "out_refund" else "INV"
            year = self.env.today()[:4]
            number = f"{prefix}/{year}/{self.env.state.next_id(f'{prefix}/{year}'):05d}"
            values = {
                "state": "posted",
                "name": record["name"] or number,
                "invoice_date": record["invoice_date"] or self.env.today(),
            }
            self.write([record_id], values)
            if record["reversed_entry_id"]:
                self.write([record_id], {"payment_state": "paid"})
                self.write([record["reversed_entry_id"]], {"payment_state": "reversed"})
        return False

    @api_records
    def button_draft(self, ids: list[int]) -> None:
        """Reset invoices to drafts."""
        self._move_to(ids, "draft")

    @api_records
    def button_cancel(self, ids: list[int]) -> None:
        """Cancel invoices: what they invoiced is to invoice again."""
        self._move_to(ids, "cancel")

    def _move_to(self, ids: list[int], state: str) -> None:
        self.write(ids, {"state": state})
        for record_id in ids:
            recount(self, record_id)

    def _before_unlink(self, ids: list[int]) -> None:
        if any(self.record(i)["state"] == "posted" for i in ids):
            raise UserError(POSTED)
        lines = self.env.sudo()["account.move.line"]
        for record_id in ids:
            invoiced = _order_lines(self, record_id)
            for line_id in self.value(record_id, "invoice_line_ids"):
                lines.unlink([line_id])
            count(self, invoiced)


def invoice(moves: Model, order_ids: Iterable[int], line_ids: list[int], *, date: str | None = None) -> int:
    """Make an invoice of the quantities to invoice of these lines, and mark them invoiced.

    A recurring product's line is billed at its whole quantity each time and stays as it is when
    `date` is given (a subscription's period); otherwise every line is treated alike. Less than nothing in
    all becomes a credit note, its quantities negated.
    """
    env = moves.env
    orders = Order(env)
    order = orders.record(next(iter(order_ids)))
    values = {
        "move_type": "out_invoice",
        "partner_id": order["partner_id"],
        "currency_id": order["currency_id"],
        "company_id": order["company_id"],
        "invoice_origin": order["name"],
        "ref": order["client_order_ref"] or order["name"],
        "invoice_date": date,
    }
    [move_id] = moves.create([values])
    for line_id in line_ids:
        env["account.move.line"].insert(_invoice_line(env["sale.order.line"], line_id, move_id, date))
    if moves.value(move_id, "amount_total") < 0:
        moves.write([move_id], {"move_type": "out_refund"})
        for found in moves.value(move_id, "invoice_line_ids"):
            quantity = env["account.move.line"].record(found)["quantity"]
            env.state.update("account.move.line", found, {"quantity": -quantity})
    count(moves, line_ids)
    for order_id in order_ids:
        env.change_order(order_id)
    return int(move_id)


def _invoice_line(lines: Model, line_id: int, move_id: int, date: str | None) -> Record:
    record = lines.record(line_id)
    recurring = date is not None and lines.value(line_id, "recurring_invoice")
    product = lines.env.state.get("product.product", record["product_id"] or 0) or {}
    title = str(product.get("name") or "")
    name = record["name"] if record["name"].startswith(title) else f"{title}\n{record['name']}"
    copied = {key: record[key] for key in ("product_id", "price_unit", "discount", "tax_ids")}
    quantity = record["product_uom_qty"] if recurring else lines.value(line_id, "qty_to_invoice")
    links = {"move_id": move_id, "sale_line": line_id, "renewing": recurring}
    return {**copied, **links, "quantity": quantity, "name": name}


def reverse(moves: Model, move_id: int, reason: str | None = None) -> int:
    """Make the credit note of a posted invoice, as a draft; return its id."""
    record = moves.record(move_id)
    remaining = ("partner_id", "currency_id", "company_id", "invoice_origin")
    ref = f"Reversal of: {record['name']}" + (f", {reason}" if reason else "")
    values = {
        **{name: record[name] for name in remaining},
        "move_type": REFUNDS[record["move_type"]],
        "invoice_date": moves.env.today(),
        "reversed_entry_id": move_id,
        "ref": ref,
    }
    [new] = moves.create([values])
    lines = moves.env["account.move.line"]
    fields_kept = (
        "product_id",
        "name",
        "quantity",
        "price_unit",
        "discount",
        "tax_ids",
        "sale_line",
        "renewing",
    )
    for line_id in moves.value(move_id, "invoice_line_ids"):
        lines.insert({**{name: lines.record(line_id)[name] for name in fields_kept}, "move_id": new})
    recount(moves, new)
    return int(new)


def recount(moves: Model, move_id: int) -> None:
    """Bring the invoiced quantities of the order lines of an invoice up to date."""
    count(moves, _order_lines(moves, move_id))


def count(moves: Model, line_ids: Iterable[int]) -> None:
    """Bring the invoiced quantities of order lines up to date."""
    lines = Line(moves.env)
    for line_id in dict.fromkeys(line_ids):
        if moves.env.state.get("sale.order.line", line_id):
            quantity = invoiced_quantity(lines, line_id)
            moves.env.state.update("sale.order.line", line_id, {"qty_invoiced": quantity})
            moves.env.change_order(lines.record(line_id)["order_id"])


def _order_lines(moves: Model, move_id: int) -> list[int]:
    lines = moves.env.sudo()["account.move.line"]
    ids = moves.value(move_id, "invoice_line_ids")
    return [lines.record(i)["sale_line"] for i in ids if lines.record(i)["sale_line"]]
