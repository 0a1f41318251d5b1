"""Companies, partners and currencies."""

from decimal import Decimal
from typing import ClassVar

from local.odoo import fields
from local.odoo.orm import Model, api_model
from local.odoo.state import Record


class Currency(Model):
    """A currency; amounts in it are multiples of its rounding."""

    name = "res.currency"
    description = "Currency"
    order = "id"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Currency", required=True),
        "full_name": fields.char("Name"),
        "symbol": fields.char("Symbol"),
        "rounding": fields.floating("Rounding Factor"),
        "decimal_places": fields.integer("Decimal Places"),
        "active": fields.boolean("Active"),
    }

    def _defaults(self, values: Record) -> Record:
        rounding = values.get("rounding") or Decimal("0.01")
        places = max(0, -int(rounding.normalize().as_tuple().exponent))
        return {"active": True, "rounding": rounding, "decimal_places": places}


class Company(Model):
    """A company; its time zone is its partner's."""

    name = "res.company"
    description = "Companies"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Company Name", required=True),
        "partner_id": fields.many2one("Partner", "res.partner"),
        "currency_id": fields.many2one("Currency", "res.currency", required=True),
        "tax_calculation_rounding_method": fields.selection(
            "Tax Calculation Rounding Method",
            ("round_per_line", "Round per Line"),
            ("round_globally", "Round Globally"),
        ),
        "account_price_include": fields.selection(
            "Default Sales Price Include", ("tax_included", "Tax Included"), ("tax_excluded", "Tax Excluded")
        ),
    }

    def _defaults(self, _values: Record) -> Record:
        return {"tax_calculation_rounding_method": "round_globally", "account_price_include": "tax_excluded"}


class Partner(Model):
    """A customer, a contact, or a company's own address."""

    name = "res.partner"
    description = "Contact"
    order = "name"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Name", required=True),
        "email": fields.char("Email"),
        "lang": fields.char("Language"),
        "tz": fields.char("Timezone"),
        "active": fields.boolean("Active"),
        "company_id": fields.many2one("Company", "res.company"),
    }

    def _defaults(self, _values: Record) -> Record:
        return {"active": True, "lang": "en_US"}

    @api_model
    def name_create(self, name: str) -> list[object]:
        """Make a partner of that name; return its id and display name."""
        [record_id] = self.create([{"name": name}])
        return [record_id, self.display_name(record_id)]
