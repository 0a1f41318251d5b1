"""Lines of sales orders: prices, quantities, what is invoiced, what a locked order forbids."""

from decimal import Decimal
from typing import ClassVar

from local.odoo import fields
from local.odoo.errors import PythonError, UserError
from local.odoo.figures import ZERO, as_held, to_currency
from local.odoo.models import taxes
from local.odoo.models.invoice_lines import of_order_line
from local.odoo.models.orders import INVOICE_STATES, STATES, Order
from local.odoo.models.pricelists import price_and_discount
from local.odoo.orm import Model
from local.odoo.state import Record
from local.odoo.taxes import Details

LOCKED_FIELDS = ("name", "price_unit", "product_id", "product_uom_id", "product_uom_qty", "tax_ids")
"""What a locked order forbids to write, in the order Odoo names it."""
CONFIRMED = (
    "Once a sales order is confirmed, you can't remove one of its lines (we need to track if something gets "
    "invoiced or delivered).\n                Set the quantity to 0 instead."
)


class Line(Model):
    """One line of an order.

    `technical_price_unit` is the price the line was last given by the pricelist, or at its
    creation: while the price is still that one, changing the quantity alone fetches the pricelist's.
    """

    name = "sale.order.line"
    description = "Sales Order Line"
    order = "order_id, sequence, id"
    columns: ClassVar[dict[str, fields.Field]] = {
        "order_id": fields.many2one("Order Reference", "sale.order", required=True),
        "sequence": fields.integer("Sequence"),
        "product_id": fields.many2one("Product", "product.product"),
        "name": fields.char("Description", required=True),
        "product_uom_qty": fields.floating("Quantity", digits="Product Unit", digits_before="Product Unit of Measure"),
        "product_uom_id": fields.many2one("Unit", "uom.uom"),
        "price_unit": fields.floating("Unit Price", digits_before="Product Price"),
        "technical_price_unit": fields.floating("Technical Price Unit"),
        "discount": fields.floating("Discount (%)", digits="Discount"),
        "tax_ids": fields.many2many("Taxes", "account.tax"),
        "display_type": fields.selection("Display Type", ("line_section", "Section"), ("line_note", "Note")),
        "analytic_distribution": fields.json_object("Analytic Distribution"),
        "price_subtotal": fields.monetary("Subtotal"),
        "price_tax": fields.monetary("Total Tax"),
        "price_total": fields.monetary("Total"),
        "qty_delivered": fields.floating(
            "Delivery Quantity", digits="Product Unit", digits_before="Product Unit of Measure"
        ),
        "qty_delivered_method": fields.selection("Method to update delivered qty", ("manual", "Manual"), computed=True),
        "invoice_lines": fields.many2many("Invoice Lines", "account.move.line", computed=True),
        "qty_invoiced": fields.floating(
            "Invoiced Quantity", digits="Product Unit", digits_before="Product Unit of Measure"
        ),
        "qty_to_invoice": fields.floating("Quantity To Invoice", computed=True),
        "invoice_status": fields.selection("Invoice Status", *INVOICE_STATES, computed=True),
        "state": fields.selection("Order Status", *STATES, computed=True),
        "currency_id": fields.many2one("Currency", "res.currency", computed=True),
        "company_id": fields.many2one("Company", "res.company", computed=True),
        "order_partner_id": fields.many2one("Customer", "res.partner", computed=True),
        "salesman_id": fields.many2one("Salesperson", "res.users", computed=True),
        "recurring_invoice": fields.boolean("Subscription Product", computed=True),
        "customer_lead": fields.floating("Lead Time"),
        "x_meter_key": fields.char("Meter Key"),
    }

    @property
    def orders(self) -> Order:
        """Return the orders, without any check of rights."""
        return Order(self.env.sudo())

    def _own(self, record_id: int) -> bool:
        order = self.env.state.get("sale.order", self.record(record_id)["order_id"]) or {}
        return order.get("user_id") in (None, self.env.uid)

    # defaults

    def _defaults(self, values: Record) -> Record:
        if values.get("order_id") is None and "price_unit" not in values:
            raise PythonError(ValueError, "Expected singleton: sale.order()")
        if values.get("display_type"):
            return {"sequence": 10}
        product = self.env.state.get("product.product", values.get("product_id") or 0)
        order = self.env.state.get("sale.order", values.get("order_id") or 0) or {}
        price, discount = price_and_discount(self.env, product, order.get("pricelist_id"))
        return {
            "sequence": 10,
            "product_uom_qty": Decimal(1),
            "product_uom_id": product["uom_id"] if product else None,
            "price_unit": price,
            "discount": discount,
            "tax_ids": self._taxes(product, order),
            "technical_price_unit": values.get("price_unit", price),
            "name": self.env["product.product"].display_name(product["id"]) if product else None,
        }

    def _taxes(self, product: Record | None, order: Record) -> list[int]:
        if product is None:
            return []
        position = order.get("fiscal_position_id")
        return taxes.of_product(self.env, product, order.get("company_id"), position)

    def _created(self, ids: list[int]) -> None:
        for record_id in ids:
            record = self.record(record_id)
            order_id = record["order_id"]
            self._touch(order_id)
            if record["product_id"] and self.orders.record(order_id)["state"] == "sale":
                name = self.env["product.product"].display_name(record["product_id"])
                self.orders.post(order_id, f"Extra line with {name}")

    # changes

    def _before_write(self, ids: list[int], vals: Record) -> None:
        forbidden = [name for name in LOCKED_FIELDS if name in vals]
        if forbidden and any(self.orders.record(self.record(i)["order_id"])["locked"] for i in ids):
            labels = "\n".join(self.fields[name].string for name in forbidden)
            raise UserError(f"It is forbidden to modify the following fields in a locked order:\n{labels}")

    def _store(self, record_id: int, values: Record) -> None:
        old = self.record(record_id)
        changed = {name for name, value in values.items() if old.get(name) != value}
        new = {**old, **values}
        self._check_product(old, changed)
        values = {**values, **self._follow_up(old, new, values)}
        super()._store(record_id, values)
        self.env.touched_orders.update((old["order_id"], new["order_id"]))
        if not changed:
            return
        self._touch(old["order_id"])
        self._touch(new["order_id"])
        if "product_uom_qty" in changed and self.orders.record(old["order_id"])["state"] == "sale":
            quantities = f"{old['product_uom_qty']} -> {new['product_uom_qty']}"
            self.orders.post(old["order_id"], f"The ordered quantity has been updated. {quantities}")

    def _check_product(self, old: Record, changed: set[str]) -> None:
        """Refuse another product on a confirmed order, where the Project app is installed."""
        confirmed = self.orders.record(old["order_id"])["state"] == "sale"
        if "product_id" in changed and confirmed and "sale_project" in self.env.state.setting("apps", []):
            raise UserError("You cannot modify the product of this order line.")

    def _follow_up(self, old: Record, new: Record, values: Record) -> Record:
        """Return what Odoo recomputes after the product or the quantity was written, changed or not."""
        product = self.env.state.get("product.product", new["product_id"] or 0)
        order = self.orders.record(new["order_id"])
        result: Record = {}
        if "product_id" in values and product:
            result = {
                "name": self.env["product.product"].display_name(product["id"]),
                "product_uom_id": product["uom_id"],
                "tax_ids": self._taxes(product, order),
            }
        if values.keys() & {"product_id", "product_uom_qty", "product_uom_id"}:
            result |= self._repriced(old, order, product)
        return {name: value for name, value in result.items() if name not in values}

    def _repriced(self, old: Record, order: Record, product: Record | None) -> Record:
        """Return the pricelist's discount, and its price where the line's was not set by hand."""
        price, discount = price_and_discount(self.env, product, order["pricelist_id"])
        rounding = self.orders.rounding(order["id"])
        by_hand = to_currency(old["technical_price_unit"], rounding) != to_currency(old["price_unit"], rounding)
        if by_hand or old["qty_invoiced"] > 0:
            return {"discount": discount}
        return {"discount": discount, "price_unit": price, "technical_price_unit": price}

    def reprice(self, ids: list[int]) -> None:
        """Give lines the pricelist's price and discount, as the button "Update Prices" does."""
        for record_id in ids:
            record = self.record(record_id)
            product = self.env.state.get("product.product", record["product_id"] or 0)
            if record["display_type"] or record["qty_invoiced"] > 0 or product is None:
                continue
            order = self.orders.record(record["order_id"])
            price, discount = price_and_discount(self.env, product, order["pricelist_id"])
            values = {"price_unit": price, "technical_price_unit": price, "discount": discount}
            super()._store(record_id, values)
            self._touch(order["id"])

    def _touch(self, order_id: int) -> None:
        self.env.change_order(order_id)
        self.env.state.update("sale.order", order_id, {"write_date": self.env.timestamp()})

    def _before_unlink(self, ids: list[int]) -> None:
        for record_id in ids:
            order_id = self.record(record_id)["order_id"]
            if self.orders.record(order_id)["state"] == "sale":
                raise UserError(CONFIRMED)
            self._touch(order_id)

    # computed

    def _compute_display_name(self, record: Record) -> str:
        return f"{self.orders.record(record['order_id'])['name']} - {record['name']}"

    def details(self, record: Record) -> Details:
        """Return the line's figures before they are rounded."""
        order = self.orders.record(record["order_id"])
        line = {**record, "currency_id": order["currency_id"]}
        quantity, company = record["product_uom_qty"], order["company_id"]
        return taxes.computed(self.env, record["price_unit"], quantity, line, company)

    def _compute_price_subtotal(self, record: Record) -> Decimal:
        return as_held(self.details(record).subtotal(self.orders.rounding(record["order_id"])))

    def _compute_price_tax(self, record: Record) -> Decimal:
        return as_held(self._compute_price_total(record) - self._compute_price_subtotal(record))

    def _compute_price_total(self, record: Record) -> Decimal:
        return as_held(self.details(record).total(self.orders.rounding(record["order_id"])))

    def _compute_qty_delivered_method(self, _record: Record) -> str:
        return "manual"

    def _compute_invoice_lines(self, record: Record) -> list[int]:
        return of_order_line(self, record["id"])

    def _compute_qty_to_invoice(self, record: Record) -> Decimal:
        if self._compute_state(record) != "sale" or record["display_type"]:
            return ZERO
        product = self.env.state.get("product.product", record["product_id"] or 0)
        ordered = product is not None and product["invoice_policy"] == "order"
        base = record["product_uom_qty"] if ordered else record["qty_delivered"]
        return as_held(base - record["qty_invoiced"])

    def _compute_invoice_status(self, record: Record) -> str:
        if self._compute_state(record) != "sale":
            return "no"
        if self._compute_qty_to_invoice(record):
            return "to invoice"
        return "invoiced" if record["qty_invoiced"] >= record["product_uom_qty"] else "no"

    def _compute_recurring_invoice(self, record: Record) -> bool:
        product = self.env.state.get("product.product", record["product_id"] or 0)
        return bool(product and product["recurring_invoice"])

    def _compute_state(self, record: Record) -> str:
        return str(self.orders.record(record["order_id"])["state"])

    def _compute_currency_id(self, record: Record) -> object:
        return self.orders.record(record["order_id"])["currency_id"]

    def _compute_company_id(self, record: Record) -> object:
        return self.orders.record(record["order_id"])["company_id"]

    def _compute_order_partner_id(self, record: Record) -> object:
        return self.orders.record(record["order_id"])["partner_id"]

    def _compute_salesman_id(self, record: Record) -> object:
        return self.orders.record(record["order_id"])["user_id"]
