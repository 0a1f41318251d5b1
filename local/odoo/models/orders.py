"""Sales orders, and the subscriptions among them."""

from decimal import Decimal
from typing import Any, ClassVar

from local.odoo import fields, taxes
from local.odoo.errors import UserError
from local.odoo.figures import ZERO, as_held
from local.odoo.orm import Model, api_records
from local.odoo.state import Record

STATES = (
    ("draft", "Quotation"),
    ("sent", "Quotation Sent"),
    ("sale", "Sales Order"),
    ("cancel", "Cancelled"),
)
SUBSCRIPTION_STATES = (
    ("1_draft", "Quotation"),
    ("1e_confirmed", "Confirmed"),
    ("2_renewal", "Renewal Quotation"),
    ("3_progress", "In Progress"),
    ("4_paused", "Paused"),
    ("5_renewed", "Renewed"),
    ("6_churn", "Churned"),
    ("7_upsell", "Upsell"),
)
INVOICE_STATES = (
    ("upselling", "Upselling Opportunity"),
    ("invoiced", "Fully Invoiced"),
    ("to invoice", "To Invoice"),
    ("no", "Nothing to Invoice"),
)

COPIED = (
    "partner_id",
    "user_id",
    "company_id",
    "currency_id",
    "pricelist_id",
    "fiscal_position_id",
    "is_subscription",
    "plan_id",
)
COPIED_OF_LINES = (
    "sequence",
    "product_id",
    "name",
    "product_uom_qty",
    "product_uom_id",
    "price_unit",
    "discount",
    "tax_ids",
    "display_type",
    "analytic_distribution",
)


