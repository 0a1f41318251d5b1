"""Pricelists: what a product costs on an order, and the discount that its lines show."""

from decimal import Decimal
from typing import ClassVar

from local.odoo import fields
from local.odoo.environment import Environment
from local.odoo.figures import ZERO, as_held
from local.odoo.orm import Model
from local.odoo.state import Record


class Pricelist(Model):
    """A pricelist with one rule: so many percent off every product.

    `percent` stands for Odoo's rules; a setting says whether lines show it as their discount.
    """

    name = "product.pricelist"
    description = "Pricelist"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Pricelist Name", required=True),
        "active": fields.boolean("Active"),
        "currency_id": fields.many2one("Currency", "res.currency"),
        "percent": fields.floating("Percentage Price"),
    }

    def _defaults(self, _values: Record) -> Record:
        return {"active": True, "currency_id": 1}


def price_and_discount(env: Environment, product: Record | None, pricelist: int | None) -> tuple[Decimal, Decimal]:
    """Return the price a line gets by itself, and the discount shown beside it."""
    price = product["lst_price"] if product else ZERO
    percent = (env.state.get("product.pricelist", pricelist or 0) or {}).get("percent", ZERO)
    if not percent:
        return price, ZERO
    if env.state.setting("show_discounts", default=False):
        return price, percent
    return as_held(price * (1 - percent / 100)), ZERO
