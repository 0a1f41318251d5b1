"""Journals that invoices are entered into."""

from typing import ClassVar

from local.odoo import fields
from local.odoo.orm import Model
from local.odoo.state import Record


class Journal(Model):
    """A journal; a company without one of the type Sales can't invoice."""

    name = "account.journal"
    description = "Journal"
    order = "id"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Journal Name", required=True),
        "code": fields.char("Short Code"),
        "type": fields.selection(
            "Type",
            ("sale", "Sales"),
            ("purchase", "Purchase"),
            ("cash", "Cash"),
            ("bank", "Bank"),
            ("credit", "Credit Card"),
            ("general", "Miscellaneous"),
        ),
        "company_id": fields.many2one("Company", "res.company"),
    }

    def _defaults(self, _values: Record) -> Record:
        return {"company_id": 1}
