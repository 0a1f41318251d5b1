"""Taxes, and the fiscal positions that map or remove them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar

from local.odoo import fields
from local.odoo.environment import Environment
from local.odoo.orm import Model
from local.odoo.state import Record
from local.odoo.taxes import Details, Tax, details


class AccountTax(Model):
    """A tax; `price_include_override` decides whether prices hold it already."""

    name = "account.tax"
    description = "Tax"
    order = "sequence, id"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Tax Name", required=True),
        "active": fields.boolean("Active"),
        "type_tax_use": fields.selection("Tax Type", ("sale", "Sales"), ("purchase", "Purchases"), ("none", "None")),
        "amount_type": fields.selection(
            "Tax Computation",
            ("group", "Group of Taxes"),
            ("fixed", "Fixed"),
            ("percent", "Percentage"),
            ("division", "Percentage Tax Included"),
            ("code", "Custom Formula"),
        ),
        "amount": fields.floating("Amount"),
        "price_include_override": fields.selection(
            "Included in Price", ("tax_included", "Tax Included"), ("tax_excluded", "Tax Excluded")
        ),
        "price_include": fields.boolean("Price Include", computed=True),
        "include_base_amount": fields.boolean("Affect Base of Subsequent Taxes"),
        "is_base_affected": fields.boolean("Base Affected by Previous Taxes"),
        "sequence": fields.integer("Sequence"),
        "company_id": fields.many2one("Company", "res.company"),
        "children_tax_ids": fields.many2many("Children Taxes", "account.tax"),
        "fiscal_position_ids": fields.many2many("Fiscal Positions", "account.fiscal.position"),
        "original_tax_ids": fields.many2many("Replaces", "account.tax"),
    }

    def _defaults(self, _values: Record) -> Record:
        return {
            "active": True,
            "type_tax_use": "sale",
            "amount_type": "percent",
            "is_base_affected": True,
            "sequence": 1,
            "company_id": 1,
        }

    def _compute_price_include(self, record: Record) -> bool:
        if record["price_include_override"]:
            return bool(record["price_include_override"] == "tax_included")
        company = self.env.state.get("res.company", record["company_id"] or 1) or {}
        return bool(company.get("account_price_include") == "tax_included")


class FiscalPosition(Model):
    """Which taxes take the place of a product's own; one without taxes removes them all."""

    name = "account.fiscal.position"
    description = "Fiscal Position"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Fiscal Position", required=True),
        "active": fields.boolean("Active"),
        "company_id": fields.many2one("Company", "res.company"),
        "tax_ids": fields.many2many("Taxes", "account.tax", computed=True),
    }

    def _defaults(self, _values: Record) -> Record:
        return {"active": True, "company_id": 1}

    def _compute_tax_ids(self, record: Record) -> list[int]:
        taxes = self.env.state.table("account.tax")
        return [i for i, tax in sorted(taxes.items()) if record["id"] in tax["fiscal_position_ids"]]


def mapped(env: Environment, position: int | None, taxes: Iterable[int]) -> list[int]:
    """Return the taxes that a fiscal position makes of these."""
    if position is None:
        return list(taxes)
    own = env.sudo()["account.fiscal.position"].value(position, "tax_ids")
    result: list[int] = []
    for tax in taxes if own else ():
        replaced = [i for i in own if tax in env.state.table("account.tax")[i]["original_tax_ids"]]
        result.extend(i for i in replaced or [tax] if i not in result)
    return result


def of_product(env: Environment, product: Record, company: int | None, position: int | None) -> list[int]:
    """Return the taxes of an order's line for a product: those of the order's company, mapped."""
    table = env.state.table("account.tax")
    own = [i for i in product["taxes_id"] if i in table and table[i]["company_id"] in (None, company)]
    return mapped(env, position, own)


def computed(env: Environment, price: Decimal, quantity: Decimal, line: Record, company: int) -> Details:
    """Return what the line's discount and taxes make of a price; `line` has an order's currency."""
    currency = env.state.get("res.currency", line["currency_id"]) or {}
    method = (env.state.get("res.company", company) or {}).get("tax_calculation_rounding_method")
    rounding = Decimal(currency.get("rounding") or "0.01") if method == "round_per_line" else None
    net = price * (1 - line["discount"] / 100)
    return details(net, quantity, _ordered(env, line["tax_ids"]), rounding)


def _ordered(env: Environment, ids: Iterable[int]) -> list[Tax]:
    """Return the taxes in the order they apply in, groups resolved."""
    model = env.sudo()["account.tax"]
    result = []
    for tax_id in sorted(ids, key=lambda i: (model.record(i)["sequence"], i)):
        record = model.record(tax_id)
        if record["amount_type"] == "group":
            result.extend(_ordered(env, record["children_tax_ids"]))
            continue
        result.append(
            Tax(
                tax_id,
                record["amount_type"],
                record["amount"],
                included=model.value(tax_id, "price_include"),
                affects=record["include_base_amount"],
                affected=record["is_base_affected"],
            )
        )
    return result
