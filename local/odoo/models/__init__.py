"""The models the stand-in knows. Importing this package enters them all into the registry."""

from local.odoo.models import (
    invoice_lines,
    invoice_wizards,
    invoices,
    journals,
    lines,
    orders,
    parties,
    pricelists,
    products,
    taxes,
    technical,
    users,
)

__all__ = [
    "invoice_lines",
    "invoice_wizards",
    "invoices",
    "journals",
    "lines",
    "orders",
    "parties",
    "pricelists",
    "products",
    "taxes",
    "technical",
    "users",
]