class Order(Model):
    """A quotation, an order or a subscription."""

    name = "sale.order"
    description = "Sales Order"
    order = "date_order desc, id desc"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Order Reference"),
        "partner_id": fields.many2one("Customer", "res.partner", required=True),
        "state": fields.selection("Status", *STATES),
        "locked": fields.boolean("Locked"),
        "date_order": fields.moment("Order Date"),
        "user_id": fields.many2one("Salesperson", "res.users"),
        "company_id": fields.many2one("Company", "res.company", required=True),
        "currency_id": fields.many2one("Currency", "res.currency", required=True),
        "pricelist_id": fields.many2one("Pricelist", "product.pricelist"),
        "fiscal_position_id": fields.many2one("Fiscal Position", "account.fiscal.position"),
        "client_order_ref": fields.char("Customer Reference"),
        "order_line": fields.one2many("Order Lines", "sale.order.line", "order_id"),
        "amount_untaxed": fields.monetary("Untaxed Amount"),
        "amount_tax": fields.monetary("Taxes"),
        "amount_total": fields.monetary("Total"),
        "invoice_status": fields.selection("Invoice Status", *INVOICE_STATES, computed=True),
        "is_subscription": fields.boolean("Recurring"),
        "subscription_state": fields.selection("Subscription Status", *SUBSCRIPTION_STATES),
        "plan_id": fields.many2one("Recurring Plan", "sale.subscription.plan"),
        "start_date": fields.day("Start Date"),
        "next_invoice_date": fields.day("Next Invoice"),
        "end_date": fields.day("End Date"),
        "subscription_id": fields.many2one("Parent Contract", "sale.order"),
        "origin_order_id": fields.many2one("First contract", "sale.order"),
        "payment_exception": fields.boolean("Contract in exception"),
    }

    def _defaults(self, values: Record) -> Record:
        company = self.env.state.get("res.company", values.get("company_id") or 1) or {}
        pricelist = self.env.state.get("product.pricelist", values.get("pricelist_id") or 0) or company
        return {
            "name": "New",
            "state": "draft",
            "date_order": self.env.timestamp(),
            "user_id": self.env.uid,
            "company_id": company.get("id"),
            "currency_id": pricelist.get("currency_id"),
            "subscription_state": "1_draft" if values.get("is_subscription") else None,
        }

    def _insert(self, record_id: int, values: Record) -> None:
        if values.get("name") in (None, "New"):
            values = {**values, "name": f"S{record_id:05d}"}
        super()._insert(record_id, values)

    def _created(self, ids: list[int]) -> None:
        for record_id in ids:
            self.env.change_order(record_id)

    def _store(self, record_id: int, values: Record) -> None:
        super()._store(record_id, values)
        self.env.change_order(record_id)

    def _before_unlink(self, ids: list[int]) -> None:
        if any(self.record(i)["state"] not in ("draft", "cancel") for i in ids):
            raise UserError("You can not delete a sent quotation or a confirmed sales order. You must first cancel it.")
        lines = self.env["sale.order.line"]
        for record_id in ids:
            lines.unlink(self.value(record_id, "order_line"))

    # amounts

    def rounding(self, record_id: int) -> Decimal:
        """Return the rounding of the order's currency."""
        currency = self.env.state.get("res.currency", self.record(record_id)["currency_id"]) or {}
        return Decimal(currency.get("rounding") or "0.01")

    def _totals(self, record: Record) -> tuple[Decimal, Decimal]:
        lines = self.env.sudo()["sale.order.line"]
        ids = [i for i in self.value(record["id"], "order_line") if not lines.record(i)["display_type"]]
        figures = [lines.details(lines.record(i)) for i in ids]  # type: ignore[attr-defined]
        return taxes.totals(figures, self.rounding(record["id"]))

    def _compute_amount_untaxed(self, record: Record) -> Decimal:
        return as_held(self._totals(record)[0])

    def _compute_amount_tax(self, record: Record) -> Decimal:
        return as_held(self._totals(record)[1])

    def _compute_amount_total(self, record: Record) -> Decimal:
        return as_held(sum(self._totals(record), ZERO))

    def _compute_invoice_status(self, record: Record) -> str:
        if record["state"] != "sale":
            return "no"
        lines = self.env.sudo()["sale.order.line"]
        states = {lines.value(i, "invoice_status") for i in self.value(record["id"], "order_line")}
        if "to invoice" in states:
            return "to invoice"
        return "invoiced" if states == {"invoiced"} else "no"

    def post(self, record_id: int, body: str) -> None:
        """Add an entry to the order's chatter."""
        self.env.sudo()["mail.message"].create([{"model": self.name, "res_id": record_id, "body": body}])

    # actions

    @api_records
    def action_lock(self, ids: list[int]) -> None:
        """Lock the orders: quantities and prices of their lines stand."""
        self.write(ids, {"locked": True})

    @api_records
    def action_unlock(self, ids: list[int]) -> None:
        """Unlock the orders."""
        self.write(ids, {"locked": False})

    @api_records
    def action_confirm(self, ids: list[int]) -> bool:
        """Make orders of quotations; a subscription starts to run."""
        if any(self.record(i)["state"] not in ("draft", "sent") for i in ids):
            raise UserError("Some orders are not in a state requiring confirmation.")
        for record_id in ids:
            record = self.record(record_id)
            changes: dict[str, Any] = {"state": "sale", "date_order": self.env.timestamp()}
            if record["is_subscription"]:
                start = record["start_date"] or self.env.today()
                first = record["next_invoice_date"] or start
                changes |= {
                    "subscription_state": "3_progress",
                    "start_date": start,
                    "next_invoice_date": first,
                }
            if self.env.state.setting("lock_confirmed_orders") and not record["is_subscription"]:
                changes["locked"] = True
            self.write([record_id], changes)
        return True

    @api_records
    def action_draft(self, ids: list[int]) -> bool:
        """Make quotations of cancelled orders again."""
        cancelled = [i for i in ids if self.record(i)["state"] in ("cancel", "sent")]
        return self.write(cancelled, {"state": "draft"})

    @api_records
    def action_cancel(self, ids: list[int]) -> bool:
        """Cancel the orders; a locked one is refused."""
        if any(self.record(i)["locked"] for i in ids):
            raise UserError("You cannot cancel a locked order. Please unlock it first.")
        return self.write(ids, {"state": "cancel"})

    @api_records
    def action_update_prices(self, ids: list[int]) -> None:
        """Give the lines the pricelist's prices again, ours too: the button "Update Prices"."""
        lines = self.env["sale.order.line"]
        for record_id in ids:
            lines.reprice(self.value(record_id, "order_line"))  # type: ignore[attr-defined]
            self.post(record_id, "Product prices have been recomputed.")

    @api_records
    def copy(self, ids: list[int], default: Record | None = None) -> list[int]:
        """Copy orders with their lines, as quotations; external ids are not copied."""
        return [self._copy(record_id, default or {}) for record_id in ids]

    def _copy(self, record_id: int, default: Record) -> int:
        record = self.record(record_id)
        remaining = {name: record[name] for name in COPIED}
        [new] = self.create([{**remaining, **default}])
        lines = self.env["sale.order.line"]
        for line_id in self.value(record_id, "order_line"):
            line = lines.record(line_id)
            copied = {name: line[name] for name in COPIED_OF_LINES}
            [made] = lines.create([{**copied, "order_id": new}])
            price = line["technical_price_unit"]
            self.env.state.update("sale.order.line", made, {"technical_price_unit": price})
        return int(new)
