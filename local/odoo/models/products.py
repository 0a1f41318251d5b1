"""Products, their units of measure, and subscription plans."""

from typing import ClassVar

from local.odoo import fields
from local.odoo.orm import Model
from local.odoo.state import Record


class Unit(Model):
    """A unit of measure."""

    name = "uom.uom"
    description = "Product Unit of Measure"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Unit Name", required=True),
        "rounding": fields.floating("Rounding"),
    }


class Product(Model):
    """A product that can be sold; `recurring_invoice` marks what a subscription bills each period."""

    name = "product.product"
    description = "Product Variant"
    order = "default_code, name, id"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Name", required=True),
        "default_code": fields.char("Internal Reference"),
        "active": fields.boolean("Active"),
        "sale_ok": fields.boolean("Sales"),
        "type": fields.selection("Product Type", ("consu", "Goods"), ("service", "Service"), ("combo", "Combo")),
        "lst_price": fields.floating("Sales Price"),
        "list_price": fields.floating("Sales Price", computed=True),
        "invoice_policy": fields.selection(
            "Invoicing Policy", ("order", "Ordered quantities"), ("delivery", "Delivered quantities")
        ),
        "recurring_invoice": fields.boolean("Subscription Product"),
        "uom_id": fields.many2one("Unit", "uom.uom"),
        "currency_id": fields.many2one("Currency", "res.currency"),
        "company_id": fields.many2one("Company", "res.company"),
        "taxes_id": fields.many2many("Sales Taxes", "account.tax"),
        "service_tracking": fields.selection(
            "Create on Order",
            ("no", "Nothing"),
            ("task_global_project", "Task"),
            ("task_in_project", "Project & Task"),
            ("project_only", "Project"),
        ),
    }

    def _defaults(self, _values: Record) -> Record:
        company = self.env.state.get("res.company", 1) or {}
        return {
            "active": True,
            "sale_ok": True,
            "type": "service",
            "invoice_policy": "order",
            "service_tracking": "no",
            "uom_id": 1,
            "currency_id": company.get("currency_id"),
        }

    def _compute_display_name(self, record: Record) -> str:
        code = record.get("default_code")
        return f"[{code}] {record['name']}" if code else str(record["name"])

    def _compute_list_price(self, record: Record) -> object:
        return record["lst_price"]


class Plan(Model):
    """A recurrence: how often a subscription is invoiced."""

    name = "sale.subscription.plan"
    description = "Subscription Plan"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Name", required=True),
        "active": fields.boolean("Active"),
        "billing_period_value": fields.integer("Duration"),
        "billing_period_unit": fields.selection(
            "Unit", ("day", "Days"), ("week", "Weeks"), ("month", "Months"), ("year", "Years")
        ),
        "company_id": fields.many2one("Company", "res.company"),
    }

    def _defaults(self, _values: Record) -> Record:
        return {"active": True, "billing_period_value": 1, "billing_period_unit": "month"}
